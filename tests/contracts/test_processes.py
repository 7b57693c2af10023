"""Real processes on one tree: they race for every job, and they are killed at random moments."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from layout import lifecycle, names, tree
from layout.lifecycle import Gone, Occupied
from layout.tree import Atlas, State
from tests.support.baddisk import BadDisk
from tests.support.crew import LEGS, Intake, Reaper, Worker, World

fork = multiprocessing.get_context("fork")


def _note(log: Path, line: str) -> None:
    """One line in one write: appended whole, even by two processes."""
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(handle, f"{line}\n".encode())
    os.close(handle)


def _race(root: Path, log: Path, name: str) -> None:
    """Claim and accept until inbox/ is empty, then start until claimed/ is."""
    atlas = Atlas(root, BadDisk())
    intake = Intake(atlas)
    while entries := atlas.entries(State.INBOX):
        random.shuffle(entries)
        for entry in entries:
            with contextlib.suppress(Gone, Occupied, FileNotFoundError):
                place = intake.take(entry.name)
                _note(log, f"claimed {place.id}")
    while waiting := [place for place in atlas.places(State.CLAIMED) if not place.hidden]:
        random.shuffle(waiting)
        for place in waiting:
            with contextlib.suppress(Gone):
                held = lifecycle.start(atlas, place, name)
                _note(log, f"started {held.id}")
                lifecycle.record_start(atlas, held)


@pytest.mark.slow
def test_two_processes_race_for_two_thousand_edges(tmp_path: Path) -> None:
    """Every drop is claimed once and every job started once, whoever was faster."""
    world, log = World(tmp_path / "atlas"), tmp_path / "log"
    for number in range(1000):
        world.drop(f"Vase {number}.ply", one_file=True)
    children = [
        fork.Process(target=_race, args=(world.root, log, f"host-gpu{number}-aaaa"))
        for number in range(2)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0]
    lines = Counter(log.read_text().splitlines())
    assert Counter(line.split()[0] for line in lines) == {"claimed": 1000, "started": 1000}
    assert set(lines.values()) == {1}
    held = world.atlas.places(State.PROCESSING)
    assert (len(held), {place.n for place in held}, len({place.id for place in held})) == (
        1000,
        {1},
        1000,
    )
    assert world.atlas.places(State.CLAIMED) == []
    world.check()


def _work(root: Path, log: Path, seed: int) -> None:
    """Everything a host does, over and over, until somebody kills it."""
    dice = random.Random(seed)
    world = World.__new__(World)
    world.root, world.serial, world.atlas = root, seed, Atlas(root, BadDisk())
    atlas = world.atlas
    intake, reaper = Intake(atlas), Reaper(atlas, f"host-intake-{seed}")
    while True:
        with contextlib.suppress(Gone, Occupied, FileNotFoundError, FileExistsError):
            intake.look()
            reaper.round(lambda worker: worker != reaper.name)
            for place in atlas.places(State.FAILED):
                if dice.random() < 0.3:
                    lifecycle.retry(atlas, place)
            for place in dice.sample(
                waiting := [place for place in atlas.places(State.CLAIMED) if not place.hidden],
                min(3, len(waiting)),
            ):
                worker = Worker(world, atlas, dice.choice([LEGS, LEGS[:1], LEGS[1:]]))
                for said in worker.run(place):
                    if said == "started":
                        _note(log, f"{place.id} {place.n + 1} {worker.name}")
                    if said == "recorded" and dice.random() < 0.1 and worker.holds:
                        lifecycle.cancel(atlas, worker.holds)
                        break


def _killed_again_and_again(tmp_path: Path, drops: int, seconds: float) -> None:
    world, log = World(tmp_path / "atlas"), tmp_path / "log"
    for number in range(drops):
        world.drop(f"Vase {number}")
    seed, over = 1000, time.monotonic() + seconds
    log.touch()
    while time.monotonic() < over:
        seed += 1000  # a process name never comes back
        child = fork.Process(target=_work, args=(world.root, log, seed))
        child.start()
        child.join(random.uniform(0.005, 0.15))
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
    world.check()
    world.serial = 9_000_000
    world.recover(rounds=8)
    world.check_rest()
    assert world.atlas.entries(State.INBOX) == []
    started = [tuple(line.split()) for line in log.read_text().splitlines()]
    assert len(set(started)) == len(started) > 0, "a path in processing/ came back"
    ended = {
        place.id: place
        for state in (State.DONE, State.FAILED)
        for place in world.atlas.places(state)
    }
    highest = {id: max(int(n) for other, n, _ in started if other == id) for id, _, _ in started}
    for id, n in highest.items():
        job = lifecycle.readable_job(world.atlas, ended[id].path)
        assert job and max(start.n for start in job.starts) >= n, f"start {n} of {id} was lost"
    assert len(ended) == drops
    assert {
        names.id_of(entry.name) for entry in world.atlas.disk.scandir(world.atlas.staging)
    } <= set(ended) | {None}
    assert not list(world.atlas.trash.rglob(tree.INPUT)), "a person's input went to trash/"


@pytest.mark.slow
def test_a_host_killed_at_random_moments_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL some dozens of times, each at another moment; then the tree is mended and every drop has its end."""
    _killed_again_and_again(tmp_path, drops=60, seconds=4)


@pytest.mark.slow
def test_a_host_killed_for_longer_loses_nothing(tmp_path: Path) -> None:
    """The same with more drops and more kills."""
    _killed_again_and_again(tmp_path, drops=300, seconds=18)
