"""Motions that may bring one pass of a room or a house front onto another: walls onto walls, then
the shift at which everything else coincides.

Corners and frames look alike all over a building, so features match the wrong ones. But walls give
the turn, up to the 24 turns of a cube, and the correlation of both surfaces gives every shift
that they allow: the right one, and the rivals that it must beat (a row of like windows). At size 1.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import Prepared

# What they come to on real sets: benchmarks/register.py.
_CELL = 0.03  # length of a cell of the grids that are compared
_ALONG = 0.97  # cosine between a normal and the wall that it belongs to
_BUILT = 0.6  # share of the surface that must lie along three axes
_SECOND = 0.04  # share that must lie along the second axis
_PEAKS = 6  # shifts of each turn
_TURNS = [
    np.eye(3)[list(order)] * np.array(signs)[:, None]
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1.0, -1.0), repeat=3)
]
_TURNS = [turn for turn in _TURNS if np.linalg.det(turn) > 0]


def motions(a: Prepared, b: Prepared, most: int = 24) -> Array:
    """Up to ``most`` motions (H,4,4) of pass a onto pass b, what coincides best first; none where
    either does not lie along three axes."""
    frames = axes(a), axes(b)
    if frames[0] is None or frames[1] is None:
        return np.zeros((0, 4, 4))
    shape = _shape(a, b)
    fixed = _spectrum(b.coarse, b.coarse_normals, b.weight, shape)
    found: list[tuple[float, Array]] = []
    for turn in _TURNS:
        rotation = frames[1] @ turn @ frames[0].T
        moving = _spectrum(a.coarse @ rotation.T, a.coarse_normals @ rotation.T, a.weight, shape)
        for height, shift in _peaks(fixed, moving, shape):
            pose = np.eye(4)
            pose[:3, :3], pose[:3, 3] = rotation, shift
            found.append((height, pose))
    found.sort(key=lambda one: -one[0])
    return np.stack([pose for _, pose in found[:most]])


def axes(one: Prepared) -> Array | None:
    """The three axes (columns) along which the surface lies; None where it does not."""
    normals = one.coarse_normals
    first = _main(normals)
    across = normals[np.abs(normals @ first) < 0.25]
    if len(across) < _SECOND * len(normals):
        return None
    second = _main(clouds.unit(across - np.outer(across @ first, first)))
    frame = np.stack([first, second, np.cross(first, second)], 1)
    if (np.abs(normals @ frame).max(1) > _ALONG).mean() < _BUILT:
        return None
    return frame


def _main(normals: Array) -> Array:
    """The axis along which the most normals point, either way."""
    some = normals[:: max(1, len(normals) // 300)]
    axis = some[int((np.abs(some @ normals.T) > _ALONG).sum(1).argmax())]
    for _ in range(3):
        near = normals[np.abs(normals @ axis) > _ALONG]
        axis = np.linalg.eigh(near.T @ near)[1][:, -1]
    return np.asarray(axis)


def _shape(a: Prepared, b: Prepared) -> tuple[int, ...]:
    """Cells of a grid in which neither pass meets itself, however it is turned."""
    from scipy import fft

    reach = sum(2 * float(np.linalg.norm(one.coarse, axis=1).max()) for one in (a, b))
    return (fft.next_fast_len(int(np.ceil(reach / _CELL)) + 2, real=True),) * 3


def _spectrum(
    points: Array, normals: Array, worth: Array, shape: tuple[int, ...]
) -> NDArray[np.complex64]:
    """Spectra (3,…) of the surface as a field of normals."""
    from scipy import fft

    at = tuple((np.rint(points / _CELL).astype(np.int64) % shape[0]).T)
    grids = np.zeros((3, *shape), np.float32)
    for k in range(3):
        np.add.at(grids[k], at, (normals[:, k] * worth).astype(np.float32))
    return np.asarray(fft.rfftn(grids, axes=(1, 2, 3), workers=2))


def _peaks(
    fixed: NDArray[np.complex64], moving: NDArray[np.complex64], shape: tuple[int, ...]
) -> list[tuple[float, Array]]:
    """Shifts of the moving surface at which most of it coincides with the fixed one, with how
    much."""
    from scipy import fft, ndimage

    together = fft.irfftn((fixed * moving.conj()).sum(0), shape, workers=2)
    smooth = ndimage.uniform_filter(together, 3, mode="wrap")
    top = np.flatnonzero((smooth == ndimage.maximum_filter(smooth, 3, mode="wrap")) & (smooth > 0))
    top = top[np.argsort(-smooth.flat[top], kind="stable")[:_PEAKS]]
    cells = np.stack(np.unravel_index(top, shape), 1)
    cells = np.where(cells > np.array(shape) // 2, cells - np.array(shape), cells)
    return [
        (float(height), cell * _CELL) for height, cell in zip(smooth.flat[top], cells, strict=True)
    ]
