"""A job that the storage sends back rests, longer each time, with words."""

from __future__ import annotations

import pytest

from layout.attention import Waits
from pipeline.watchers.resting import LONGEST, Resting


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_rest_is_twice_as_long_and_ends() -> None:
    clock = Clock()
    resting, lengths = Resting(15, clock), []
    for _ in range(8):
        resting.sent_back("vase", "the share is away")
        began = clock.now
        with pytest.raises(Waits, match="the share is away; it is tried again by itself"):
            resting.demand("vase")
        resting.demand("cup")
        while True:
            try:
                resting.demand("vase")
                break
            except Waits:
                clock.now += 15
        lengths.append(clock.now - began)
    assert lengths == [15, 30, 60, 120, 240, 480, LONGEST, LONGEST]
    resting.forget("vase")
    resting.sent_back("vase", "again")
    clock.now += 15
    resting.demand("vase")
