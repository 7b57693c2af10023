"""What could have gone wrong before each edge: which calls a look can go wrong at came before it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.simulation.coverage import LOOKS
from tests.simulation.disk import TEARABLE

if TYPE_CHECKING:
    from tests.simulation.fate import Fate
    from tests.simulation.hub import Process

LATELY = 5.0  # as for what befell a process at no job's path


class Could:
    """Hears of every call of a play that counts."""

    def __init__(self, fate: Fate) -> None:
        self.fate = fate
        self._looks: dict[str, set[str]] = defaultdict(set)  # job → looks since its last edge
        self._of_process: dict[Process, dict[str, float]] = defaultdict(dict)
        self._wrote: dict[Process, set[str]] = defaultdict(set)  # jobs that it wrote to since

    def called(self, process: Process, call: str, args: tuple[Any, ...]) -> None:
        looks = {look for look in LOOKS if self.fate.fits(look, call, args)} - {"torn"}
        key = self.fate.key(self.fate.about(call, args))
        if key is None:
            self._of_process[process].update(dict.fromkeys(looks, self.fate.hub.now))
            return
        self._looks[key] |= looks
        if call in TEARABLE:
            self._wrote[process].add(key)

    def died(self, process: Process) -> None:
        """What it wrote last might be torn."""
        for key in self._wrote.pop(process, ()):
            self._looks[key].add("torn")

    def passed(self, process: Process | None, edge: str, *keys: str | None) -> None:
        found: set[str] = set()
        for key in {*keys} - {None}:
            found |= self._looks.pop(str(key), set())
            for wrote in self._wrote.values():
                wrote.discard(str(key))
        if process:
            since = self.fate.hub.now - LATELY
            found |= {look for look, at in self._of_process[process].items() if at >= since}
        for look in (*found, ""):
            self.fate.seen.could[edge, look] += 1
