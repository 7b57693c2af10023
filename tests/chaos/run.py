"""Chaos: people drop, two hosts work, and their processes are killed or put to sleep past their death, by the dice of one seed."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import NamedTuple

from layout import names
from layout.init import init
from layout.liveness import heartbeats
from layout.tree import State
from tests.chaos.history import History
from tests.chaos.hosts import Host, Victim, strike
from tests.chaos.people import People

HOSTS = ("atropos", "clotho")
OPEN = 12  # drops under way at once
LONGEST_SLEEP = 12.0  # seconds; the dead are known after 1.5
ASLEEP = 2  # processes asleep at once
REST = 240.0  # seconds that all may take to come to rest
# how often each is struck, where there is one: engines take a while to start, and legs are short
WEIGHTS = {"worker": 4, "engine": 4, "leg": 8, "intake": 2}


class Asked(NamedTuple):
    kills: int
    wakers: int
    drops: int = 0  # at least that many
    seconds: float = 1500.0


class Sleeper(NamedTuple):
    """A process of the fleet that sleeps, and those of its family that do, till WAKES at most; HELD
    is the folder that it had in processing/."""

    wakes: float
    victim: Victim
    family: list[Victim]
    held: str


class Chaos:
    """One house at SEED, in FOLDER: atlas/, history.jsonl and logs/ stay for ``checker``."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.atlas = init(folder / "atlas")[0]
        self.history = History(folder / "history.jsonl")
        self.history.say(seed=seed)
        self.people = People(self.atlas, self.history, self.dice, folder / "laptop")
        self.hosts = [Host(name, self.atlas, folder) for name in HOSTS]
        self.asleep: list[Sleeper] = []
        self.kills = self.wakers = 0

    def play(self, asked: Asked) -> bool:
        """Whether all that was ASKED happened in its time; then there was peace."""
        deadline = time.monotonic() + asked.seconds
        try:
            while time.monotonic() < deadline and not self._enough(asked):
                self._turn(asked)
            self._wake(all_of_them=True)
            self.people.wait()
            self.history.say(peace=True, kills=self.kills, wakers=self.wakers)
            rested = self._rest()
        finally:
            for host in self.hosts:
                host.end()
            self.history.look(self.atlas)
            self.history.close()
        return rested and self._enough(asked)

    def _enough(self, asked: Asked) -> bool:
        return (
            self.kills >= asked.kills
            and self.wakers >= asked.wakers
            and self.people.count >= asked.drops
        )

    def _turn(self, asked: Asked) -> None:
        """Whoever ended starts again, a drop comes, and then somebody is struck: at once, or at the
        moment when a folder moves."""
        self._keep()
        seen = self.history.look(self.atlas)
        if self._open(seen) < OPEN:
            self.people.drop()
        self._wake()
        # what sleeps must sleep for a while: more of it than kills are begun first
        if len(self.asleep) < ASLEEP and self.wakers < asked.wakers and self.dice.random() < 0.5:
            self._lull()
        elif self.kills < asked.kills:
            self._kill()
        self._look_on(self.dice.uniform(0.05, 0.6))

    def _open(self, seen: dict[str, list[str]]) -> int:
        ended = len(seen[State.DONE]) + len(seen[State.FAILED])
        return self.people.count - ended

    def _keep(self) -> None:
        for host in self.hosts:
            host.keep()

    def _look_on(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._wake()
            self.history.look(self.atlas)
            time.sleep(0.03)

    # -- kills ---------------------------------------------------------------------------------
    def _kill(self) -> None:
        if self.dice.random() < 0.5:
            self._until_something_moves()
        sleeping = {one.victim.pid for one in self.asleep}
        there = [one for host in self.hosts for one in host.alive() if one.parent not in sleeping]
        if not there:
            return
        if self.dice.random() < 0.04:  # the whole host
            host = self.dice.choice(HOSTS)
            struck = [one for one in there if one.host == host and one.what in ("worker", "intake")]
        else:
            kinds = sorted({one.what for one in there})
            what = self.dice.choices(kinds, [WEIGHTS[kind] for kind in kinds])
            struck = [self.dice.choice([one for one in there if one.what == what[0]])]
        for victim in struck:
            self.history.say(kill=victim.what, host=victim.host, pid=victim.pid)
        self.kills += strike(struck, signal.SIGKILL)

    def _until_something_moves(self) -> None:
        before, end = self.history.look(self.atlas), time.monotonic() + 1
        while time.monotonic() < end and self.history.look(self.atlas) == before:
            time.sleep(0.005)

    # -- sleepers ------------------------------------------------------------------------------
    def _lull(self) -> None:
        """SIGSTOP for a process of the fleet, its engine now and then too, until what it held is
        another's."""
        there = [one for host in self.hosts for one in host.alive()]
        taken = {one.victim.pid for one in self.asleep}
        fleet = [one for one in there if one.pid == one.parent and one.pid not in taken]
        held = self._held()
        busy = [one for one in fleet if one.pid in held] or fleet
        if not busy:
            return
        victim = self.dice.choice(busy)
        family = [one for one in there if one.parent == victim.pid]
        struck = family if self.dice.random() < 0.5 else [victim]
        self.history.say(stop=victim.what, host=victim.host, pid=victim.pid)
        if strike(struck, signal.SIGSTOP):
            wakes, name = time.monotonic() + LONGEST_SLEEP, self._held().get(victim.pid, "")
            self.asleep.append(Sleeper(wakes, victim, struck, name))

    def _held(self) -> dict[int, str]:
        """What each worker holds in processing/: pid → folder name."""
        pids = {beat.worker: beat.pid for beat in heartbeats(self.atlas).values()}
        found = {}
        for entry in (self.atlas.root / State.PROCESSING).iterdir():
            parsed = names.parse_processing(entry.name)
            if parsed and parsed.worker in pids:
                found[pids[parsed.worker]] = entry.name
        return found

    def _wake(self, all_of_them: bool = False) -> None:
        """SIGCONT for those whose job was taken from them a while ago, and for who slept longest."""
        if not self.asleep:
            return
        held = {entry.name for entry in (self.atlas.root / State.PROCESSING).iterdir()}
        stays = []
        for one in self.asleep:
            lost = bool(one.held) and one.held not in held
            # somebody else may be in the middle of the job now, or through with it
            soon = lost and self.dice.random() < 0.03
            if not (all_of_them or soon or time.monotonic() > one.wakes):
                stays.append(one)
                continue
            late = bool(strike(one.family, signal.SIGCONT)) and lost
            self.wakers += late
            who = {"wake": one.victim.what, "host": one.victim.host, "pid": one.victim.pid}
            self.history.say(**who, held=one.held, late=late)
        self.asleep = stays

    # -- the end -------------------------------------------------------------------------------
    def _rest(self) -> bool:
        """Nobody is struck any more: whether everything comes to an end."""
        end = time.monotonic() + REST
        while time.monotonic() < end:
            self._keep()
            seen = self.history.look(self.atlas)
            waits = (*seen[State.CLAIMED], *seen[State.PROCESSING], *seen[State.INBOX])
            if not self._open(seen) and {*waits} <= {names.STATUS_NAME}:
                return True
            time.sleep(0.05)
        return False
