"""Whether workers start what comes first: urgent jobs, then the others, each by acceptance, and of
four starts one another's (docs/adr/0020), by what each worker itself saw waiting."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

from layout import names, tree
from layout.tree import State
from tests.simulation.fleet import House
from tests.simulation.hub import Process
from tests.simulation.world import Broken, World

RUN = 3  # urgent starts in a row while others wait


class Due(NamedTuple):
    """A job by its turn: the least comes first within its sort."""

    at: str
    id: str
    urgent: bool


class Turns:
    """Hears of listings of claimed/, of faults and of starts."""

    def __init__(self, world: World, house: House) -> None:
        self.world, self.house = world, house
        # what a process saw in claimed/ last, and when; jobs at which something befell it since
        self._seen: dict[Process, tuple[float, tuple[str, ...]]] = {}
        self._struck: dict[Process, set[str | None]] = {}
        # process → what job.json of a place in claimed/ said when it looked at that one since
        self._told: dict[Process, dict[str, Due | None]] = {}
        self._stirred: dict[str, float] = {}  # id → when a folder of that id moved last
        # by what tells one job.json from another
        self._known: dict[tuple[int, int, int], tuple[str, bool] | None] = {}
        # urgent starts in a row while others waited: at least, at most
        self._runs: dict[Process, tuple[int, int]] = {}

    def listed(self, process: Process, listing: list[str]) -> None:
        if process not in self.house.workers:
            return  # intakes and requests start nothing
        self._seen[process] = self.world.hub.now, tuple(listing)
        self._struck[process], self._told[process] = set(), {}

    def looked(self, process: Process, folder: str) -> None:
        """At the job.json, or its attributes, of FOLDER in claimed/: what it says later PROCESS
        cannot know before its next look."""
        name = os.path.basename(folder)
        if process in self._told and (parts := names.parse_claimed(name)):
            self._told[process][name] = self._due(Path(folder), parts.id)

    def met(self, process: Process, key: str | None) -> None:
        self._struck.setdefault(process, set()).add(key)

    def moved(self, target: Path) -> float:
        """A folder moved to TARGET. When one of its id had moved last before."""
        id = names.id_of(target.name) or ""
        before, self._stirred[id] = self._stirred.get(id, 0.0), self.world.hub.now
        return before

    def started(self, process: Process, source: Path, target: Path, stirred: float) -> None:
        """The worker of PROCESS took the job that waited at SOURCE, where it was since STIRRED."""
        parts, worker = names.parse_claimed(source.name), self.house.workers.get(process)
        if worker is None or parts is None or process not in self._seen:
            return
        told = self._told[process]
        mine = told[source.name] if source.name in told else self._due(target, parts.id)
        least, most = self._runs.get(process, (0, 0))
        # a copy of a job that was never accepted, say; or one that was accepted anew since it was
        # seen: nobody can tell its turn, and it may be urgent
        if mine is None or stirred > self._seen[process][0]:
            self._runs[process] = 0, most + 1
            return
        waited = self._waited(process, source.name, worker.queues)
        others = [one for one in waited if not one.urgent]
        if mine.urgent and others and least >= RUN:
            raise Broken(
                f"urgent jobs do not keep others for ever: {mine} is the urgent start {least + 1}"
                f" in a row, and {min(others)} waits"
            )
        if not mine.urgent and len(others) < len(waited) and most < RUN:
            raise Broken(f"urgent jobs come first: {mine} was started before {waited}")
        rivals = [one for one in waited if one.urgent == mine.urgent]
        if any(one < mine for one in rivals):
            raise Broken(f"jobs start by acceptance: {mine} before {min(rivals)}")
        if mine.id in self._struck[process]:  # it may not believe that it started it
            self._runs[process] = 0, most + 1
        elif mine.urgent:
            self._runs[process] = least + 1 if others else 0, most + 1
        else:
            self._runs[process] = 0, 0

    def _waited(self, process: Process, own: str, queues: tuple[str, ...]) -> list[Due]:
        """Jobs that PROCESS saw beside the one it took, that nobody touched since, and that nothing
        keeps it from starting: never started, sound, and no call on them went wrong."""
        at, listing = self._seen[process]
        found = []
        for name in listing:
            parts = names.parse_claimed(name)
            if parts is None or parts.hidden or parts.n or parts.queue not in queues or name == own:
                continue
            if parts.id in self._struck[process] or self._stirred.get(parts.id, 0.0) > at:
                continue
            here = self.world.root / State.CLAIMED / name
            now = self._due(here, parts.id)  # None: it is not there any more
            if now and (due := self._told[process].get(name, now)):
                found.append(due)
        return found

    def _due(self, folder: Path, id: str) -> Due | None:
        """By its job.json; None where that is missing or damaged."""
        try:
            found = os.lstat(folder / tree.JOB)
        except OSError:
            return None
        stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        if stamp not in self._known:
            self._known[stamp] = _read(folder / tree.JOB)
        known = self._known[stamp]
        return Due(known[0], id, known[1]) if known else None


def _read(path: Path) -> tuple[str, bool] | None:
    try:
        job = json.loads(path.read_bytes())
        return job["accepted"]["at"], job["options"].get("urgent") is True
    except (OSError, ValueError, LookupError, TypeError):
        return None
