"""A side of a group that less than one certain match holds says so; one that several hold does not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.stages.scan import _held
from pipeline.stages.scan._graph import Group


def doubted(scores: dict[tuple[int, int], float], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which passes say so, by the scores of pairs; 0 of all others."""

    def weigh(a: Any, b: Any, poses: Any) -> list[Any]:
        return [SimpleNamespace(score=scores.get((a.number, b.number), 0.0), residual=0.001)]

    monkeypatch.setattr(_held._verify, "weigh", weigh)
    monkeypatch.setattr(_held, "noise_of", lambda links: 0.001)
    many = 1 + max(max(pair) for pair in scores)
    group = Group({k: np.eye(4) for k in range(many)}, links=["any"])  # type: ignore[list-item]
    _held.tell([SimpleNamespace(number=k) for k in range(many)], group)  # type: ignore[misc]
    return sorted(group.doubts)


RING = {(0, 1): 0.6, (1, 2): 0.6, (0, 2): 0.5}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, []),
        ({(3, 4): 0.8, (1, 3): 0.24}, [3, 4]),  # a pair that one link brought in
        ({(3, 4): 0.8, (1, 3): 0.24, (0, 4): 0.2}, []),  # another confirms it
        ({(3, 4): 0.8, (1, 3): 0.5}, []),
        # each of two sights was taken twice: what one says of the other is one voice, not four
        ({(3, 4): 0.9, **{(k, j): 0.1 for k in (0, 1, 2) for j in (3, 4)}}, []),
        ({(3, 4): 0.9, (0, 3): 0.2, (0, 4): 0.2}, [3, 4]),
        ({(3, 4): 0.2, (2, 3): 0.6}, [4]),  # the end of a chain
        ({(3, 4): 0.8, (4, 5): 0.7, (3, 5): 0.7, (2, 3): 0.2}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_what_one_weak_match_holds_says_so(
    more: dict[tuple[int, int], float], said: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doubted(RING | more, monkeypatch) == said


def test_a_match_much_wider_than_the_scanners_noise_holds_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_held, "fit_of", lambda residual, usual: 0.1)
    assert doubted({(0, 1): 0.9}, monkeypatch) == [0, 1]
