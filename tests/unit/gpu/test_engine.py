"""The engine: what happens in its child is told by name and never takes the parent with it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import errors
from pipeline.artefacts import Dropped
from pipeline.gpu import sandbox
from pipeline.gpu.engine import Engine, Event, Order
from pipeline.kept import store
from pipeline.kept.store import Kept
from tests.support.engines import Reused

REPOSITORY = str(Path(__file__).resolve().parents[3])


@pytest.fixture
def engine() -> Iterator[Engine]:
    one = Reused(("none",), {"PYTHONPATH": REPOSITORY}, deadline=20, memory=1 << 30)
    yield one
    one.leave()


def order(folder: Path, *stages: str, isolated: bool = True) -> Order:
    root, inside = folder / "root", folder / "input"
    root.mkdir(exist_ok=True)
    inside.mkdir(exist_ok=True)
    if not store.load(root):
        store.save(root, 0, Kept.of(root, "", Dropped(names=("a.ply",))))
    return Order(
        tuple(f"tests.support.stages:{stage}" for stage in stages),
        {"kind": "convert"},
        root,
        inside,
        None,
        isolated,
    )


def run(engine: Engine, one: Order) -> list[Event]:
    heard: list[Event] = []
    engine.run(one, heard.append, lambda: None)
    return heard


def test_a_leg_runs_its_stages_and_says_how_far_it_is(engine: Engine, tmp_path: Path) -> None:
    """Progress, end and artefact of each stage are heard; what it writes lies in the workspace."""
    heard = run(engine, order(tmp_path, "works"))
    assert [event.what for event in heard] == ["stage", "progress", "ended", "done"]
    assert (tmp_path / "root/output/model.glb").read_text() == "a.ply"
    assert [kept.stage for kept in store.load(tmp_path / "root")] == [
        "",
        "tests.support.stages:works",
    ]
    assert store.warnings(store.load(tmp_path / "root")) == ["a word of warning"]


@pytest.mark.slow
def test_a_confined_leg_computes_in_parallel_after_one_that_ran_hot(
    engine: Engine, tmp_path: Path
) -> None:
    """Its fork has none of the threads that the hot one left behind."""
    for name in ("hot", "confined"):
        (tmp_path / name).mkdir()
        one = order(tmp_path / name, "adds_in_parallel", isolated=name == "confined")
        assert run(engine, one)[-1].what == "done", name


def test_what_settings_allow_reaches_the_stage(engine: Engine, tmp_path: Path) -> None:
    """The assist service, and the hosts of the LAN that pictures may come from."""
    allowed = order(tmp_path, "tells_what_it_may")._replace(
        assist=("http://assist:9000", 5.0), lan=("nas.home", "10.0.0.0/8")
    )
    run(engine, allowed)
    assert store.warnings(store.load(tmp_path / "root")) == [
        "('http://assist:9000', 5.0) ('nas.home', '10.0.0.0/8')"
    ]


def test_a_finished_stage_is_not_run_again(engine: Engine, tmp_path: Path) -> None:
    """A leg that is run twice resumes where its bag ends."""
    run(engine, order(tmp_path, "works"))
    assert [event.what for event in run(engine, order(tmp_path, "works"))] == ["done"]


@pytest.mark.slow
def test_a_segfault_is_an_engine_death_with_its_signal(engine: Engine, tmp_path: Path) -> None:
    """The child's signal is named, and the next leg runs in a new child."""
    with pytest.raises(errors.EngineDied, match=r"segfaults.*SIGSEGV"):
        run(engine, order(tmp_path, "segfaults"))
    assert run(engine, order(tmp_path, "works"))[-1].what == "done"


@pytest.mark.slow
def test_an_engine_that_died_between_two_legs_is_replaced(engine: Engine, tmp_path: Path) -> None:
    """A dying process takes an order and never answers; the next one does."""
    run(engine, order(tmp_path, "works"))
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGSTOP)  # it hears nothing more, and then it is gone
    threading.Timer(0.3, os.kill, (engine.pid, signal.SIGKILL)).start()
    first = engine.pid
    assert run(engine, order(tmp_path, "works", "tells_what_it_may"))[-1].what == "done"
    assert engine.pid != first


@pytest.mark.slow
def test_a_hang_ends_at_the_deadline(tmp_path: Path) -> None:
    """A stage that takes too long is killed and named."""
    engine = Engine(("none",), {"PYTHONPATH": REPOSITORY}, deadline=1.0, memory=1 << 30)
    with pytest.raises(errors.TimeExceeded, match="hangs took longer than its deadline of 1 s"):
        run(engine, order(tmp_path, "hangs"))
    assert engine.pid is None


@pytest.mark.slow
def test_a_memory_hog_is_killed_by_name(tmp_path: Path) -> None:
    """The cap is on resident memory, whatever library took it."""
    engine = Engine(("none",), {"PYTHONPATH": REPOSITORY}, deadline=60, memory=300 << 20)
    with pytest.raises(errors.StageFailed, match=r"memory|GiB"):
        run(engine, order(tmp_path, "hogs"))
    engine.stop()


@pytest.mark.parametrize(
    ("stage", "kind", "said"),
    [
        ("rejects", errors.NoOverlap, "No two passes overlap."),
        ("overflows", errors.StageFailed, "ZeroDivisionError"),
        ("lacks", errors.BackendUnavailable, "lacks a package"),
        ("prints_and_leaves", errors.EngineDied, "exit status 3"),
    ],
)
def test_errors_keep_their_class_across_the_pipe(
    engine: Engine, tmp_path: Path, stage: str, kind: type[Exception], said: str
) -> None:
    """Who must act, the message and the remedy arrive as they were raised; anything unforeseen is a failed stage."""
    with pytest.raises(kind, match=said) as caught:
        run(engine, order(tmp_path, stage))
    assert caught.value.remedy  # type: ignore[attr-defined]


def test_what_a_stage_prints_goes_into_the_jobs_log(engine: Engine, tmp_path: Path) -> None:
    """stdout and stderr of native libraries never mix with the protocol."""
    with pytest.raises(errors.EngineDied):
        run(engine, order(tmp_path, "prints_and_leaves"))
    log = (tmp_path / "root/log.txt").read_text()
    assert "a native library says something" in log
    assert "and complains" in log


def test_a_hot_leg_runs_in_the_engine_itself(engine: Engine, tmp_path: Path) -> None:
    """Queues that keep models on the GPU are not forked."""
    assert run(engine, order(tmp_path, "works", isolated=False))[-1].what == "done"


def test_the_parent_may_abandon_a_leg(engine: Engine, tmp_path: Path) -> None:
    """What TICK raises ends the leg and the child."""

    def give_up() -> None:
        raise KeyError("fence")

    with pytest.raises(KeyError, match="fence"):
        engine.run(order(tmp_path, "hangs"), lambda event: None, give_up)
    assert engine.pid is None


def test_an_isolated_leg_cannot_leave_its_workspace(engine: Engine, tmp_path: Path) -> None:
    """It writes neither input nor neighbours, reads no home and opens no connection."""
    if sandbox.landlock_version() < 1:
        pytest.skip("Landlock is missing in this kernel: boot one of 5.13 or later")
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = order(tmp_path, "breaks_out")
        (one.input / "port").write_text(str(server.getsockname()[1]))
        assert run(engine, one)[-1].what == "done"
    assert os.listdir(one.input) == ["port"]
