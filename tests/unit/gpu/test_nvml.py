"""What the driver tells of GPUs, and what is told where it does not."""

from __future__ import annotations

import sys

import pytest

from layout.signs import Gpu
from pipeline.gpu import device, nvml
from pipeline.watchers.roster import Inventory
from tests.support.nvml import GIB, Card, install


def test_the_driver_is_asked_for_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = install(monkeypatch, Card(0), Card(1, used=3 * GIB, busy=87))
    assert device.gpus() == ["cuda:0", "cuda:1"] == list(Inventory.here().gpus)
    busy = Gpu(model="NVIDIA Test 80GB", memory=80 * GIB, used=3 * GIB, busy=0.87)
    assert nvml.state("1") == nvml.state("GPU-00000001") == busy
    assert fake.open == 0


def test_those_that_the_environment_shows_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and UUIDs; cuda:0 is the first of them."""
    install(monkeypatch, *(Card(n) for n in range(8)))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-00000006")
    assert device.gpus() == ["cuda:0", "cuda:1"]
    assert [device.engine_environment(one)["CUDA_VISIBLE_DEVICES"] for one in device.gpus()] == [
        "5",
        "GPU-00000006",
    ]


def test_a_part_of_a_gpu_does_not_tell_how_busy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Card(0, busy=None))
    found = nvml.state("0")
    assert found is not None and found.busy is None and found.memory == 80 * GIB


@pytest.mark.parametrize("what", ["no library", "no driver", "no such card"])
def test_where_nobody_can_be_asked_nothing_is_told(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing breaks: the CPU does it."""
    fake = install(monkeypatch, driver=what != "no driver")
    if what == "no library":
        monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvml.state("0") is None and nvml.tenants("0") == []
    assert nvml.count() == (0 if what == "no such card" else None)
    assert fake.open == 0


def test_an_engine_has_the_threads_of_openblas_that_the_operator_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else one: what spins between small products helps nobody."""
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert device.engine_environment("cpu")["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    assert device.engine_environment("cpu")["OPENBLAS_NUM_THREADS"] == "3"
