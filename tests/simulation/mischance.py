"""What befalls hosts and the share: by chance, and at the very moment of an edge."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from layout.tree import State
from tests.simulation.coverage import EVENTS, HABITS
from tests.simulation.disk import WRITES
from tests.simulation.fate import STATES
from tests.simulation.fleet import House
from tests.simulation.habits import Habits
from tests.simulation.hub import Host, Process
from tests.simulation.sky import Weather
from tests.simulation.world import World

KINDS = (
    *["kill"] * 6, "reboot", "pause", "drain", "power cut", "full", "read only", "stale",
    "away", "denied", "forbidden", "wipe", "upgrade", "HALT", "closed",
)  # fmt: skip
READS = frozenset({"read", "copy", "sha256"})
FORBIDDEN = ((READS, ""), *((frozenset({"rename"}), into) for into in ("", "done", "claimed")))


class Mischance:
    """Everything that goes wrong by itself."""

    def __init__(self, world: World, house: House, habits: Habits) -> None:
        self.world, self.house, self.habits = world, house, habits
        self.dice, self.hub = world.dice, world.hub
        for name in EVENTS:
            world.fate.aim.strikes[name] = lambda process, source, target, name=name: self._at_edge(
                name, process
            )
        for name in (*HABITS, "misnames"):
            world.fate.aim.strikes[name] = lambda process, source, target, name=name: self._habit(
                name, source, target
            )

    def by_chance(self) -> None:
        host, what = self.dice.choice(self.world.hosts), self._kind()
        self.world.say("the world", f"{what} ({host.name})")
        self._befall(what, host)

    def _kind(self) -> str:
        leant = self.world.lean.events
        return self.dice.choice(KINDS if not leant or self.dice.random() < 0.25 else leant)

    def _at_edge(self, what: str, process: Process) -> bool:
        if what == "drain":
            if process not in self.house.stopping:
                return False
            self.house.stopping[process].set()
        else:
            self._befall(what, process.host)
        if what == "pause":
            self.hub.sleep(0)
        return True

    def _habit(self, name: str, source: Path, target: Path) -> bool:
        folder = source
        if source.parent == self.world.atlas.staging:  # it enters the job's own folder
            folder = target.parent if target.parent.parent.name in STATES else target.parent.parent
        if folder.parent.name not in STATES:
            return False  # people see neither drafts/ nor trash/
        return self.habits.quietly(self.habits.all[name], folder)

    def _befall(self, what: str, host: Host) -> None:
        dice, world, spells = self.dice, self.world, self.world.shape.spells
        until = self.hub.now + dice.uniform(1, 15) * spells
        where = dice.choice((None, host))
        if what == "kill" and host.processes:
            dice.choice(host.processes).die()
        elif what == "reboot":
            world.reboot(host)
        elif what == "pause":
            host.paused = self.hub.now + dice.uniform(5, 70) * spells
        elif what == "drain" and self.house.stopping:
            dice.choice(list(self.house.stopping.values())).set()
        elif what == "power cut":
            world.power_cut()
        elif what == "full":
            calls = frozenset(WRITES - {"rename", "unlink", "rmdir", "remove_tree"})
            number = dice.choice((errno.ENOSPC, errno.EDQUOT))
            world.fate.sky.weather.append(Weather(number, calls, where, until))
        elif what == "read only":
            world.fate.sky.weather.append(Weather(errno.EROFS, WRITES, where, until))
        elif what == "stale":
            number = dice.choice((errno.ESTALE, errno.EIO, errno.ETIMEDOUT))
            world.fate.sky.weather.append(Weather(number, None, where, until))
        elif what == "away":
            world.fate.sky.weather.append(Weather("away", None, where, until))
        elif what == "forbidden":  # the server's own rules, which no look at permissions shows
            calls, into = dice.choice(FORBIDDEN)
            into = into and f"{world.root}/{into}/"
            world.fate.sky.weather.append(Weather("refused", calls, where, until, into))
        elif what in ("denied", "closed"):
            self._deny(until, for_ever=what == "closed")
        elif what == "wipe":
            world.reboot(host)
            shutil.rmtree(world.folder / f"scratch-{host.name}", ignore_errors=True)
        elif what == "upgrade":
            self._upgrade(host)
        elif what == "HALT":
            self.hub.spawn(self._halt)

    def _upgrade(self, host: Host) -> None:
        """One host after the other gets another version, of inbox3d and of its stages."""
        self.world.versions += 1
        for other in self.world.hosts:
            delay = 0.0 if other is host else self.dice.uniform(1, 15)
            self.hub.spawn(lambda other=other: self._new_version(other), after=delay)  # type: ignore[misc]
        self.hub.sleep(0)

    def _new_version(self, host: Host) -> None:
        host.version = self.world.versions
        for process in list(host.processes):
            if self.dice.random() < 0.5 and process in self.house.stopping:
                self.house.stopping[process].set()
            else:
                process.die()

    def _halt(self) -> None:
        path = self.world.root / self.dice.choice(("HALT", "inbox/halt.txt"))
        path.touch()
        self.world.say("a person", f"puts {path.name}")
        self.hub.sleep(self.dice.uniform(3, 12) * self.world.shape.spells)
        path.unlink(missing_ok=True)

    def _deny(self, until: float, for_ever: bool) -> None:
        """A folder of somebody else, which nobody may look into; perhaps nobody ever mends it."""
        found = [
            entry.path
            for state in State
            for entry in os.scandir(self.world.root / state)
            if entry.is_dir()
        ]
        if not found:
            return
        path = self.dice.choice(sorted(found))
        self.world.fate.sky.denied.add(path)
        self.world.say("a person", f"denies {self.world.short(path)}")
        if for_ever:
            self.world.fate.sky.closed.add(path)
            self.world.cursed.add(self.world.fate.key(path) or "")
        else:
            self.hub.spawn(
                lambda: self.world.fate.sky.denied.discard(path), after=until - self.hub.now
            )
