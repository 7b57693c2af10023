"""What may go wrong at a file call of a simulated process, by chance or aimed at an edge, and how
often each edge was met by each fault."""

from __future__ import annotations

import errno
import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layout import names
from layout.tree import State
from tests.simulation.aim import DENIALS, Aim
from tests.simulation.could import Could
from tests.simulation.coverage import LOOKS, Seen
from tests.simulation.disk import KINDS, POWER, TEARABLE, WRITES
from tests.simulation.edges import letter
from tests.simulation.hub import Process
from tests.simulation.sky import Sky

if TYPE_CHECKING:
    from tests.simulation.world import World

LATELY = 5.0  # seconds for which a fault that was met at no job's path counts for the next edge
COUNTS = 8  # every so many plays count what could have gone wrong before an edge
NUMBERS = {kind: number for number, kind in DENIALS.items()}
STATES = frozenset(state.value for state in State)


class Fate:
    """Of WORLD: which kinds of faults it knows (swarm testing), and how often they come."""

    def __init__(self, world: World) -> None:
        self.world, self.hub = world, world.hub
        self.dice = dice = world.dice
        self.kinds = [kind for kind in KINDS if dice.random() < 0.5]
        rate = dice.choice((0.0, 0.001, 0.002, 0.005, 0.01)) if self.kinds else 0.0
        self.rate = rate * world.shape.faults
        self.aim = Aim(self)
        self.switching = dice.choice((0.05, 0.2, 0.5))
        self.sky = Sky(world)
        self.seen = Seen()
        counts = world.seed % COUNTS == 0 or self.aim.fault in LOOKS
        self.could: Could | None = Could(self) if counts else None
        # job or entry of inbox/ → what befell it since its last edge
        self.scars: dict[str, set[str]] = defaultdict(set)
        self.refusals: Counter[str] = (
            Counter()
        )  # by job: calls that were denied since it was started
        self.refused: dict[
            str, str
        ] = {}  # job → at which edge, if any, it was denied something last
        # job → names of what it was denied
        self.names_refused: dict[str, set[str]] = defaultdict(set)
        self.calls = 0
        self.blurred = float("-inf")  # when a host last saw an old listing, or less than there was
        self._prefix, self._staging = str(world.root), str(world.atlas.staging)

    def late(self, call: str) -> None:
        """A call takes time; during some of them others go on."""
        self.calls += 1
        often = self.switching if call in WRITES else self.switching / 4
        if self.dice.random() < often:
            self.hub.sleep(self.dice.expovariate(1 / (0.3 if self.dice.random() < 0.1 else 0.01)))
        else:
            self.hub.now += 0.0002

    def of(self, process: Process, call: str, args: tuple[Any, ...]) -> Any:
        """What befalls CALL: an error number, a kind of fault, or None."""
        if self.could:
            self.could.called(process, call, args)
        sky = self.sky
        if (sky.weather or sky.denied) and (found := sky.over(process, call, args)) is not None:
            return found
        if self.world.calm:
            return None
        aimed = self.aim.on and self.aim.at(process, call, args)
        if aimed or self.dice.random() >= self.rate:
            return aimed or None
        if call != "copy" and not str(args[0]).startswith(self._prefix):
            return None  # this host's own scratch
        kind = self.dice.choice(self.kinds)
        return kind if self.fits(kind, call, args) else None

    def fits(self, kind: str, call: str, args: tuple[Any, ...]) -> bool:
        if kind == "mangled":
            target = str(self.about(call, args))
            return call in ("write_new", "copy") and target.startswith(self._staging)
        if kind == "power cut":
            return self.dice.random() < POWER
        fits = {
            "torn": TEARABLE, "unseen": ("lstat",), "skipped": ("scandir",), "stale": ("scandir",),
            "lost": WRITES, "lost reply": ("rename", "mkdir", "unlink", "rmdir"),
        }  # fmt: skip
        return kind not in fits or call in fits[kind]

    def met(self, process: Process, kind: Any, call: str, args: tuple[Any, ...]) -> None:
        """KIND was dealt at CALL, which may be an edge; else it counts for the next edge of the
        job whose path that was."""
        name = errno.errorcode[kind] if isinstance(kind, int) else str(kind)
        name = NUMBERS.get(name, name)
        if name in ("stale", "skipped"):
            self.blurred = self.hub.now
        self.world.say(process.name, f"! {name} at {call} {self.world.short(args[0])}")
        key = self.key(self.about(call, args))
        edge = letter(self.world, *args) if call == "rename" else ""
        if key and name in DENIALS:
            self.refusals[key] += 1
            if edge != "f":  # its reason was given before
                self.refused[key] = edge
            self.names_refused[key].update(os.path.basename(path) for path in map(str, args[:2]))
        if edge:
            self.seen.met[edge, name] += 1
        elif key:
            self.scars[key].add(name)
        else:
            process.faults[name] = self.hub.now
        for hook in self.world.hooks:
            hook.met(process, name, call, key)

    def key(self, path: Any) -> str | None:
        """The job, or the entry of inbox/, that PATH belongs to."""
        parts = self.world.short(path).split("/")
        if parts[0] in STATES and len(parts) > 1:
            return names.id_of(parts[1]) or parts[1]
        if parts[0] == ".pipeline" and len(parts) > 2 and parts[1] in ("staging", "drafts"):
            return names.id_of(parts[2])
        if parts[:2] == [".pipeline", "trash"] and len(parts) > 2:
            return names.trashed_id(parts[2])
        return None

    def about(self, call: str, args: tuple[Any, ...]) -> Any:
        """The path on the share that a CALL with ARGS is about: of a copy its target, or what is
        copied from the share to a host's scratch."""
        goal = call == "copy" and str(args[1]).startswith(self._prefix)
        return args[1] if goal else args[0]

    def scar(self, path: Any, what: str) -> None:
        if key := self.key(path):
            self.scars[key].add(what)

    def passed(self, process: Process | None, edge: str, source: Path, target: Path) -> None:
        """EDGE happened: whatever befell its job since the last one counts as met by it."""
        found = self.scars.pop(self.key(target) or "", set())
        found |= self.scars.pop(self.key(source) or "", set())
        if process:
            since = self.hub.now - LATELY
            found |= {name for name, at in process.faults.items() if at >= since}
            process.faults.clear()
        if edge == "c":
            self.refusals.pop(self.key(target) or "", None)
        for fault in found or {"none"}:
            self.seen.met[edge, fault] += 1
        if self.could:
            self.could.passed(process, edge, self.key(source), self.key(target))
