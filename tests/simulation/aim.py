"""What befalls an edge at its very rename, or a look or a write that comes before it: the rarer the
edge, the likelier, and likeliest where the play is steered at it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layout.edges import REFUSED
from tests.simulation.coverage import (
    AIM,
    BLUR,
    BLUR_GOAL,
    BLUR_JOB,
    BLUR_MOST,
    CALLS,
    EVENTS,
    HABITS,
    LOOKS,
    TEAR,
    TEAR_REFUSED,
)
from tests.simulation.disk import TEARABLE
from tests.simulation.edges import letter
from tests.simulation.hub import Process
from tests.simulation.steer import LEANS

if TYPE_CHECKING:
    from tests.simulation.fate import Fate

BEFORE = frozenset({"lstat", "scandir", "read", "replace", *TEARABLE})
AT = (*CALLS, *EVENTS, *HABITS)  # what may befall an edge at its very rename
SWARM = 12  # of those in a play of which some are left out
# what may be wrong with one look, read or write, and well at the next try
ONCE = (*LOOKS, "refused")
DENIALS = {"EACCES": "denied", "EPERM": "refused"}
# in drills: how likely a look or a write of its edge goes wrong, and a start that it follows from;
# and how likely its fault befalls other edges
DRILLED, DRILLED_LEAD = 0.4, 0.8
DRILLED_ELSE = {
    **dict.fromkeys(CALLS, 0.15), **dict.fromkeys(LOOKS, 0.4), **dict.fromkeys(HABITS, 0.15),
    **dict.fromkeys(EVENTS, 0.02), "hung": 0.02, "pause": 0.002,
}  # fmt: skip
REQUESTED = "hijk"  # edges by the API: what they come from must come about
LEADING = 0.35  # how likely a start is struck so that another edge follows
LEADS = ("", *{lean.at_start: 0 for lean in LEANS.values() if lean.at_start})
OTHERS, ALIKE = 0.7, 0.5  # how likely other edges are struck, and then by the same fault
STEERED = 0.7  # how likely the fault that a play is steered at befalls its edge
# where a job stands before an edge
BEFORE_EDGE = {
    "a": ("drafts",), "b": ("inbox",), "b.": ("claimed",), "r": ("claimed",), "c": ("claimed",),
    "h": ("failed",), "i": ("inbox", "claimed", "processing"), "j": ("done", "failed"),
    "k": ("trash",), "p": ("processing", "staging"), "q": ("claimed",), "t": ("failed",),
    **dict.fromkeys(("d", "e", "f", "g", "g.", "s"), ("processing",)),
}  # fmt: skip


class Aim:
    """Of FATE. KINDS: what befalls edges in this play; STRIKES: how, where that is no fault of the
    call; each tells whether there was anything for it to happen to."""

    def __init__(self, fate: Fate) -> None:
        self.fate, self.world, self.dice = fate, fate.world, fate.world.dice
        self.edge, self.fault = self.world.target
        self.faults = self.world.shape.faults
        self.lead, self.leading = self.world.lean.at_start, LEADING
        self.share = OTHERS if self.edge else self.dice.choice((0.0, *[1.0] * 9))
        if not self.faults:
            self.leading = DRILLED_LEAD
        elif self.edge and not self.lead:
            self.lead, self.leading = self.dice.choice(LEADS), LEADING / 3
        self.share *= self.faults
        self.on = bool(self.share or self.edge)
        self.drilled = 0.0 if self.faults else DRILLED_ELSE.get(self.fault, 0.0)
        if self.edge in REQUESTED:
            self.drilled /= 4
        self.most = DRILLED if self.drilled else BLUR_MOST
        self.kinds = AT if self.dice.random() < 0.25 else tuple(self.dice.sample(AT, SWARM))
        self.strikes: dict[str, Callable[[Process, Path, Path], bool]] = {}
        self._before = BEFORE_EDGE.get(self.edge, ()) if self.fault in LOOKS else ()

    def at(self, process: Process, call: str, args: tuple[Any, ...]) -> Any:
        """What befalls an edge, or a look or a write that comes before one; the rarer, the
        likelier."""
        if call == "rename" and (edge := letter(self.world, *args)):
            if self.lead and edge == "c" and self.dice.random() < self.leading:
                return self._strike(process, edge, self.lead, *args)
            mine = edge == self.edge and self.fault in AT
            if self.dice.random() < (STEERED if mine else self._elsewhere(edge)):
                alike = mine or self._is_alike()
                kind = self.fault if alike else self.dice.choice(self.kinds)
                return self._strike(process, edge, kind, *args)
        elif (
            call in BEFORE
            and (thrown := self.dice.random()) < self.most
            and thrown < self._blur(process, call, args)
        ):
            fitting = [kind for kind in ONCE if self.fate.fits(kind, call, args)]
            return self.fault if self.fault in fitting else self.dice.choice(fitting)
        return None

    def _elsewhere(self, edge: str) -> float:
        """How likely something befalls an EDGE that the play is not steered at."""
        if self.drilled:
            return self.drilled if self.fault in AT else 0.0
        return AIM[edge] * self.share

    def _is_alike(self) -> bool:
        return self.fault in AT and (self.drilled > 0 or self.dice.random() < ALIKE)

    def _blur(self, process: Process, call: str, args: tuple[Any, ...]) -> float:
        """How likely a CALL that comes before edges shows less than there is, or is torn."""
        path = self.fate.about(call, args)
        state, _, rest = self.world.short(path).removeprefix(".pipeline/").partition("/")
        if not self.fate.key(path):
            if call != "scandir":
                return 0.0
            asked = process.name == "web" or state in self._before
            return self.most if asked else BLUR * self.faults
        if state in self._before and self.fate.fits(self.fault, call, args):
            return self.most
        if self.drilled:
            mine = self.fault in ONCE and self.fate.fits(self.fault, call, args)
            return self.most / 4 if mine else 0.0
        return self.faults * self._by_chance(call, state, rest)

    @staticmethod
    def _by_chance(call: str, state: str, rest: str) -> float:
        if call in ("read", "replace"):
            return BLUR
        if call in TEARABLE:
            return TEAR_REFUSED if f"@{REFUSED}." in rest else TEAR.get(state, 0.0)
        return BLUR_GOAL if call == "lstat" and "/" not in rest else BLUR_JOB.get(state, BLUR)

    def _strike(self, process: Process, edge: str, kind: str, source: Path, target: Path) -> Any:
        """KIND befalls an edge at its very rename: a fault of the call is for the disk to deal."""
        if kind in self.strikes:
            self.world.say(process.name, f"! {kind} at edge {edge} of {self.world.short(source)}")
            self.fate.seen.tried[edge, kind] += 1
            self.fate.seen.met[edge, kind] += 1  # PROCESS may not survive it
            if not self.strikes[kind](process, source, target):
                self.fate.seen.met[edge, kind] -= 1
            return self.fate.sky.over(process, "rename", (source, target))
        return DENIALS.get(kind) or getattr(errno, kind, kind)
