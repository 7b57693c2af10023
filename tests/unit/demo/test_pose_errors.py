"""How far poses lie from the true ones, whatever frame the result is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.demo import pose_errors
from tests.unit.demo.conftest import PASSES
from tests.unit.demo.truth import result_of, turn


def test_a_perfect_result_in_any_frame_has_no_error(dropped: tuple[Path, dict[str, Any]]) -> None:
    """The common frame of a result is free."""
    table = pose_errors.compare(result_of(dropped[1], turn(123, (500, -40, 7))), dropped[1])
    assert table.right == PASSES and table.wrong == 0
    assert max(row.degrees or 0 for row in table.rows) < 1e-3
    assert max(row.percent or 0 for row in table.rows) < 1e-3


@pytest.mark.parametrize(
    ("motion", "degrees", "percent"),
    [(turn(20), 20.0, None), (turn(0, (9, 0, 0)), 0.0, 5.1)],
    ids=["turned", "shifted"],
)
def test_a_pass_that_is_placed_wrong_is_found_and_spoils_no_other(
    dropped: tuple[Path, dict[str, Any]], motion: np.ndarray, degrees: float, percent: float | None
) -> None:
    """One pass away from its place counts as wrong by the right amount; the others stay right."""
    truth = dropped[1]
    result = result_of(truth)
    result["passes"][2]["pose"] = (motion @ np.asarray(result["passes"][2]["pose"])).tolist()
    table = pose_errors.compare(result, truth)
    bad = next(row for row in table.rows if row.file == result["passes"][2]["file"])
    assert (table.right, table.wrong, bad.right) == (PASSES - 1, 1, False)
    assert bad.degrees == pytest.approx(degrees, abs=0.01)
    if percent is not None:
        assert bad.percent == pytest.approx(percent, abs=0.1)
    assert "WRONG" in str(table)


def test_passes_left_out_are_neither_right_nor_wrong(dropped: tuple[Path, dict[str, Any]]) -> None:
    """A null pose is a pass left out; with none placed the table still names them all."""
    truth = dropped[1]
    result = result_of(truth)
    result["passes"][0]["pose"] = None
    table = pose_errors.compare(result, truth)
    assert (table.right, table.wrong) == (PASSES - 1, 0)
    assert str(table).count("left out") == 1
    nothing = pose_errors.compare(
        {"passes": [{"file": name, "pose": None} for name in truth["passes"]]}, truth
    )
    assert (nothing.right, nothing.wrong, len(nothing.rows)) == (0, 0, PASSES)
