"""Who started a job and which start was cut off, by what the simulation itself counted; and what a
process was told had failed, though it was done."""

from __future__ import annotations

from pathlib import Path

from layout import names
from layout.tree import State
from tests.simulation.fleet import SETTINGS
from tests.simulation.hub import Process
from tests.simulation.people import People
from tests.simulation.world import Broken, World

LOOK = float(SETTINGS["WORKER__BEAT"])  # seconds between two looks at the others
# the least time in which a worker may be found dead
DEATH = LOOK * (int(SETTINGS["WORKER__DEAD_LOOKS"]) - 1) - 1
LOST = ("lost", "lost reply")
SOON = 10.0  # seconds in which a process that did not believe its rename finds the folder


class Starts:
    """Hears of what processes do, and of their deaths."""

    def __init__(self, world: World, people: People) -> None:
        self.world, self.people = world, people
        self.begun: dict[str, float] = {}  # id → when it was last started
        # id → starts that were cut off: their process or engine died, or they were seized
        self.crashed: dict[str, set[int]] = {}
        self._n: dict[str, int] = {}  # id → the largest n that was started
        # where to a rename went that its process was told had failed, and when
        self._lost: dict[Process, tuple[str, float]] = {}

    def met(self, process: Process, name: str, call: str) -> None:
        """A process whose look was blurred may believe that its rename failed."""
        if call == "rename" and name in LOST:
            self._lost[process] = ("", self.world.hub.now)
        else:
            self._lost.pop(process, None)

    def renamed(self, process: Process | None, target: Path) -> None:
        """The rename that was just met, or a later one: then the earlier was believed."""
        if process in self._lost and not self._lost.pop(process)[0]:
            self._lost[process] = (target.name, self.world.hub.now)

    def crash(self, name: str) -> None:
        """The start whose folder in processing/ is called NAME was cut off."""
        if held := names.parse_processing(name):
            self.crashed.setdefault(held.id, set()).add(held.n)

    def started(self, target: Path) -> None:
        held = names.parse_processing(target.name)
        if held is None or target.lstat().st_ino in self.people.copies:
            return  # a copy counts on from where it was copied, until it gets an id of its own
        if held.n <= self._n.get(held.id, 0):
            raise Broken(
                f"n is never reused: start {held.n} of {held.id} came after start {self._n[held.id]}"
            )
        self._n[held.id], self.begun[held.id] = held.n, self.world.hub.now

    def found(self, id: str) -> None:
        """A process found job ID under its own name, without running it."""
        for path in (self.world.root / State.PROCESSING).iterdir():
            if id in path.name:
                self._believed(path.name)
                self.crash(path.name)

    def _believed(self, name: str) -> None:
        """A rename whose reply was lost, and whose target could be seen, must not be given up."""
        for target, at in self._lost.values():
            if target == name and self.world.hub.now - at < SOON:
                raise Broken(f"a failed rename may have happened: {name} was not looked for")

    def refused(self, process: Process, error: BaseException) -> None:
        """A request of the API was answered with ERROR."""
        target, at = self._lost.get(process, ("", 0.0))
        if target and self.world.hub.now - at < SOON:
            raise Broken(
                f"an answer of the API is true: {target} stands there, and it answered {error!r}"
            )

    def seized(self, source: Path) -> None:
        """Nobody is seized that beats; who was silent long enough and wakes between the last look
        at it and the rename, is: its fence stops it."""
        held = names.parse_processing(source.name)
        for host in self.world.hosts:
            for process in host.processes:
                if (
                    held
                    and process.name == held.worker
                    and self.world.hub.now - process.beaten < DEATH
                    and not (process.silent > DEATH and self.world.hub.now - process.beaten < LOOK)
                ):
                    raise Broken(
                        f"only the dead are seized: {process.name} beat"
                        f" {self.world.hub.now - process.beaten:.1f} s ago"
                    )
