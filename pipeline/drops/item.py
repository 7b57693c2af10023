"""One thing in a drop: what it is, by its name and its first bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import IO, NamedTuple

from layout import names
from pipeline.errors import InputRejected
from pipeline.formats import contradictions, masks, pictures, ply, signatures, tables
from pipeline.formats.bytes import HEAD
from pipeline.formats.gzip import unzipped

POINTS, MESH, IMAGE, RANGE_IMAGE, TEXT, OTHER = (
    "points",
    "mesh",
    "image",
    "range image",
    "text",
    "other",
)
TABLES = frozenset(tables.SUFFIXES) - {".txt", ".csv"}
MESHES = frozenset({".obj", ".stl", ".glb", ".gltf", ".off", ".3mf"})
COLOUR_OR_DEPTH = re.compile(r"(?<![a-z])(colou?rs?|rgb|depths?)(?![a-z])", re.I)
PROMPT_LIMIT = 2000  # characters
SHORT = 4 * PROMPT_LIMIT  # bytes of a text that may be one
PHOTO_HEAD = 3 * HEAD  # an EXIF block may take 64 KiB, behind others


class Item(NamedTuple):
    """A file of the drop, or a member of an archive in it."""

    file: str  # its name in the drop
    name: str  # how people are told of it: "a.ply", "passes.zip/a.ply"
    what: str
    camera: str | None = None  # of a photo
    size: int = 0
    transparent: bool = False  # a picture with an alpha channel
    text: bytes = b""  # of a text that is short enough to be a prompt
    really: str | None = None  # what one is that no suffix tells, in words: "a GLB model"
    figures: bool = False  # a text of numbers, and no table
    few: bool = False  # a table that has fewer rows than a pass of a scan has points
    amiss: str | None = None  # what a file is that is named like a picture: "plain text"
    held: str | None = None  # what a mesh file holds that has no faces: "12 points and no faces"

    @property
    def stem(self) -> str:
        return PurePosixPath(names.without_go(self.name)).name.partition(".")[0]


def of(found: Iterable[Item], what: str) -> list[Item]:
    return [item for item in found if item.what == what]


def item_of(file: str, name: str, stream: IO[bytes], size: int) -> Item:
    ending = signatures.suffix(name)
    head = stream.read(PHOTO_HEAD if pictures.BY_SUFFIX.get(ending) == "jpeg" else HEAD)
    if really := contradictions.contradiction(name, head):
        if pictures.is_named(name):
            return Item(file, name, OTHER, size=size, amiss=really)
        raise refusal(name, really)
    if signatures.packed(name):
        head = unzipped(head)
    what = what_of(name, ending, head)
    if what == MESH and contradictions.only_vertices(ending, head, _tail(name, head, stream, size)):
        what = POINTS
    if what == TEXT:
        figures = ending == ".txt" and tables.of_figures(head, len(head) < HEAD)
        short = head if size <= SHORT else b""
        return Item(file, name, what, size=size, text=short, figures=figures)
    if what != IMAGE:
        really = contradictions.by_content(ending, head, size) if what == OTHER else None
        may = what == POINTS and ending in (".ply", ".obj", ".off", ".glb")
        held = contradictions.without_faces(ending, head) if may else None
        few = what == POINTS and ending in (".txt", ".csv") and tables.is_short(head)
        return Item(file, name, what, size=size, really=really, held=held, few=few)
    return Item(file, name, what, _camera(head), size, pictures.has_alpha(head))


def refusal(name: str, really: str) -> InputRejected:
    """Of a file called NAME that is REALLY something else."""
    return InputRejected(f"{name} is {really}", remedy=contradictions.remedy(really))


def _tail(name: str, head: bytes, stream: IO[bytes], size: int) -> bytes:
    """The last bytes of an OBJ file, where its faces are; b"" where HEAD is all of it, a face where
    looking would be too much work."""
    if len(head) < HEAD:
        return b""
    if signatures.packed(name) or size > MOST_UNPACKED or signatures.suffix(name) != ".obj":
        return b"f "
    stream.seek(size - HEAD)
    return stream.read(HEAD)


def what_of(name: str, ending: str, head: bytes) -> str:
    if ending == ".ply":
        header = _ply_header(head)
        if header is None:
            raise InputRejected(
                f"{name}: its PLY header cannot be read",
                remedy="Export the file again.",
            )
        return MESH if header.is_mesh else POINTS
    if ending in tables.SUFFIXES and signatures.sniff(head) in ("ply", "pcd"):
        return POINTS  # whatever it is called
    if ending in signatures.SCANS or (
        ending in TABLES and tables.rows_of_numbers(head, len(head) < HEAD) >= 1
    ):
        return POINTS
    if ending in MESHES:
        return MESH
    if (
        ending in (".txt", ".csv")
        and tables.rows_of_numbers(head, len(head) < HEAD) >= 3
        and not is_companion(name)
    ):
        return POINTS
    kinds = {
        **dict.fromkeys(pictures.BY_SUFFIX, IMAGE),
        **dict.fromkeys((".pgm", ".ppm"), RANGE_IMAGE),
        **dict.fromkeys((".txt", ".json", ".md"), TEXT),
    }
    if ending in kinds:
        return kinds[ending]
    unheard_of = ending not in pictures.NOT_TAKEN and ending not in signatures.NEVER_EMPTY
    return IMAGE if unheard_of and pictures.kind_of(head) else OTHER


def _ply_header(head: bytes) -> ply.PlyHeader | None:
    try:
        return ply.read(head)
    except ply.Unsound:
        return None


def without_masks(images: list[Item]) -> list[Item]:
    """IMAGES but for the masks that go with others of them."""
    aside = masks.of([item.name for item in images]).aside
    return [item for item in images if item.name not in aside]


def _camera(head: bytes) -> str | None:
    """The camera that took this photo, by its EXIF: maker, model, lens. None where it says nothing,
    or Pillow is missing."""
    try:
        from PIL import Image
    except ImportError:
        return None
    try:
        with Image.open(io.BytesIO(head)) as image:
            exif = image.getexif()
            facts = [
                exif.get(0x010F),
                exif.get(0x0110),
                *(exif.get_ifd(0x8769).get(tag) for tag in (0xA433, 0xA434)),
            ]
    except Exception:  # Pillow raises whatever a broken block provokes; it is still a photo
        return None
    return " ".join(str(fact).strip("\0 ") for fact in facts if fact) or None


COMPANION = re.compile(
    r"(poses?|traj(ectory)?|groundtruth|associations?|set|transforms|cameras?|(camera[-_"
    r" ]?)?(intrinsics?|calib(ration)?))[-_ \d]*$",
    re.I,
)
# of a packed tar, whose list of contents cannot be read without unpacking it
MOST_UNPACKED = 512 << 20


def is_companion(name: str) -> bool:
    """Does NAME say that this is a list of poses or a camera's numbers, which go with images?"""
    return COMPANION.match(PurePosixPath(name).stem) is not None
