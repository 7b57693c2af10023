"""What Ray runs on a host: one worker, with cores of its own, started again and ended when asked."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pipeline.gpu import tenancy
from pipeline.watchers import keeper
from pipeline.watchers.keeper import Keeper
from tests.support.live import eventually

FOREVER = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[int, ...]]:
    """A host of its own, whose worker only says that it started; the cores that each was given."""
    given: list[tuple[int, ...]] = []

    def command(root: str, host: str, role: keeper.Role) -> list[str]:
        given.append(role.cores)
        return [sys.executable, "-S", "-c", FOREVER, root]

    monkeypatch.setenv("INBOX3D_RUN", str(tmp_path / "run"))
    monkeypatch.setenv("INBOX3D_HOST__NAME", "alpha")
    monkeypatch.setattr(keeper, "command", command)
    monkeypatch.setattr(keeper, "RETRY", 0.05)
    return given


def test_keepers_of_a_host_share_its_cores(alone: list[tuple[int, ...]], tmp_path: Path) -> None:
    here = sorted(os.sched_getaffinity(0))
    first = Keeper(str(tmp_path / "a"), 0, 1, ("scan",), None)
    eventually((tmp_path / "a").exists, 20, "the first worker")
    second = Keeper(str(tmp_path / "b"), 0, 64, ("scan",), None)
    eventually((tmp_path / "b").exists, 20, "the second worker")
    assert first.where() == "alpha cpu"
    for one in (first, second):
        one.drain()
        assert not one.thread.is_alive()
    assert alone == [tuple(here[:1]), tuple(here[1:])]


def test_a_keeper_waits_for_a_gpu_that_another_program_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(keeper, "gpu_of_actor", lambda: "cuda:3")
    held = tenancy.take("cuda:3")
    one = Keeper(str(tmp_path / "a"), 1, 0, ("mesh",), None)
    assert one.where() == "alpha cuda:3"
    assert not (tmp_path / "a").exists()
    held.close()
    eventually((tmp_path / "a").exists, 20, "the worker")
    one.drain()
    tenancy.take("cuda:3").close()


def test_a_keeper_that_waits_can_be_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(keeper, "gpu_of_actor", lambda: "cuda:3")
    with tenancy.take("cuda:3"):
        Keeper(str(tmp_path / "a"), 1, 0, ("mesh",), None).drain()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(("given", "device"), [("5", "cuda:5"), ("GPU-8f2a", "cuda:0")])
def test_the_gpu_is_the_one_that_ray_gave(
    monkeypatch: pytest.MonkeyPatch, given: str, device: str
) -> None:
    """By its number; by its place among the visible ones where it has none."""
    import ray

    monkeypatch.setattr(ray, "get_gpu_ids", lambda: [given])
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    assert keeper.gpu_of_actor() == device
    assert tenancy.physical(device) == given
