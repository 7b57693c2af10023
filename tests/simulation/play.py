"""One seed: a few minutes of a house with people in it and everything going wrong, then peace, in
which all must come to rest."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from layout.tree import State
from tests.simulation.coverage import Seen
from tests.simulation.fleet import House
from tests.simulation.habits import Habits
from tests.simulation.machine import simulated, watched
from tests.simulation.mischance import Mischance
from tests.simulation.oracle import Oracle
from tests.simulation.people import People
from tests.simulation.shapes import DRILL, DRILLS, MINUTES, ROUNDS, WANTED, Round, Shape
from tests.simulation.swift import swift
from tests.simulation.waits import MOVES
from tests.simulation.world import Broken, World

PEACE, EACH = 900.0, 20.0  # after which nothing may still be waiting without a reason
DROPPED = 0.7  # share of that in which people drop
BACKLOG = 60  # jobs not ended yet, with which a drill's people drop nothing more
LOOK = 12.0  # seconds between two looks of the oracle in peace


class Report:
    """What a play showed."""

    def __init__(
        self, seed: int, world: World | None, broken: str | None, people: People | None
    ) -> None:
        self.seed, self.broken = seed, broken
        self.trace = world.trace if world else []
        self.seen = world.fate.seen if world else Seen()
        self.jobs = people.drops if people else 0
        self.seconds = world.hub.now if world else 0.0
        self.calls = world.fate.calls if world else 0
        self.cpu = 0.0  # seconds of processor time that it took


def play(
    seed: int,
    mutant: contextlib.AbstractContextManager[Any] | None = None,
    shape: Shape = MINUTES,
) -> Report:
    """Everything that SEED decides in a play of SHAPE, with a planted bug (MUTANT) if one is
    given."""
    began = time.process_time()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    folder = Path(tempfile.mkdtemp(prefix=f"inbox3d-{seed}-", dir=memory))
    world: World | None = None
    people: People | None = None
    broken = None
    try:
        with swift(), simulated(folder, seed, lambda: world), mutant or contextlib.nullcontext():
            world = World(folder, seed, shape)
            house = House(world)
            people = People(world, house)
            oracle = Oracle(world, house, people, 3)
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
    report = Report(seed, world, broken, people)
    report.cpu = time.process_time() - began
    return report


def _play(world: World, house: House, people: People, oracle: Oracle) -> None:
    habits = Habits(people)
    mischance = Mischance(world, house, habits)
    with watched(world, oracle):
        _deaths_are_heard_of(world, house, oracle)
        if world.shape == DRILL:
            drops = _drill(world, people, habits)
        else:
            drops = _chaos(world, people, habits, mischance, oracle)
        world.calm = True
        world.fate.sky.peace()
        world.say("the world", "peace")
        _comes_to_rest(world, people, oracle, world.hub.now + PEACE + EACH * drops)
        oracle.whole.look()
        oracle.whole.contents()
        oracle.whole.done()


def _chaos(
    world: World, people: People, habits: Habits, mischance: Mischance, oracle: Oracle
) -> int:
    """People drop, and things go wrong. How many drops there were."""
    hub, dice, shape = world.hub, world.dice, world.shape
    drops = dice.choice(shape.drops[1:] if world.fate.aim.edge else shape.drops)
    chaos = shape.lead + shape.each * drops
    _drops(world, people, drops, chaos * DROPPED)
    for act, leant, how_many in (
        (habits.by_chance, world.lean.habits, dice.choice((0.0, 0.4, 0.8, 1.2))),
        (people.requests, world.lean.requests, dice.choice((0.2, 0.6, 1.0))),
        (mischance.by_chance, world.lean.events, dice.choice((0.0, 0.1, 0.2, 0.3))),
    ):
        how_many = max(how_many, 1.2) if leant else how_many
        for _ in range(int(how_many * shape.faults * drops)):
            hub.spawn(act, after=dice.uniform(5, chaos))
    hub.run(chaos)
    while hub.now < chaos * shape.longer and oracle.rest():
        hub.run(hub.now + LOOK)
    return drops


def _drill(world: World, people: People, habits: Habits) -> int:
    """One edge again and again, until its fault befell it often. How many drops there were."""
    hub, dice, seen = world.hub, world.dice, world.fate.seen
    each = DRILLS.get(world.target[0], Round())
    for _ in range(ROUNDS):
        if seen.met[world.target] >= WANTED or seen.cannot(*world.target):
            break
        lasts = world.shape.each * each.drops + 4
        if sum(len(os.listdir(world.root / state)) for state in MOVES) < BACKLOG:
            _drops(world, people, each.drops, lasts / 2)
        for act, how_many in ((habits.by_chance, each.habits), (people.requests, each.requests)):
            for _ in range(how_many):
                hub.spawn(act, after=dice.uniform(1, lasts))
        hub.run(hub.now + lasts)
    return people.drops


def _drops(world: World, people: People, count: int, within: float) -> None:
    for _ in range(count):
        drop = people.submits if world.dice.random() < world.lean.submits else people.drop
        world.hub.spawn(drop, after=world.dice.uniform(0, within))


def _comes_to_rest(world: World, people: People, oracle: Oracle, until: float) -> None:
    waits: list[str] = ["?"]
    while waits and world.hub.now < until:
        world.hub.run(world.hub.now + LOOK)
        waits = ["a person still copies"] if people.copying else oracle.rest()
    if waits:
        world.say("STATUS.txt", oracle.told())
        raise Broken(f"no wait without an end: in peace there still is {waits[:5]}")


def _deaths_are_heard_of(world: World, house: House, oracle: Oracle) -> None:
    def dead(name: str) -> None:
        for path in (world.root / State.PROCESSING).iterdir():
            if f"@{name}." in path.name:
                oracle.starts.crash(path.name)

    house.dead, world.engine_died, house.refused = dead, oracle.starts.crash, oracle.starts.refused
