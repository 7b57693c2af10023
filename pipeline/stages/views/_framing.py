"""How views are framed and which camera took them: the framing under which their outlines fit
together best.

A steady camera that saw the object turn shows it nearer and farther, so its outlines must keep
their scale; people who walk around with a telephone fill the picture anew each time. Which it was,
is told by which common hull fills the outlines better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends import cameras

FILL = 0.85  # how much of a canonical view the largest object fills
BETTER = 0.005  # share of the outlines that a less usual framing must fill more
SURE = 0.97  # share of the outlines from which on nothing else is tried
# views that a height explains by chance; share that it must fill of so few, and of more
FEW, SURELY, ENOUGH = 6, 0.985, 0.965
AGREE = 0.9  # share of the outlines below which views do not fit together


class Frame(NamedTuple):
    """The square of a picture that becomes the view: centre and edge in pixels."""

    x: float
    y: float
    edge: float


class Told(NamedTuple):
    """What is known of one view: degrees; fov is that of the picture's height."""

    azimuth: float
    elevation: float | None
    fov: float | None


class Framing(NamedTuple):
    """One frame, elevation and lens (of the frame, degrees) per view. fit: share of the outlines
    that their hull fills, where that was looked at; estimated: whether the elevation was found by
    it."""

    frames: list[Frame]
    elevations: list[float]
    fovs: list[float | None]
    fit: float | None = None
    estimated: bool = False


def framing(masks: list[NDArray[Any]], told: Sequence[Told], looks_for_height: bool) -> Framing:
    """Of the ways to frame masks (H,W) each, the one whose hull fills the outlines best; a lone one
    is centred."""
    ways = _ways(masks)
    if len(masks) == 1:
        return Framing(
            ways[-1], [told[0].elevation or 0.0], [_of_frame(told[0].fov, ways[-1][0], masks[0])]
        )
    best: Framing | None = None
    for frames in ways:
        found = _camera(masks, frames, told, looks_for_height)
        if best is None or (found.fit or 0) > (best.fit or 0) + BETTER:
            best = found
        if (best.fit or 0) > SURE:
            break
    assert best is not None
    return best


def _camera(
    masks: list[NDArray[Any]], frames: list[Frame], told: Sequence[Told], looks_for_height: bool
) -> Framing:
    """The camera that fits best in FRAMES. A height that nobody told is believed where it leaves no
    question."""
    fovs = [
        _of_frame(one.fov, frame, mask)
        for one, frame, mask in zip(told, frames, masks, strict=True)
    ]
    free = looks_for_height and all(one.elevation is None for one in told)
    level = [one.elevation or 0.0 for one in told]
    small = np.stack([_small(mask, frame) for mask, frame in zip(masks, frames, strict=True)])
    azimuths = [one.azimuth for one in told]
    camera = cameras.found(small, azimuths, fovs[0], None if free else level)
    if free and any(camera.elevations) and camera.fit < (SURELY if len(masks) < FEW else ENOUGH):
        camera = cameras.found(small, azimuths, fovs[0], level)
    return Framing(
        frames,
        camera.elevations,
        [fov or camera.fov for fov in fovs],
        camera.fit,
        free and any(camera.elevations),
    )


def _ways(masks: list[NDArray[Any]]) -> list[list[Frame]]:
    """The most usual first: one scale about the pictures' middle, one scale about the objects'
    common middle, each object by itself."""
    # (V,2) each: x, y
    low, high = (np.array(corner) for corner in zip(*map(_corners, masks), strict=True))
    middles = np.array([mask.shape[::-1] for mask in masks]) / 2
    extent = high - low
    widest = (extent.max(axis=1) / extent[:, 1]).max()
    alone = [
        Frame(x, y, edge)
        for (x, y), edge in zip((low + high) / 2, extent[:, 1] * widest / FILL, strict=True)
    ]
    if len({mask.shape for mask in masks}) > 1 or len(masks) == 1:
        return [alone]
    common = np.tile((low + high).mean(axis=0) / 2, (len(masks), 1))
    return [
        [Frame(x, y, 2 * max((at - low).max(), (high - at).max()) / FILL) for x, y in at]
        for at in (middles, common)
    ] + [alone]


def _corners(mask: NDArray[Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)


def _small(mask: NDArray[Any], frame: Frame) -> NDArray[np.bool_]:
    """The mask in its frame, PIXELS square."""
    from PIL import Image

    reduced = 4
    box = (
        frame.x - frame.edge / 2,
        frame.y - frame.edge / 2,
        frame.x + frame.edge / 2,
        frame.y + frame.edge / 2,
    )
    size = (cameras.PIXELS * reduced,) * 2
    image = Image.fromarray((mask * 255).astype(np.uint8)).transform(
        size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR
    )
    return np.asarray(image.reduce(reduced)) > 127


def _of_frame(fov: float | None, frame: Frame, mask: NDArray[Any]) -> float | None:
    return (
        None
        if fov is None
        else math.degrees(
            2 * math.atan(math.tan(math.radians(fov) / 2) * frame.edge / mask.shape[0])
        )
    )
