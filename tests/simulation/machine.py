"""The simulated machine: clock, dice, boot ids, versions and stages are those of the world."""

from __future__ import annotations

import contextlib
import datetime
import functools
import logging
import os
import random
import secrets
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any
from unittest.mock import patch

from layout import beat, liveness, locks, manifest, names, tree
from layout.disk import Disk
from layout.manifest import AtlasFile
from layout.signs import Heartbeat
from layout.tree import Place
from pipeline import recipes, weights
from pipeline.gpu import leg
from pipeline.kept import declared, keys
from pipeline.progress.past import Guess, Past
from pipeline.runner import input_list, scratch
from pipeline.watchers import cleanup, inbox, intake, status
from tests.simulation import stages
from tests.simulation.oracle import Oracle
from tests.simulation.world import Broken, World

PROGRAM_FAULTS = ("entry.failed", "reaper.failed", "look.failed")
DAYS = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
UMASKS = (0o022, 0o007)  # of a person's shell, of an installed service
SPACE = SimpleNamespace(total=1 << 40, used=1 << 39, free=1 << 39)  # bytes of every disk


@contextlib.contextmanager
def simulated(folder: Path, seed: int, world: Callable[[], World | None]) -> Iterator[None]:
    """Clock, dice, boot ids and stages are the simulation's; nothing of the process, of its machine
    or of the hour gets in."""
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

    def version() -> int:
        one = world()
        return one.hub.process.version if one and one.hub.process else 1

    def take_lock(path: Path) -> IO[bytes] | None:
        """A lock ends with its process, also where that died before anybody knew of it."""
        lock, one = locks.take_lock(path), world()
        if lock and one and one.hub.process:
            one.hub.process.locks.append(lock)
        return lock

    dated = SimpleNamespace(
        datetime=Day, date=datetime.date, UTC=datetime.UTC, timedelta=datetime.timedelta
    )
    with contextlib.ExitStack() as stack:
        enter = stack.enter_context
        enter(patch.dict(os.environ, {"INBOX3D_RUN": str(folder / "run")}))
        enter(_umask(UMASKS[seed % 2]))
        enter(patch.object(time, "monotonic", clock))
        # files in scratch bear real times: none is ever old
        enter(patch.object(time, "time", lambda: 0.0))
        enter(patch.object(os, "getpid", lambda: 1))
        enter(patch.object(shutil, "disk_usage", lambda path: SPACE))
        for module in (beat, scratch):
            enter(patch.object(module, "take_lock", take_lock))
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
        for module in (beat, liveness, scratch):
            enter(patch.object(module, "boot_id", boot))
        for module in (manifest, tree, cleanup):
            enter(patch.object(module, "datetime", dated))
        enter(patch.dict(recipes.RECIPES, stages.RECIPES, clear=True))
        enter(patch.dict(declared.STAGES, stages.STAGES))
        enter(patch.object(stages, "upgrades", version))
        enter(patch.object(weights, "backends", lambda models: ()))  # asks all packages of Python
        enter(patch.object(liveness, "stopped", lambda heartbeat: False))  # asks /proc
        enter(patch.object(Past, "refresh", lambda self: None))
        # estimates are none of the promises
        enter(patch.object(Past, "guess", lambda self, stage, asked: Guess(1.0, 1.0, False)))
        enter(patch.object(leg, "_peak", lambda: 64 << 20))  # asks /proc
        for document in (
            AtlasFile,
            Heartbeat,
        ):  # nobody changes one: read anew only where it differs
            enter(patch.object(document, "load", functools.lru_cache(1024)(document.load)))
        enter(patch.object(intake, "Hints", lambda *args: None))
        enter(patch.object(inbox, "is_network", lambda path: False))
        yield


@contextlib.contextmanager
def _umask(umask: int) -> Iterator[None]:
    before = os.umask(umask)
    try:
        yield
    finally:
        os.umask(before)


@contextlib.contextmanager
def watched(world: World, oracle: Oracle) -> Iterator[None]:
    """The oracle hears what the program says and compares; a folder that the program could not
    handle, by its own log, is a bug that was found."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = str(record.msg)
            if message.startswith("job.found"):
                oracle.starts.found(str(record.args[0]))  # type: ignore[index]
            if (
                record.exc_info
                and message.startswith(PROGRAM_FAULTS)
                and not isinstance(record.exc_info[1], OSError)
            ):
                raise Broken(
                    f"one bad folder never stops the line: {record.getMessage()}: {record.exc_info[1]!r}"
                )

    listener, root = Listener(), logging.getLogger()
    put, check, of_result = status.Writer._put, input_list.check, keys.of_result

    def writes(self: status.Writer, text: str) -> None:
        put(self, text)
        oracle.waits.status(text)

    def checks(disk: Disk, place: Place, *args: Any) -> None:
        with comparing(place.id):
            check(disk, place, *args)

    def compares(disk: Disk, place: Place, legs: Any, job: Any, read: Any = None) -> str:
        with comparing(place.id) if read is None else contextlib.nullcontext():
            return of_result(disk, place, legs, job, read)

    @contextlib.contextmanager
    def comparing(id: str) -> Iterator[None]:
        since = world.hub.now
        yield
        oracle.made.compared[id] = (since, world.hub.now)

    before, root.handlers = root.handlers, [listener]
    level, disabled = root.level, root.manager.disable
    root.setLevel(logging.WARNING)
    logging.disable(logging.NOTSET)
    try:
        with (
            patch.object(status.Writer, "_put", writes),
            patch.object(input_list, "check", checks),
            patch.object(keys, "of_result", compares),
        ):
            yield
    finally:
        root.handlers = before
        root.setLevel(level)
        logging.disable(disabled)
