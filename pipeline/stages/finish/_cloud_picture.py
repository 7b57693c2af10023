"""Pictures of point clouds without GPU or display: splats with a depth buffer, edges darkened by
depth (eye-dome lighting)."""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.finish._camera import FOV, Camera

Array = NDArray[Any]
PAPER = np.array([244, 245, 247], np.float32)
STRENGTH = 60.0  # of the darkening, per unit of depth relative to the object


def palette(count: int) -> Array:
    """COUNT colours (N,3) uint8 that are easily told apart: hues a golden angle apart, three
    lightnesses in turn."""
    tones = ((0.50, 0.72), (0.62, 0.62), (0.40, 0.80))
    rgb = [
        colorsys.hls_to_rgb((0.58 + number * 0.381966) % 1.0, *tones[number % 3])
        for number in range(count)
    ]
    return np.round(np.array(rgb).reshape(-1, 3) * 255).astype(np.uint8)


def picture(
    points: Array, group: Array, colors: Array, camera: Camera, edge: int, over: int = 2
) -> Array:
    """(edge, edge, 3) uint8 of POINTS (N,3), Y up; GROUP (N,) numbers the row of COLORS (G,3) uint8
    that each point is drawn in."""
    side = edge * over
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    unit = (points - (low + high) / 2) / max(float(np.linalg.norm(high - low)), 1e-12)
    local = unit @ camera.axes().T
    slope = np.tan(np.radians(FOV / 2))
    distance = float(
        np.percentile(np.abs(local[:, :2]).max(axis=1) / (slope * 0.88) + local[:, 2], 99.7)
    )
    ahead = distance - local[:, 2] > 0.1
    local, group = local[ahead], group[ahead]
    depth = distance - local[:, 2]
    x, y = ((local[:, i] / (depth * slope) * sign + 1) / 2 * side for i, sign in ((0, 1), (1, -1)))
    buffer, owner = _splatted(x, y, depth, side, radius=_radius(len(local), side))
    seen = owner >= 0
    canvas = np.tile(PAPER, (side, side, 1))
    canvas[seen] = (
        colors[_commonest(np.where(seen, group[owner], -1), len(colors))[seen]]
        * _darkening(buffer)[seen][:, None]
    )
    return np.asarray(
        (canvas.reshape(edge, over, edge, over, 3).mean(axis=(1, 3)) + 0.5).astype(np.uint8)
    )


def _commonest(group: Array, count: int) -> Array:
    """The commonest group around each pixel: overlapping passes would else mix to a speckle."""
    from scipy.ndimage import uniform_filter

    size = max(3, group.shape[0] // 45)
    best, most = np.zeros_like(group), np.zeros(group.shape, np.float32)
    for number in range(count):
        share = uniform_filter((group == number).astype(np.float32), size)
        best, most = np.where(share > most, number, best), np.maximum(share, most)
    return best


def _radius(count: int, side: int) -> int:
    """Splat radius in pixels at which COUNT points make a closed surface."""
    return int(np.clip(np.ceil(0.35 * side / np.sqrt(max(count, 1) / 4)), 1, 6))


def _splatted(x: Array, y: Array, depth: Array, side: int, radius: int) -> tuple[Array, Array]:
    """Depth (side, side) and the nearest point's number, -1 where nothing is."""
    buffer = np.full(side * side, np.inf)
    owner = np.full(side * side, -1)
    written = np.empty(side * side, np.int64)  # read where it was just written only
    order = np.argsort(-depth, kind="stable")  # the nearest is written last
    column, row, number = x[order].astype(int), y[order].astype(int), np.arange(len(x))[order]
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            if dx * dx + dy * dy > radius * radius + 1:
                continue
            fits = (column + dx >= 0) & (column + dx < side) & (row + dy >= 0) & (row + dy < side)
            at = (row[fits] + dy) * side + column[fits] + dx
            # writes in order: the last one, which is the nearest, stays
            written[at] = number[fits]
            stays = written[at] == number[fits]
            at, nearest = at[stays], number[fits][stays]
            nearer = depth[nearest] < buffer[at]
            buffer[at[nearer]], owner[at[nearer]] = depth[nearest[nearer]], nearest[nearer]
    return buffer.reshape(side, side), owner.reshape(side, side)


def _darkening(depth: Array) -> Array:
    """Factor 0…1: how much nearer the neighbours lie."""
    padded = np.pad(np.where(np.isfinite(depth), depth, np.inf), 3, constant_values=np.inf)
    side = depth.shape[0]
    total = np.zeros_like(depth)
    here = np.where(np.isfinite(depth), depth, 0)
    for dy, dx in ((0, 3), (3, 0), (0, -3), (-3, 0), (2, 2), (-2, 2), (2, -2), (-2, -2)):
        there = padded[3 + dy : 3 + dy + side, 3 + dx : 3 + dx + side]
        total += np.clip(here - np.where(np.isfinite(there), there, here), 0, 0.03)
    return np.asarray(0.25 + 0.75 * np.exp(-STRENGTH * total / 8 * 3))
