"""What kind of job is a drop? By its job.toml, else by its content; in doubt it is refused, naming
the line that would decide."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from layout import names as _names
from layout.tree import MARKERS, is_job_toml
from pipeline.drops import jobtoml
from pipeline.drops.contents import reading
from pipeline.drops.in_doubt import holding, in_doubt
from pipeline.drops.items import (
    COLOUR_OR_DEPTH,
    IMAGE,
    MESH,
    POINTS,
    PROMPT_LIMIT,
    RANGE_IMAGE,
    TEXT,
    Item,
    is_companion,
    items,
    of,
    packed_file,
)
from pipeline.errors import InputRejected
from pipeline.formats import foreign, sides, signatures
from pipeline.formats.bytes import open_file

__all__ = ["Identified", "identify"]

# meshes that can be a pass of a scan
SCAN_MESHES = frozenset({".ply", ".obj", ".stl", ".glb", ".off"})
NOTE = re.compile(
    r"(read[-_ ]?me|lies[-_"
    r" ]?mich|notes?|notiz(en)?|licen[cs]e|copying|changelog|info|about|todo|log)([-_ .]?\d*)",
    re.I,
)
# meshes that may have materials and textures in files of their own
REFERRING = frozenset({".obj", ".gltf", ".glb", ".ply"})
# such files, beside images
REFERRED = frozenset({".mtl", ".bin", ".ktx2", ".ktx", ".dds", ".tga", ".jp2", ".avif", ".heic"})


@dataclass(frozen=True)
class Identified:
    """What the drop is. used and not_used: names in the drop; of an archive also
    "archive.zip/member" in not_used."""

    kind: str
    options: dict[str, Any]
    used: list[str]
    not_used: list[str]
    notes: list[str]


@dataclass
class _Choice:
    kind: str
    used: list[Item]
    notes: list[str] = field(default_factory=list)
    request: dict[str, Any] = field(default_factory=dict)


def identify(root: Path, names: list[str]) -> Identified:
    """Kind, options and used files of the drop that holds NAMES below ROOT. Only a bounded head of
    each file is read.

    job.toml outranks guessing. Raises InputRejected: in doubt, or where a file, an archive or a key
    of job.toml is wrong; LineFault when the share fails.
    """
    with reading(root):
        return _identify(root, names)


def _identify(root: Path, names: list[str]) -> Identified:
    content = sorted(filter(_is_content, names), key=_natural)
    listed, inside = _job_toml(root, names, content)
    found = [item for item in items(root, content) if item.name != inside]
    choice = (
        _named(listed.kind, root, found, listed.request) if listed.kind else _guess(root, found)
    )
    where = choice.used[0].file if choice.request and not listed.request else listed.name
    options = jobtoml.options({**choice.request, **listed.request}, choice.kind, where)
    used = {item.name for item in choice.used}
    return Identified(
        choice.kind,
        options,
        list(dict.fromkeys(item.file for item in choice.used)),
        [item.name for item in found if item.name not in used],
        choice.notes,
    )


def _job_toml(
    root: Path, names: list[str], content: list[str]
) -> tuple[jobtoml.JobToml, str | None]:
    """What the drop's job.toml says; where the drop is one archive, the one in it, and its name
    there."""
    own = [name for name in names if is_job_toml(name)]
    if len(own) > 1:
        raise InputRejected(f"the drop has {' and '.join(own)}", remedy="Keep the one that counts.")
    if own:
        with open_file(root / own[0]) as file:
            return jobtoml.parse(file.read(jobtoml.LIMIT + 1), own[0]), None
    if found := packed_file(root, content, is_job_toml, jobtoml.LIMIT + 1):
        return jobtoml.parse(found[1], PurePosixPath(found[0]).name), found[0]
    return jobtoml.JobToml(request={}), None


def _is_content(name: str) -> bool:
    return not is_job_toml(name) and name.lower() not in MARKERS and not _names.left_out(name)


# -- guessing: the first that fits -------------------------------------------------------------


def _guess(root: Path, found: list[Item]) -> _Choice:
    choice = _scan(found) or _convert(found)
    if choice is None and (model := _unread_model(found)):
        raise foreign.refusal(model)
    choice = choice or _images(found) or _photos(found) or _prompt(root, found, guessing=True)
    if choice is None:
        raise in_doubt(found)
    return choice


def _scan(found: list[Item]) -> _Choice | None:
    points, meshes, pairs = of(found, POINTS), _passes(found), _pairs(found)
    if pairs and all(_is_table(item) for item in points):
        return _Choice("scan", [*pairs, *(item for item in found if is_companion(item.name))])
    if points and len(meshes) == 1 and not _read_together(meshes[0], points):
        note = (
            f'{meshes[0].name} is a mesh beside scan passes and is not used; with kind = "scan" in'
            " job.toml it would be a pass"
        )
        return _Choice("scan", points, [note])
    return _Choice("scan", [*points, *meshes]) if points or len(meshes) >= 2 else None


def _convert(found: list[Item]) -> _Choice | None:
    meshes = of(found, MESH)
    if len(meshes) != 1:
        return None
    # what of these it does not refer to, the reader says
    refers = signatures.suffix(meshes[0].name) in REFERRING
    beside = (
        [item for item in found if item.what == IMAGE or signatures.suffix(item.name) in REFERRED]
        if refers
        else []
    )
    return _Choice("convert", [*meshes, *beside])


def _unread_model(found: list[Item]) -> str | None:
    """A model of a format that is not read: the pictures beside it are its textures, and the text a
    note on it, unless the pictures say which sides they show."""
    images = of(found, IMAGE)
    if images and sides.all_say([item.name for item in images]):
        return None
    return next((item.name for item in found if foreign.is_model(item.name)), None)


def _images(found: list[Item]) -> _Choice | None:
    images = of(found, IMAGE)
    named = bool(images) and sides.all_say([item.name for item in images])
    return _Choice("images", images) if named or len(images) == 1 else None


def _photos(found: list[Item]) -> _Choice | None:
    images = of(found, IMAGE)
    if len(images) < 3 or any(
        COLOUR_OR_DEPTH.search(item.name) for item in found if item.what in (IMAGE, RANGE_IMAGE)
    ):
        return None
    cameras = {item.camera for item in images}
    if len(cameras) == 1 and None not in cameras:
        return _Choice(
            "scan", images, [f"{len(images)} photos of one camera ({cameras.pop()}): a photo scan"]
        )
    return _Choice("images", images)


def _prompt(root: Path, found: list[Item], guessing: bool = False) -> _Choice | None:
    if len(found) != 1 or found[0].what != TEXT:
        return None
    text = _text(root, found[0])
    if text is None or (guessing and NOTE.fullmatch(found[0].stem)):
        return None
    request = _request(text) if signatures.suffix(found[0].name) == ".json" else None
    if request is not None:
        return _Choice(
            str(
                request.pop(
                    "kind", "images" if request.keys() & {"image_urls", "image_paths"} else "prompt"
                )
            ),
            found,
            request=request,
        )
    return _Choice("prompt", found, request={"prompt": text.strip()})


# -- a kind named in job.toml ------------------------------------------------------------------


def _named(kind: str, root: Path, found: list[Item], request: dict[str, Any]) -> _Choice:
    """What a job of KIND uses of FOUND; InputRejected where there is nothing for it."""
    choose: dict[str, Callable[[], _Choice | None]] = {
        "scan": lambda: _scan_of_all(found),
        "convert": lambda: _convert(found),
        "images": lambda: (
            _Choice("images", images)
            if (images := of(found, IMAGE)) or _has(request, "image_urls", "image_paths")
            else None
        ),
        "prompt": lambda: (
            _Choice("prompt", []) if _has(request, "prompt") else _prompt(root, of(found, TEXT))
        ),
    }
    choice = choose[kind]()
    if (
        kind == "convert"
        and choice is None
        and len(points := [item for item in of(found, POINTS) if _may_be_mesh(item)]) == 1
    ):
        remedy = 'Export it with its faces; for points take kind = "scan".'
        raise InputRejected(f"{points[0].name} holds no faces: a mesh needs faces", remedy=remedy)
    if choice is None and kind in ("scan", "convert") and (model := _unread_model(found)):
        raise foreign.refusal(model)
    if choice is None or choice.kind != kind:
        needs = {
            "scan": "scan passes or photos",
            "convert": "exactly one mesh",
            "images": "an image",
            "prompt": "a short text, or the line prompt",
        }
        raise InputRejected(
            f'job.toml says kind = "{kind}", but the drop does not hold'
            f" {needs[kind]}{holding(found)}",
            remedy="Correct job.toml or the files.",
        )
    return choice


def _may_be_mesh(item: Item) -> bool:
    return signatures.suffix(item.name) in SCAN_MESHES


def _scan_of_all(found: list[Item]) -> _Choice | None:
    scan = _scan(found)
    if scan and not scan.notes:
        return scan
    used = [*of(found, POINTS), *_passes(found)] or of(found, IMAGE)
    return _Choice("scan", used) if used else None


# -- parts -------------------------------------------------------------------------------------


def _passes(found: Iterable[Item]) -> list[Item]:
    return [item for item in of(found, MESH) if signatures.suffix(item.name) in SCAN_MESHES]


def _read_together(mesh: Item, points: Iterable[Item]) -> bool:
    """Archives are read as a whole: a mesh in one that holds passes is a pass, too."""
    return mesh.name != mesh.file and any(item.file == mesh.file for item in points)


def _is_table(item: Item) -> bool:
    return signatures.suffix(item.name) in (".txt", ".csv")


def _pairs(found: Iterable[Item]) -> list[Item]:
    """Colour and depth images that belong together: their names differ in one word, color (colour,
    rgb) against depth."""
    sides: dict[str, dict[str, Item]] = {}
    for item in found:
        words = COLOUR_OR_DEPTH.findall(item.name) if item.what in (IMAGE, RANGE_IMAGE) else []
        if words:
            side = "depth" if words[-1].lower().startswith("depth") else "colour"
            key = COLOUR_OR_DEPTH.sub("*", item.name.removesuffix(".gz")).rpartition(".")[0].lower()
            sides.setdefault(key, {})[side] = item
    return [item for pair in sides.values() if len(pair) == 2 for item in pair.values()]


def _text(root: Path, item: Item) -> str | None:
    """The text of a file, or None where it is too long or packed away; InputRejected where it is
    blank, or not UTF-8."""
    if item.name != item.file or signatures.packed(item.file) or item.size > 4 * PROMPT_LIMIT:
        return None
    with open_file(root / item.file) as file:
        try:
            text = signatures.decoded(file.read())
        except UnicodeDecodeError:
            raise InputRejected(
                f"{item.name} is not UTF-8 text", remedy="Save it as UTF-8."
            ) from None
    if not text.strip():
        raise InputRejected(f"{item.name} is empty", remedy="Write into it what to make.")
    return text if len(text.strip()) <= PROMPT_LIMIT else None


def _request(text: str) -> dict[str, Any] | None:
    """A flat request like an API body, or None where TEXT is only text."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (
        content
        if isinstance(content, dict)
        and content.keys() & {"kind", "prompt", "image_urls", "image_paths"}
        else None
    )


def _has(request: dict[str, Any], *keys: str) -> bool:
    return any(request.get(key) for key in keys)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key under which pass_2 comes before pass_10."""
    return [
        (int(part), "") if part.isdecimal() and part.isascii() else (-1, part)
        for part in re.split(r"([0-9]{1,18})", name.casefold())
    ]
