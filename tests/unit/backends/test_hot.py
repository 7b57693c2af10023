"""Models that stay loaded: on a GPU as many as fit, and what was used longest ago goes first."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import ClassVar

import pytest
import torch

from pipeline.backends import hot, memory
from pipeline.errors import OutOfGpuMemory

GB = 2**30


class Model:
    """Something that takes room on a device of which 80 GB are there."""

    alive: ClassVar[weakref.WeakSet[Model]] = weakref.WeakSet()

    def __init__(self, size: int) -> None:
        self.size = size
        if size > free():
            raise torch.OutOfMemoryError("simulated")
        Model.alive.add(self)


def free() -> int:
    gc.collect()
    return 80 * GB - sum(model.size for model in Model.alive)


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "device", lambda: "cuda")
    monkeypatch.setattr(memory, "free", free)
    yield
    hot.forget()


def hold(name: str, gigabytes: int, says: int | None = None) -> Model:
    size = gigabytes * GB
    found: Model = hot.hold(name, 1, lambda: Model(size), size if says is None else says)
    return found


def held() -> list[str]:
    return list(hot._held)


def test_what_fits_stays_and_is_not_loaded_again() -> None:
    first = hold("flux", 30)
    hold("triposr", 2)
    assert hold("flux", 30) is first
    assert held() == ["triposr", "flux"]


def test_what_was_used_longest_ago_goes_first() -> None:
    """And no more than needs to: room for the next and for the work."""
    hold("flux", 30), hold("triposr", 2), hold("instantmesh", 8)
    hold("flux", 30)
    hold("dev", 40)
    assert held() == ["flux", "dev"]


def test_other_weights_under_the_same_name_take_their_place() -> None:
    hold("flux", 30)
    hot.hold("flux", 2, lambda: Model(30 * GB), 30 * GB)
    assert held() == ["flux"] and free() == 50 * GB


def test_a_model_that_is_larger_than_it_said_gets_all_there_is() -> None:
    hold("flux", 30)
    hold("dev", 70, says=0)
    assert held() == ["dev"]
    with pytest.raises(torch.OutOfMemoryError):
        hold("huge", 90, says=0)
    assert held() == []


def test_work_that_runs_out_gets_what_the_others_held() -> None:
    """Before it is given up; the model that it works with stays."""
    hold("flux", 30), hold("triposr", 2)
    seen: list[list[str]] = []

    def work(chunk: int) -> int:
        seen.append(held())
        raise torch.OutOfMemoryError("simulated")

    with pytest.raises(OutOfGpuMemory):
        memory.halving(work, 8)
    assert seen == [["flux", "triposr"], ["triposr"]]


def test_on_a_cpu_one_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's memory is the jobs'."""
    monkeypatch.setattr(memory, "device", lambda: "cpu")
    hold("flux", 30), hold("triposr", 2)
    assert held() == ["triposr"]
