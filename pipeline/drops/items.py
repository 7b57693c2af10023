"""The single things in a drop, archives opened: what each one is, by its name and its first
bytes."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from layout import names
from pipeline.errors import InputRejected
from pipeline.formats import archives, pictures, ply, signatures, tables
from pipeline.formats.bytes import HEAD, open_file
from pipeline.formats.gzip import unzipped

POINTS, MESH, IMAGE, RANGE_IMAGE, TEXT, OTHER = (
    "points",
    "mesh",
    "image",
    "range image",
    "text",
    "other",
)
SCANS = frozenset({".pcd", ".e57", ".las", ".laz", ".ptx"})
TABLES = frozenset(tables.SUFFIXES) - {".txt", ".csv"}
MESHES = frozenset({".obj", ".stl", ".glb", ".gltf", ".off", ".3mf"})
COMPANION = re.compile(
    r"(poses?|traj(ectory)?|groundtruth|associations?|set|transforms|cameras?|(camera[-_"
    r" ]?)?(intrinsics?|calib(ration)?))[-_ \d]*$",
    re.I,
)

COLOUR_OR_DEPTH = re.compile(r"(?<![a-z])(colou?rs?|rgb|depths?)(?![a-z])", re.I)
PROMPT_LIMIT = 2000  # characters

# of a packed tar, whose list of contents cannot be read without unpacking it
MOST_UNPACKED = 512 << 20
MEMBERS = {".zip": archives.zip_members, ".tar": archives.tar_members}
PHOTO_HEAD = 3 * HEAD  # an EXIF block may take 64 KiB, behind others


class Item(NamedTuple):
    """A file of the drop, or a member of an archive in it."""

    file: str  # its name in the drop
    name: str  # how people are told of it: "a.ply", "passes.zip/a.ply"
    what: str
    camera: str | None = None  # of a photo
    size: int = 0
    transparent: bool = False  # a picture with an alpha channel

    @property
    def stem(self) -> str:
        return PurePosixPath(names.without_go(self.name)).name.partition(".")[0]


def items(root: Path, files: list[str]) -> list[Item]:
    """Everything in FILES (relative to ROOT), members of zip and tar archives one by one.

    Reads a bounded piece of each file. Raises InputRejected for a file that is not what its name
    says, a damaged or locked archive.
    """
    found: list[Item] = []
    for file in files:
        ending, path = signatures.suffix(file), root / file
        if ending in MEMBERS:
            found += _members(file, MEMBERS[ending](path))
        else:
            with open_file(path) as stream:
                found.append(_item(file, file, stream, path.lstat().st_size))
    return found


def packed_file(
    root: Path, files: list[str], is_it: Callable[[str], bool], most: int
) -> tuple[str, bytes] | None:
    """(name as an Item has it, first MOST bytes) of the first file whose name IS_IT at the top, or
    in a folder at the top, of the one archive in FILES.
    """
    open_archive = MEMBERS.get(signatures.suffix(files[0])) if len(files) == 1 else None
    if open_archive is None:
        return None
    # what is wrong with an archive is for items() to say
    with contextlib.suppress(*archives.DAMAGED, RuntimeError):
        for member in islice(open_archive(root / files[0]), archives.MOST_FILES):
            if (
                is_it(PurePosixPath(member.name).name)
                and len(PurePosixPath(member.name).parts) <= 2
            ):
                return f"{files[0]}/{member.name}", member.stream.read(most)
    return None


def of(found: Iterable[Item], what: str) -> list[Item]:
    return [item for item in found if item.what == what]


def _item(file: str, name: str, stream: IO[bytes], size: int) -> Item:
    ending = signatures.suffix(name)
    head = stream.read(PHOTO_HEAD if pictures.BY_SUFFIX.get(ending) == "jpeg" else HEAD)
    if really := signatures.contradiction(name, head):
        raise InputRejected(
            f"{name} is {really}",
            remedy="Give it its right suffix or take it out.",
        )
    if signatures.packed(name):
        head = unzipped(head)
    what = _what(name, ending, head)
    if what == MESH and signatures.only_vertices(ending, head, _tail(name, head, stream, size)):
        what = POINTS
    if what != IMAGE:
        return Item(file, name, what, size=size)
    return Item(file, name, what, _camera(head), size, pictures.has_alpha(head))


def _tail(name: str, head: bytes, stream: IO[bytes], size: int) -> bytes:
    """The last bytes of an OBJ file, where its faces are; b"" where HEAD is all of it, a face where
    looking would be too much work."""
    if len(head) < HEAD:
        return b""
    if signatures.packed(name) or size > MOST_UNPACKED or signatures.suffix(name) != ".obj":
        return b"f "
    stream.seek(size - HEAD)
    return stream.read(HEAD)


def _what(name: str, ending: str, head: bytes) -> str:
    if ending == ".ply":
        header = _ply_header(head)
        if header is None:
            raise InputRejected(
                f"{name}: its PLY header cannot be read",
                remedy="Export the file again.",
            )
        return MESH if header.is_mesh else POINTS
    if ending in SCANS or (
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


def is_companion(name: str) -> bool:
    """Does NAME say that this is a list of poses or a camera's numbers, which go with images?"""
    return COMPANION.match(PurePosixPath(name).stem) is not None


# -- archives ----------------------------------------------------------------------------------


def _members(file: str, members: Iterator[archives.Member]) -> list[Item]:
    found: list[Item] = []
    try:
        for member in members:
            if names.left_out(member.name):
                continue
            if len(found) >= archives.MOST_FILES:
                raise InputRejected(
                    f"{file} holds more than {archives.MOST_FILES} files",
                    remedy="Pack the scans only.",
                )
            found.append(_item(file, f"{file}/{member.name}", member.stream, member.size))
            if member.at > MOST_UNPACKED:
                break  # what was seen decides; the reader sees the rest
    except archives.DAMAGED as error:
        raise InputRejected(
            f"{file} is damaged: {error}", remedy="Pack it again, or drop the files unpacked."
        ) from None
    except RuntimeError:
        raise InputRejected(
            f"{file} is locked with a password",
            remedy="Pack it without a password, or drop the files unpacked.",
        ) from None
    return found


# -- photos ------------------------------------------------------------------------------------


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
