"""Photographs as the cameras stored them, and which of them one camera took."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputRejected
from pipeline.formats.refusals import Source
from pipeline.geometry.readers import opening, picture
from pipeline.stages.photos import _masks, _twins
from pipeline.stages.photos._twins import Look
from pipeline.workspace import Workspace

_MAKE, _MODEL, _ORIENTATION, _RENDERED = 0x010F, 0x0110, 0x0112, 0xA401
_FOCAL, _FOCAL_35, _ZOOM = 0x920A, 0xA405, 0xA404
_BY_TURNING = 6  # phones call a panorama that in their EXIF
_LONG = 2.9  # width by height from which a picture is put together of several
_PANORAMA = re.compile(rb"GPano:ProjectionType|<GPano:|equirectangular", re.I)
_XMP = 256 << 10  # bytes of a file in which it may say so
_FILM = 36.0  # mm, the longer edge of the film that "35 mm equivalent" speaks of
# EXIF orientations of pictures that are stored mirrored, and what is left when they are mirrored
# back: no lens makes such a picture, so no place is found for it, or a mirrored thing is made
_MIRRORED = {2: 1, 4: 3, 5: 8, 7: 6}
# how the picture's up stands in the pixels of the copy (x right, y down), by what is left
_UP = {1: (0, -1), 3: (0, 1), 6: (-1, 0), 8: (1, 0)}


class Photo(NamedTuple):
    """One photograph. ``copy``: its working copy in the workspace, stored pixels, mirrored back
    where they were stored mirrored, RGB, size = width and height; ``stored``: the size before it
    was made smaller; ``kind``: equal for photos of one camera at one zoom; ``focal``: what EXIF
    says, in pixels of the copy; ``turned``: EXIF's orientation of the copy, 1, 3, 6 or 8;
    ``mask``: black where it does not count, of the size of the copy."""

    name: str
    copy: str
    size: tuple[int, int]
    stored: tuple[int, int]
    kind: tuple[Any, ...]
    focal: float | None
    turned: int = 1
    mask: str | None = None

    @property
    def up(self) -> tuple[int, int]:
        """The direction in the stored pixels that was up when it was taken."""
        return _UP[self.turned]

    def stored_place(self, shown: tuple[float, float]) -> tuple[float, float]:
        """Where the copy has what the photograph, as it is shown at full size, has at SHOWN."""
        width, height = self.stored
        x, y = shown
        turns = {1: (x, y), 3: (width - x, height - y), 6: (y, height - x), 8: (width - y, x)}
        at = turns[self.turned]
        scale = self.size[0] / width
        return at[0] * scale, at[1] * scale


def read(
    sources: Sequence[Source], masks: Mapping[str, Source], longest: int, ws: Workspace
) -> tuple[list[Photo], dict[str, str]]:
    """The photographs with working copies, their edges at most LONGEST pixels; and, by name, why
    others were left out: they cannot be read, or are the same picture again."""
    photos: list[Photo] = []
    looks: list[Look] = []
    left_out: dict[str, str] = {}
    seen: dict[str, str] = {}
    for number, (name, path) in enumerate(sources):
        ws.progress(0.1 * number / len(sources), f"reading {name}")
        twin = seen.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), name)
        if twin != name:
            left_out[name] = f"it is the same picture as {twin}"
            continue
        try:
            photo, look = _photo(name, path, f"photos/copies/{number:05d}.png", longest, ws)
            photos.append(_masked(photo, masks[name], ws) if name in masks else photo)
            looks.append(look)
        except InputRejected as error:
            left_out[name] = error.message
    _masks.say_if_inverted([photo.mask for photo in photos if photo.mask], ws)
    for name, twin in _twins.again(looks).items():
        left_out[name] = f"it is the same picture as {twin}, in another format or at another size"
    return [photo for photo in photos if photo.name not in left_out], left_out


def _photo(name: str, path: Path, copy: str, longest: int, ws: Workspace) -> tuple[Photo, Look]:
    image = picture.read(path, name, ws.warn, longest=None, upright=False).convert("RGB")
    times = opening.times(path)
    stored = (times * image.width, times * image.height)
    exif = picture.exif(path)
    if _is_panorama(path, stored, exif):
        raise InputRejected(
            "it is a panorama, which no single camera took",
            remedy="Drop the photos that it was made of, or others, each from a step aside.",
        )
    turned = exif.get(_ORIENTATION)
    if turned in _MIRRORED:
        image, turned = image.transpose(0), _MIRRORED[turned]  # left to right
    image.thumbnail((longest, longest), 1)  # Lanczos
    image.save(ws.path(copy), compress_level=1)
    kind = (stored, *(exif.get(tag) for tag in (_MAKE, _MODEL, _FOCAL, _FOCAL_35, _ZOOM)))
    equivalent = _number(exif.get(_FOCAL_35))
    focal = equivalent / _FILM * max(image.size) if equivalent else None
    turned = turned if turned in _UP else 1
    # of one picture twice, the larger one is kept, and the one that knows its lens
    rank = (stored[0] * stored[1], focal is not None)
    return (
        Photo(name, copy, image.size, stored, kind, focal, turned),
        _twins.look(name, image, turned, rank),
    )


def _is_panorama(path: Path, size: tuple[int, int], exif: Mapping[int, Any]) -> bool:
    """Whether it was put together while somebody turned, as its EXIF, its XMP or its shape says."""
    if exif.get(_RENDERED) == _BY_TURNING or max(size) > _LONG * min(size):
        return True
    with path.open("rb") as file:
        return _PANORAMA.search(file.read(_XMP)) is not None


def _masked(photo: Photo, mask: Source, ws: Workspace) -> Photo:
    target = _masks.beside(photo.copy)
    drawn = _masks.copied(mask, photo.name, photo.size, photo.turned, ws.path(target), ws)
    return photo._replace(mask=target if drawn else None)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if 5 <= number <= 2000 else None
