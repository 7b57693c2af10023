"""The device makes one thing at a time, says when too many wait, survives its engine and lets go at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.artefacts import Dropped, Exported
from pipeline.config import Settings
from pipeline.errors import EngineDied, NoOverlap
from pipeline.gpu.engine import Order
from pipeline.kept import store
from pipeline.kept.store import Kept
from pipeline.recipes import Leg
from pipeline.services import device as devices
from pipeline.services.device import Busy, Device, Stopping
from tests.support.live import eventually
from tests.support.web import make_settings

STAGES = "tests.support.stages"
REPOSITORY = str(Path(__file__).resolve().parents[3])


class Slow:
    """An engine that works until it is let go, and remembers how many orders it worked on at once."""

    def __init__(self, *_: Any) -> None:
        self.free, self.running, self.most, self.threads = threading.Event(), 0, 0, set[int]()

    def start(self) -> None:
        self.threads.add(threading.get_ident())

    def run(self, order: Order, heard: Callable[[Any], None], tick: Callable[[], None]) -> None:
        self.threads.add(threading.get_ident())
        self.running += 1
        self.most = max(self.most, self.running)
        while not self.free.wait(0.01):
            tick()
        self.running -= 1

    def stop(self) -> None:
        self.free.set()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def slow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Device, Slow]]:
    engine = Slow()
    monkeypatch.setattr(devices, "Engine", lambda *_: engine)
    device = Device(settings, "mesh", "cpu")
    yield device, engine
    engine.free.set()
    device.end()


def asked(device: Device, root: Path) -> Any:
    return device.make(root, {"kind": "convert"}, [Leg("finish", ("selftest",))])


def test_requests_are_made_one_at_a_time_in_one_thread_and_too_many_are_turned_away(
    slow: tuple[Device, Slow], tmp_path: Path
) -> None:
    device, engine = slow
    with ThreadPoolExecutor(devices.WAITING) as pool:
        made = [pool.submit(asked, device, tmp_path) for _ in range(devices.WAITING)]
        eventually(
            lambda: device.load() == {"making": 1, "waiting": devices.WAITING - 1},
            10,
            "all of them wait",
        )
        with pytest.raises(Busy):
            asked(device, tmp_path)
        engine.free.set()
        assert [one.result(10) for one in made] == [[]] * devices.WAITING
    assert (engine.most, len(engine.threads), device.load()) == (1, 1, {"making": 0, "waiting": 0})


def test_the_end_abandons_what_is_made_and_what_waits(
    slow: tuple[Device, Slow], tmp_path: Path
) -> None:
    device, _ = slow
    with ThreadPoolExecutor(3) as pool:
        made = [pool.submit(asked, device, tmp_path) for _ in range(3)]
        eventually(lambda: device.load()["waiting"] == 2, 10, "two of them wait")
        device.end()
        assert [type(one.exception(10)) for one in made] == [Stopping] * 3
    with pytest.raises(Stopping):
        asked(device, tmp_path)


@pytest.fixture
def real(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Device]:
    monkeypatch.setenv("PYTHONPATH", REPOSITORY)
    device = Device(settings, "mesh", "cpu")
    yield device
    device.end()


@pytest.mark.slow
def test_a_stage_that_kills_the_engine_is_named_and_the_next_request_gets_another(
    real: Device, tmp_path: Path
) -> None:
    """A hot stage dies with the engine itself; an error of a stage keeps its class."""

    def make(stage: str, queue: str = "mesh") -> Any:
        root = tmp_path / stage
        (root / "input").mkdir(parents=True)
        store.save(root, 0, Kept.of(root, "", Dropped(names=("a.ply",))))
        return real.make(root, {"kind": "convert"}, [Leg(queue, (f"{STAGES}:{stage}",))])

    with pytest.raises(EngineDied, match="SIGSEGV"):
        make("segfaults")
    with pytest.raises(NoOverlap, match="No two passes overlap"):
        make("rejects")
    assert make("works", "finish")[-1].artefact == Exported(files_written=("model.glb",), faces=0)


def test_the_views_service_never_asks_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its engine does not see FLUX_BACKEND_URL; those of others do."""
    seen: list[dict[str, str]] = []

    class Told(Slow):
        def __init__(self, queues: tuple[str, ...], environment: dict[str, str], *_: Any) -> None:
            super().__init__()
            seen.append(environment)

    monkeypatch.setattr(devices, "Engine", Told)
    for service in ("views", "mesh"):
        Device(settings, service, "cpu").end()
    assert [environment.get("FLUX_BACKEND_URL") for environment in seen] == ["", None]
