"""Judges found poses against the truth: how far each pass is from where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid

Array = NDArray[np.float64]
RIGHT_DEGREES, RIGHT_PERCENT = 5.0, 2.0  # within both a pass counts as placed right


@dataclass(frozen=True)
class Row:
    """How far one pass is from the truth; None where it was not placed. percent = its centre's
    shift, % of the object's size."""

    file: str
    degrees: float | None = None
    percent: float | None = None

    @property
    def placed(self) -> bool:
        return self.degrees is not None

    @property
    def right(self) -> bool:
        return (
            self.degrees is not None
            and self.percent is not None
            and self.degrees < RIGHT_DEGREES
            and self.percent < RIGHT_PERCENT
        )


@dataclass(frozen=True)
class Table:
    """The placement errors of all passes."""

    rows: tuple[Row, ...]

    @property
    def right(self) -> int:
        return sum(row.right for row in self.rows)

    @property
    def wrong(self) -> int:
        """Passes reported placed that are not where they belong."""
        return sum(row.placed and not row.right for row in self.rows)

    def __str__(self) -> str:
        lines = [f"{'pass':<18} {'rotation off':>13} {'centre off':>13}   verdict"]
        for row in self.rows:
            if row.degrees is None or row.percent is None:
                lines.append(f"{row.file:<18} {'-':>13} {'-':>13}   left out")
            else:
                verdict = "right" if row.right else "WRONG"
                lines.append(
                    f"{row.file:<18} {row.degrees:>11.2f} ° {row.percent:>11.3f} %   {verdict}"
                )
        return "\n".join(
            [*lines, f"{self.right} of {len(self.rows)} passes placed right, {self.wrong} wrong"]
        )


def compare(scan_json: dict[str, Any], truth: dict[str, Any]) -> Table:
    """Placement errors of the poses in scan.json against the truth that virtual_scanner.make_drop
    tells.

    The result's common frame is free, so it is first laid onto the true one where most passes
    agree, and there by the mean of those that do.
    """
    files = sorted(truth["passes"])
    true = {file: np.asarray(truth["passes"][file]["pose"], float) for file in files}
    found = {
        Path(item["file"]).name: np.asarray(item["pose"], float)
        for item in scan_json["passes"]
        if item["pose"] is not None
    }
    placed = [file for file in files if file in found]

    def rows(frame: Array) -> tuple[Row, ...]:
        return tuple(_error(file, frame, found.get(file), truth) for file in files)

    def score(candidate: tuple[Row, ...]) -> tuple[int, float]:
        return sum(row.right for row in candidate), -sum(
            row.degrees or 0 for row in candidate if row.right
        )

    if not placed:
        return Table(tuple(Row(file) for file in files))
    candidates = {file: true[file] @ rigid.invert(found[file]) for file in placed}
    best = max(placed, key=lambda file: score(rows(candidates[file])))
    agreed = [row.file for row in rows(candidates[best]) if row.right] or [best]
    return Table(rows(_mean_motion(np.stack([candidates[file] for file in agreed]))))


def _error(file: str, frame: Array, pose: Array | None, truth: dict[str, Any]) -> Row:
    if pose is None:
        return Row(file)
    told = truth["passes"][file]
    degrees, shift = rigid.difference(
        np.asarray(told["pose"], float), frame @ pose, np.asarray(told["centre"], float)
    )
    return Row(file, degrees, 100 * shift / truth["size"])


def _mean_motion(motions: Array) -> Array:
    """Mean of (N,4,4) nearby rigid motions: the rotation nearest to the mean matrix, the mean shift
    of the middle."""
    u, _, vt = np.linalg.svd(motions[:, :3, :3].mean(axis=0))
    mean = np.eye(4)
    mean[:3, :3] = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    mean[:3, 3] = motions[:, :3, 3].mean(axis=0)
    return mean
