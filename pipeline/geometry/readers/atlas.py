"""Several pictures in one: patches side by side, each with a rim, so that nothing runs over when
texels are blended."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear, to_srgb
from pipeline.geometry.readers.parts import Part

Array = NDArray[Any]
LARGEST = 8192  # pixels of an edge
RIM = 4
FLAT = 8  # edge of a patch of one colour
MOST_TILES = 64  # repetitions of a picture across or up; beyond, the patch gets coarse


class Atlas:
    def __init__(self) -> None:
        self._patches: list[Array] = []
        self._known: dict[Any, int] = {}

    def add(self, image: Any, factor: tuple[float, float, float], tiles: tuple[int, int]) -> int:
        """The number of a patch with IMAGE (a Pillow image, None for one colour) times FACTOR (sRGB
        0…1), TILES times across and up."""
        key = (id(image) if image is not None else None, factor, tiles)
        if key not in self._known:
            self._known[key] = len(self._patches)
            self._patches.append(_patch(image, factor, tiles))
        return self._known[key]

    def packed(self) -> tuple[Array, Array, tuple[str, ...]]:
        """The picture (H,W,3) uint8, the box of each patch (P,4) = left, lower, width, height as
        shares, and remarks."""
        if len(self._patches) == 1:
            return self._patches[0], np.array([[0.0, 0.0, 1.0, 1.0]]), ()
        patches, shrink = self._patches, 1
        while True:
            places, size = _shelves([patch.shape[:2] for patch in patches])
            if max(size) <= LARGEST:
                break
            shrink *= 2
            patches = [patch[::shrink, ::shrink] for patch in self._patches]
        image = np.zeros((size[0], size[1], 3), np.uint8)
        boxes = np.zeros((len(patches), 4))
        for number, (patch, (top, left)) in enumerate(zip(patches, places, strict=True)):
            high, wide = patch.shape[:2]
            image[top : top + high + 2 * RIM, left : left + wide + 2 * RIM] = np.pad(
                patch, ((RIM, RIM), (RIM, RIM), (0, 0)), "edge"
            )
            boxes[number] = (
                (left + RIM) / size[1],
                1 - (top + RIM + high) / size[0],
                wide / size[1],
                high / size[0],
            )
        note = (
            f"its pictures were packed into one at a {shrink}th of their size"
            if shrink > 1
            else None
        )
        return image, boxes, (note,) if note else ()


def _patch(image: Any, factor: tuple[float, float, float], tiles: tuple[int, int]) -> Array:
    scale = np.array(factor)
    if image is None:
        return np.tile((np.clip(scale, 0, 1) * 255 + 0.5).astype(np.uint8), (FLAT, FLAT, 1))
    across, up = tiles
    shrink = max(1, -(-max(image.width * across, image.height * up) // LARGEST))
    if shrink > 1:
        image = image.resize((max(image.width // shrink, 1), max(image.height // shrink, 1)))
    pixels = np.asarray(image.convert("RGB"))
    if (scale != 1).any():
        pixels = to_srgb(
            to_linear(pixels) * to_linear((np.clip(scale, 0, 1) * 255 + 0.5).astype(np.uint8))
        )
    return np.tile(pixels, (up, across, 1))


def _shelves(sizes: list[tuple[int, ...]]) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """(top, left) of each patch with its rim, and height and width of the whole: highest patches
    first, in rows."""
    area = sum((high + 2 * RIM) * (wide + 2 * RIM) for high, wide in sizes)
    width = max(int(np.ceil(np.sqrt(area))), max(wide + 2 * RIM for _, wide in sizes))
    places, left, top, shelf, used = [(0, 0)] * len(sizes), 0, 0, 0, 0
    for number in sorted(range(len(sizes)), key=lambda one: -sizes[one][0]):
        high, wide = sizes[number][0] + 2 * RIM, sizes[number][1] + 2 * RIM
        if left + wide > width:
            left, top, shelf = 0, top + shelf, 0
        places[number] = (top, left)
        left, shelf = left + wide, max(shelf, high)
        used = max(used, left)
    return places, (top + shelf, used)


def tiled(part: Part) -> tuple[Part, Array, tuple[int, int], Any]:
    """(PART, its uv within 0…1 of so many tiles, the tiles across and up, its picture). Where the
    picture repeats, every face is moved by whole tiles to the first ones it fits into; where it
    does not, the edge goes on."""
    assert part.uv is not None
    uv = np.nan_to_num(np.asarray(part.uv, np.float64))
    for axis in (0, 1):
        if not part.material.repeats[axis]:
            uv[:, axis] = np.clip(uv[:, axis], 0, 1)
    if uv.min(initial=0) >= -1e-6 and uv.max(initial=0) <= 1 + 1e-6:
        return part, np.clip(uv, 0, 1), (1, 1), part.material.image
    corner = uv[part.faces]
    shift = np.floor(corner.min(axis=1) + 1e-6)
    slots = part.faces.ravel()
    moved = uv[slots] - np.repeat(shift, 3, axis=0)
    rows = np.concatenate([slots[:, None], np.repeat(shift, 3, axis=0)], axis=1)
    _, first, vertex = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    cut = slots[first]

    def at(value: Array | None) -> Array | None:
        return None if value is None else value[cut]

    laid = np.maximum(moved[first], 0)
    tiles = np.clip(np.ceil(laid.max(axis=0) - 1e-6), 1, MOST_TILES)
    colors, normals, painted = at(part.colors), at(part.normals), at(part.painted)
    part = Part(
        part.vertices[cut], vertex.reshape(-1, 3), colors, normals, None, part.material, painted
    )
    return part, np.clip(laid / tiles, 0, 1), (int(tiles[0]), int(tiles[1])), part.material.image
