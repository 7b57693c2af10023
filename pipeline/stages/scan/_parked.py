"""Passes that are more than memory should hold wait in scratch until all of the drop were seen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.stages.scan._raw import Raw
from pipeline.workspace import Workspace

MOST = 16_000_000  # points that stay in memory: some 0.5 GB with their colours


class Parking:
    """Keeps the rows of the first MOST points as they are, and those of later passes in files that
    are gone with the last array that shows them, or with the process."""

    def __init__(self, ws: Workspace) -> None:
        self._ws, self._points, self._files = ws, 0, 0

    def take(self, raw: Raw) -> Raw:
        """RAW, its arrays perhaps read from scratch as they are needed."""
        self._points += len(raw.points)
        if self._points <= MOST:
            return raw
        rows: dict[str, Any] = {
            name: value if value is None else self._park(value)
            for name, value in (
                ("points", raw.points),
                ("normals", raw.normals),
                ("colors", raw.colors),
                ("grid", raw.grid),
            )
        }
        return replace(raw, **rows)

    def _park(self, rows: NDArray[Any]) -> NDArray[Any]:
        path = self._ws.path(f"read_passes/parked-{self._files}.npy")
        self._files += 1
        np.save(path, rows)
        parked = np.load(path, mmap_mode="r")
        path.unlink()  # what is mapped stays
        return np.asarray(parked)
