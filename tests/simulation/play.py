"""One seed: a few minutes of a house with people in it and everything going wrong, then peace, in which all must come to rest."""

from __future__ import annotations

import contextlib
import datetime
import errno
import logging
import os
import random
import secrets
import shutil
import tempfile
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from layout import beat, liveness, manifest, names, tree
from layout.tree import State
from pipeline import recipes
from pipeline.kept import declared
from pipeline.progress.past import Past
from pipeline.watchers import cleanup, intake
from tests.simulation import stages
from tests.simulation.disk import WRITES
from tests.simulation.fleet import House
from tests.simulation.oracle import Oracle
from tests.simulation.people import People
from tests.simulation.world import Broken, Weather, World

CHAOS = 240.0  # simulated seconds in which things go wrong
PEACE = 1500.0  # after which nothing may still be waiting without a reason
PROGRAM_FAULTS = ("entry.failed", "reaper.failed", "tick.failed", "step.failed")
DAYS = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Report:
    """What a play showed."""

    def __init__(
        self, seed: int, world: World | None, broken: str | None, people: People | None
    ) -> None:
        self.seed, self.broken = seed, broken
        self.trace = world.trace if world else []
        self.coverage = world.coverage if world else Counter()
        self.jobs = people.drops if people else 0
        self.seconds = world.hub.now if world else 0.0
        self.calls = world.calls if world else 0


def play(seed: int, mutant: contextlib.AbstractContextManager[Any] | None = None) -> Report:
    """Everything that SEED decides, with a planted bug (MUTANT) if one is given."""
    folder = Path(
        tempfile.mkdtemp(
            prefix=f"inbox3d-{seed}-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None
        )
    )
    world: World | None = None
    people: People | None = None
    broken = None
    try:
        with _simulated(folder, seed, lambda: world), mutant or contextlib.nullcontext():
            world = World(folder, seed)
            house = House(world)
            people = People(world, house)
            oracle = Oracle(world, people, 3)
            try:
                _play(world, house, people, oracle)
            except Broken as error:
                broken = str(error)
                world.say("THE ORACLE", broken)
            except (
                Exception
            ) as error:  # nobody caught it: neither the product, nor a person who shrugs
                broken = f"one bad folder never stops the line: a process ended in {error!r}"
                world.say("THE ORACLE", "".join(traceback.format_exception(error)))
            finally:
                world.calm = True
                world.hooks.clear()
                world.hub.end()
                house.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Report(seed, world, broken, people)


def _play(world: World, house: House, people: People, oracle: Oracle) -> None:
    with _faults_of_the_program(world, oracle):
        hub, dice = world.hub, world.dice
        _deaths_are_heard_of(world, house, oracle)
        for _ in range(dice.choice((4, 8, 16, 30))):
            hub.spawn(
                people.submits if dice.random() < 0.25 else people.drop,
                after=dice.uniform(0, CHAOS * 0.8),
            )
        for _ in range(dice.choice((0, 4, 12, 25))):
            act = dice.choice(people.acts())
            hub.spawn(lambda act=act: people.quietly(act), after=dice.uniform(5, CHAOS))  # type: ignore[misc]
        for _ in range(dice.choice((0, 2, 5, 10))):
            hub.spawn(lambda: _mischance(world, house), after=dice.uniform(1, CHAOS))
        hub.run(CHAOS)
        world.calm, world.weather, world.denied = True, [], set()
        world.say("the world", "peace")
        waits: list[str] = ["?"]
        while waits and hub.now < CHAOS + PEACE:
            hub.run(hub.now + 12)
            waits = [] if not people.copying else ["a person still copies"]
            waits = waits or oracle.rest(_told(world, house))
        if waits:
            world.say("STATUS.txt", _told(world, house))
            raise Broken(
                f"no wait without an end: after {PEACE:g} s of peace there still is {waits[:5]}"
            )
        oracle.look()
        oracle.contents()
        oracle.done()


def _told(world: World, house: House) -> str:
    """STATUS.txt, and what every process finds that needs a person."""
    path = world.atlas.status_file
    text = path.read_text(errors="replace") if path.exists() else ""
    said = [
        line
        for one in (*house.intakes.values(), *house.workers.values())
        for line in one.attention.lines()
    ]
    return "\n".join([text, *said])


def _deaths_are_heard_of(world: World, house: House, oracle: Oracle) -> None:
    def dead(name: str) -> None:
        for path in (world.root / State.PROCESSING).iterdir():
            if f"@{name}." in path.name:
                oracle.crash(path.name)

    house.dead, world.engine_died = dead, oracle.crash


# -- what befalls hosts and the share ----------------------------------------------------------
def _mischance(world: World, house: House) -> None:
    dice, hub = world.dice, world.hub
    host = dice.choice(world.hosts)
    where = dice.choice((None, host))
    until = hub.now + dice.uniform(3, 60)
    what = dice.choice(
        (
            "kill",
            "kill",
            "kill",
            "reboot",
            "pause",
            "drain",
            "power cut",
            "full",
            "read only",
            "stale",
            "away",
            "denied",
            "wipe",
        )
    )
    world.say("the world", f"{what} ({host.name})")
    if what == "kill" and host.processes:
        dice.choice(host.processes).die()
    elif what == "reboot":
        world.reboot(host)
    elif what == "pause":
        host.paused = hub.now + dice.uniform(10, 120)
    elif what == "drain" and house.stopping:
        dice.choice(list(house.stopping.values())).set()
    elif what == "power cut":
        world.power_cut()
    elif what == "full":
        calls = frozenset(WRITES - {"rename", "unlink", "rmdir", "remove_tree"})
        world.weather.append(
            Weather(dice.choice((errno.ENOSPC, errno.EDQUOT)), calls, where, until)
        )
    elif what == "read only":
        world.weather.append(Weather(errno.EROFS, WRITES, where, until))
    elif what == "stale":
        world.weather.append(
            Weather(dice.choice((errno.ESTALE, errno.EIO, errno.ETIMEDOUT)), None, where, until)
        )
    elif what == "away":
        world.weather.append(Weather("away", None, where, until))
    elif what == "denied":
        _denies(world, until)
    elif what == "wipe":
        world.reboot(host)
        shutil.rmtree(world.folder / f"scratch-{host.name}", ignore_errors=True)


def _denies(world: World, until: float) -> None:
    found = [
        entry.path for state in State for entry in os.scandir(world.root / state) if entry.is_dir()
    ]
    if found:
        path = world.dice.choice(sorted(found))
        world.denied.add(path)
        world.say("a person", f"denies {world.short(path)}")
        world.hub.spawn(lambda: world.denied.discard(path), after=until - world.hub.now)


# -- the simulated machine ---------------------------------------------------------------------
@contextlib.contextmanager
def _simulated(folder: Path, seed: int, world: Callable[[], World | None]) -> Iterator[None]:
    """Clock, dice, boot ids and stages are the simulation's."""
    dice = random.Random(seed)
    real = time.monotonic

    def clock() -> float:
        one = world()
        return one.hub.clock() if one else real()

    class Day(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            one = world()
            return DAYS + datetime.timedelta(seconds=one.hub.now if one else 0)

    def boot() -> str:
        one = world()
        return one.hub.process.host.boot if one and one.hub.process else "nowhere"

    dated = SimpleNamespace(
        datetime=Day, date=datetime.date, UTC=datetime.UTC, timedelta=datetime.timedelta
    )
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        enter(patch.dict(os.environ, {"INBOX3D_RUN": str(folder / "run")}))
        enter(patch.object(time, "monotonic", clock))
        enter(
            patch.object(
                secrets, "token_hex", lambda count=8: f"{dice.getrandbits(8 * count):0{2 * count}x}"
            )
        )
        enter(patch.object(uuid, "uuid4", lambda: uuid.UUID(int=dice.getrandbits(128), version=4)))
        enter(
            patch.object(
                names,
                "_random",
                lambda length: "".join(dice.choice(names.ALPHABET) for _ in range(length)),
            )
        )
        for module in (beat, liveness):
            enter(patch.object(module, "boot_id", boot))
        for module in (manifest, tree, cleanup):
            enter(patch.object(module, "datetime", dated))
        enter(patch.dict(recipes.RECIPES, stages.RECIPES, clear=True))
        enter(patch.dict(declared.STAGES, stages.STAGES))
        enter(patch.object(Past, "refresh", lambda self: None))
        enter(patch.object(intake, "Hints", lambda *args: None))
        enter(patch.object(intake, "is_network", lambda path: False))
        yield


@contextlib.contextmanager
def _faults_of_the_program(world: World, oracle: Oracle) -> Iterator[None]:
    """A folder that the program could not handle, by its own log, is a bug that was found."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = str(record.msg)
            if message.startswith("job.found"):
                for path in (world.root / State.PROCESSING).iterdir():
                    if str(record.args[0]) in path.name:  # type: ignore[index]
                        oracle.crash(path.name)
            if (
                record.exc_info
                and message.startswith(PROGRAM_FAULTS)
                and not isinstance(record.exc_info[1], OSError)
            ):
                raise Broken(
                    f"one bad folder never stops the line: {record.getMessage()}: {record.exc_info[1]!r}"
                )

    listener, root = Listener(), logging.getLogger()
    before, root.handlers = root.handlers, [listener]
    level = root.level
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers = before
        root.setLevel(level)
