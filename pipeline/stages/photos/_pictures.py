"""Photographs as the cameras stored them, and which of them one camera took."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputRejected
from pipeline.formats.refusals import Source
from pipeline.geometry.readers import picture
from pipeline.workspace import Workspace

_MAKE, _MODEL, _ORIENTATION, _MORE = 0x010F, 0x0110, 0x0112, 0x8769
_FOCAL, _FOCAL_35, _ZOOM = 0x920A, 0xA405, 0xA404
_FILM = 36.0  # mm, the longer edge of the film that "35 mm equivalent" speaks of
# how the picture's up stands in the stored pixels (x right, y down), by EXIF orientation
_UP = {1: (0, -1), 2: (0, -1), 3: (0, 1), 4: (0, 1), 5: (-1, 0), 6: (-1, 0), 7: (1, 0), 8: (1, 0)}


class Photo(NamedTuple):
    """One photograph. ``copy``: its working copy in the workspace, stored pixels, RGB, size =
    width and height; ``stored``: the size before it was made smaller; ``kind``: equal for photos
    of one camera at one zoom; ``focal``: what EXIF says, in pixels of the copy; ``up``: the
    direction in the stored pixels that was up when it was taken."""

    name: str
    copy: str
    size: tuple[int, int]
    stored: tuple[int, int]
    kind: tuple[Any, ...]
    focal: float | None
    up: tuple[int, int]


def read(
    sources: Sequence[Source], longest: int, ws: Workspace
) -> tuple[list[Photo], dict[str, str]]:
    """The photographs with working copies, their edges at most LONGEST pixels; and, by name, why
    others were left out: they cannot be read, or are the same file again."""
    photos: list[Photo] = []
    left_out: dict[str, str] = {}
    seen: dict[str, str] = {}
    for number, (name, path) in enumerate(sources):
        ws.progress(0.1 * number / len(sources), f"reading {name}")
        twin = seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), name)
        if twin != name:
            left_out[name] = f"it is the same picture as {twin}"
            continue
        try:
            photos.append(_photo(name, path, f"photos/copies/{number:05d}.png", longest, ws))
        except InputRejected as error:
            left_out[name] = error.message
    return photos, left_out


def _photo(name: str, path: Path, copy: str, longest: int, ws: Workspace) -> Photo:
    image = picture.read(path, name, ws.warn, longest=None, upright=False).convert("RGB")
    stored = image.size
    exif = _exif(path)
    image.thumbnail((longest, longest), 1)  # Lanczos
    image.save(ws.path(copy), compress_level=1)
    kind = (stored, *(exif.get(tag) for tag in (_MAKE, _MODEL, _FOCAL, _FOCAL_35, _ZOOM)))
    equivalent = _number(exif.get(_FOCAL_35))
    focal = equivalent / _FILM * max(image.size) if equivalent else None
    return Photo(
        name, copy, image.size, stored, kind, focal, _UP.get(exif.get(_ORIENTATION, 1), (0, -1))
    )


def _exif(path: Path) -> dict[int, Any]:
    """The EXIF values that tell cameras apart; none where there is no block, or a broken one."""
    from PIL import Image

    try:
        with Image.open(path) as opened:
            block = opened.getexif()
            return {**block, **block.get_ifd(_MORE)}
    except Exception:  # Pillow raises whatever a broken block led it to
        return {}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 5 <= number <= 2000 else None
