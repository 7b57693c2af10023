"""A pass that nobody in its group confirms, and one denies, is left out; one that anybody confirms
stays."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.stages.scan import _denied
from pipeline.stages.scan._graph import Group

Told = dict[frozenset[int], tuple[float, float]]  # overlap and score of pairs; 0, 0 of all others


@pytest.fixture
def left(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Told], list[int]]:
    """Which of so many passes stay, by what pairs of them show."""

    def decide(many: int, told: Told) -> list[int]:
        def weigh(a: Any, b: Any, poses: Any) -> list[Any]:
            overlap, score = told.get(frozenset({a.number, b.number}), (0.0, 0.0))
            return [SimpleNamespace(overlap=overlap, score=score)]

        monkeypatch.setattr(_denied._verify, "weigh", weigh)
        group = Group({k: np.eye(4) for k in range(many)}, ways={many - 1: (180.0,)})
        group.links = [SimpleNamespace(a=0, b=k) for k in range(1, many)]  # type: ignore[misc]
        _denied.leave_out([SimpleNamespace(number=k) for k in range(many)], group)  # type: ignore[misc]
        assert {k for k in range(many) if k in group.ways} <= group.poses.keys()
        assert all(one.b in group.poses for one in group.links)
        return sorted(group.poses)

    return decide


RING: Told = {frozenset({k, (k + 1) % 4}): (0.6, 0.5) for k in range(4)}


def test_a_pass_that_others_deny_and_nobody_confirms_is_left_out(
    left: Callable[[int, Told], list[int]],
) -> None:
    """Those that it lies on are denied by it as well, and stay: others know them."""
    wrong = {frozenset({4, 0}): (0.5, 0.01), frozenset({4, 1}): (0.4, 0.12)}
    assert left(5, RING | wrong) == [0, 1, 2, 3]


def test_one_that_anybody_confirms_stays(left: Callable[[int, Told], list[int]]) -> None:
    doubtful = {frozenset({4, 0}): (0.5, 0.01), frozenset({4, 1}): (0.35, 0.17)}
    assert left(5, RING | doubtful) == [0, 1, 2, 3, 4]


def test_one_that_hardly_lies_on_any_other_stays(left: Callable[[int, Told], list[int]]) -> None:
    assert left(5, RING | {frozenset({4, 0}): (0.25, 0.0)}) == [0, 1, 2, 3, 4]


def test_two_wrong_ones_go_and_a_pair_is_left_alone(
    left: Callable[[int, Told], list[int]],
) -> None:
    wrong = {frozenset({k, j}): (0.5, 0.02) for k in (4, 5) for j in (0, 2)}
    assert left(6, RING | wrong) == [0, 1, 2, 3]
    assert left(2, {frozenset({0, 1}): (0.5, 0.01)}) == [0, 1]
