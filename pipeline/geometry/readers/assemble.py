"""The parts of a file as one surface with one picture: colours where there are only colours, an
atlas where there are pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear, to_srgb
from pipeline.geometry.readers.atlas import Atlas, tiled
from pipeline.geometry.readers.parts import Part
from pipeline.geometry.surface import Surface

Array = NDArray[Any]
GREY = (180, 180, 180)
WHITE = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Assembled:
    """surface: with uv where image (H,W,3) uint8 is there; its colors are then what the vertices
    show of the picture. tint (V,3) uint8 sRGB: what the picture is multiplied by in linear light,
    where colours of vertices and a picture go together. notes: remarks."""

    surface: Surface
    image: Array | None = None
    tint: Array | None = None
    notes: tuple[str, ...] = ()


def assemble(parts: list[Part]) -> Assembled:
    parts = [part for part in parts if len(part.faces)]
    if not parts:
        return Assembled(Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32)))
    if not any(_textured(part) for part in parts):
        return Assembled(_joined(parts, [_flat(part, parts) for part in parts], None))
    return _with_pictures(parts)


def _textured(part: Part) -> bool:
    return part.material.image is not None and part.uv is not None


# -- colours alone -----------------------------------------------------------------------------


def _flat(part: Part, parts: list[Part]) -> Array | None:
    """Colours (V,3) of a part without a picture, None where no part of the file has any."""
    color = part.material.color
    if part.colors is not None:
        mixed = part.colors if color in (None, WHITE) else _multiplied(part.colors, color)
        if part.painted is not None:
            mixed = np.where(part.painted[:, None], mixed, _bytes(color) if color else GREY)
        return mixed.astype(np.uint8)
    said = [
        other
        for other in parts
        if other.colors is not None or other.material.color not in (None, WHITE)
    ]
    if not said:
        return None
    return np.tile(np.array(_bytes(color) if color else GREY, np.uint8), (len(part.vertices), 1))


def _bytes(color: tuple[float, float, float]) -> tuple[int, int, int]:
    red, green, blue = (int(np.clip(value, 0, 1) * 255 + 0.5) for value in color)
    return red, green, blue


def _multiplied(values: Array, color: tuple[float, float, float]) -> Array:
    return to_srgb(to_linear(values) * to_linear(np.array(_bytes(color), np.uint8)))


def _joined(parts: list[Part], colors: list[Array | None], uv: list[Array] | None) -> Surface:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    normals = [part.normals for part in parts if part.normals is not None]
    return Surface(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate(
            [part.faces + start for part, start in zip(parts, starts, strict=False)]
        ).astype(np.int32),
        (
            np.concatenate([own for own in colors if own is not None])
            if any(own is not None for own in colors)
            else None
        ),
        _unit(np.concatenate(normals)) if len(normals) == len(parts) else None,
        None if uv is None else np.concatenate(uv).astype(np.float32),
    )


def _unit(normals: Array) -> Array:
    """NORMALS of length 1: MeshLab writes them as long as the angles around a vertex."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray((normals / np.where(length > 0, length, 1)).astype(np.float32))


# -- pictures ----------------------------------------------------------------------------------


def _with_pictures(parts: list[Part]) -> Assembled:
    """One picture for all: a part's own where it lies within 0…1, tiles of it where it repeats, a
    patch of one colour where it has none."""
    parts, tints = [*parts], list[Array]()
    atlas = Atlas()
    patches, laid = [], []
    for number, part in enumerate(parts):
        factor, tint = _factor(part)
        tints.append(tint)
        if _textured(part):
            parts[number], uv, tiles, picture = tiled(part)
            patches.append(atlas.add(picture, factor, tiles))
            laid.append(uv)
            tints[-1] = (
                tint if len(tint) == len(parts[number].vertices) else _factor(parts[number])[1]
            )
        else:
            patches.append(atlas.add(None, factor, (1, 1)))
            laid.append(np.full((len(part.vertices), 2), 0.5))
    image, boxes, notes = atlas.packed()
    uv_all = [laid[k] * boxes[patches[k]][2:] + boxes[patches[k]][:2] for k in range(len(parts))]
    varied = any((tint != 255).any() for tint in tints)
    surface = _joined(parts, [None] * len(parts), uv_all)
    tint_all = np.concatenate(tints)
    assert surface.uv is not None
    shown = looked_up(image, surface.uv)
    colors = to_srgb(to_linear(shown) * to_linear(tint_all)) if varied else shown
    return Assembled(replace(surface, colors=colors), image, tint_all if varied else None, notes)


def _factor(part: Part) -> tuple[tuple[float, float, float], Array]:
    """The colour that a whole part is multiplied by, and what its vertices are multiplied by
    besides."""
    color = (
        part.material.color
        if part.material.color is not None
        else WHITE
        if part.material.image is not None or part.colors is not None
        else None
    )
    base = color if color is not None else (GREY[0] / 255,) * 3
    white = np.full((len(part.vertices), 3), 255, np.uint8)
    if part.colors is None:
        return base, white
    own = (
        part.colors
        if part.painted is None
        else np.where(part.painted[:, None], part.colors, 255).astype(np.uint8)
    )
    if len(own) and (own == own[0]).all():
        red, green, blue = _multiplied(own[:1], base)[0] / 255.0
        return (float(red), float(green), float(blue)), white
    return base, own


def looked_up(image: Array, uv: Array) -> Array:
    """The picture's colours (N,3) at UV, of the nearest pixel."""
    height, width = image.shape[:2]
    column = np.clip((uv[:, 0] * width).astype(np.int64), 0, width - 1)
    row = np.clip(((1.0 - uv[:, 1]) * height).astype(np.int64), 0, height - 1)
    return np.asarray(image[row, column])
