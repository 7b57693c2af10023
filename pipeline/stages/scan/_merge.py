"""Sums per cell, added to block by block."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array

_WAITING = 4_000_000  # rows that may wait before they are summed into the cells


class Merger:
    """Accumulates points, normals and colours per cell; cells are anchored at the frame's origin,
    so chunking changes nothing."""

    def __init__(self, cell: float) -> None:
        self.cell = cell
        self.keys = np.zeros(0, np.int64)
        self.sums = np.zeros((0, 11))  # xyz, normal, rgb, rows, coloured rows
        self.source = np.zeros(0, np.int16)
        self._blocks: list[tuple[NDArray[np.int64], Array, NDArray[np.int16]]] = []

    def add(self, points: Array, normals: Array, colors: NDArray[Any] | None, source: int) -> None:
        """Add rows of the pass with index ``source``."""
        rows = np.zeros((len(points), 11))
        rows[:, :3], rows[:, 3:6], rows[:, 9] = points, normals, 1
        if colors is not None:
            rows[:, 6:9], rows[:, 10] = colors, 1
        self._blocks.append(
            _reduce(clouds.cells(points, self.cell), rows, np.full(len(points), source, np.int16))
        )
        if sum(len(keys) for keys, _, _ in self._blocks) > _WAITING:
            self._fold()

    def _fold(self) -> None:
        blocks = [(self.keys, self.sums, self.source), *self._blocks]
        keys, sums, source = (np.concatenate([block[k] for block in blocks]) for k in range(3))
        self.keys, self.sums, self.source = _reduce(keys, sums, source)
        self._blocks = []

    def result(self, fewest: int = 1) -> dict[str, NDArray[Any]]:
        """points (N,3) float64, unit normals float32, source (N,) int16, and colors uint8 where
        there were any; in cell order, of cells with at least FEWEST rows."""
        self._fold()
        if fewest > 1:
            full = self.sums[:, 9] >= fewest
            self.keys, self.sums = self.keys[full], self.sums[full]
            self.source = self.source[full]
        rows, colored = self.sums[:, 9:10], self.sums[:, 10:11]
        merged: dict[str, NDArray[Any]] = {
            "points": self.sums[:, :3] / rows,
            "normals": clouds.unit(self.sums[:, 3:6]).astype(np.float32),
            "source": self.source,
        }
        if colored.any():
            mean = np.where(colored > 0, self.sums[:, 6:9] / np.maximum(colored, 1), 128)
            merged["colors"] = np.clip(np.rint(mean), 0, 255).astype(np.uint8)
        return merged


def _reduce(
    keys: NDArray[np.int64], rows: Array, source: NDArray[np.int16]
) -> tuple[NDArray[np.int64], Array, NDArray[np.int16]]:
    """Rows of equal key summed, keys ascending; the first row's source stands for the cell."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = (
        np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        if len(keys)
        else np.zeros(0, np.int64)
    )
    if not len(keys):
        return keys, rows, source
    return ordered[starts], np.add.reduceat(rows[order], starts), source[order][starts]
