"""What must hold, at every edge and when all is quiet. Each check names the promise of
docs/lifecycle.md that it is about."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

from layout import names, tree
from layout.promote import verify
from layout.tree import State
from tests.simulation.fleet import SETTINGS, House
from tests.simulation.hub import Process
from tests.simulation.made import Made
from tests.simulation.people import People
from tests.simulation.refusals import Refusals
from tests.simulation.starts import Starts
from tests.simulation.turns import Turns
from tests.simulation.waits import Waits
from tests.simulation.whole import Whole
from tests.simulation.world import Broken, World

# edges between two looks at the whole tree, at least, and for how many files there is one more
EVERY, EDGES_A_FILE = 25, 8
QUIET = float(SETTINGS["INTAKE__QUIET_LOCAL"])


class Oracle:
    """Hears of every rename; looks at what it moved, and now and then at everything."""

    def __init__(self, world: World, house: House, people: People, max_crashes: int) -> None:
        self.world, self.house, self.people, self.max_crashes = world, house, people, max_crashes
        self.waits, self.turns = Waits(world, house), Turns(world, house)
        self.starts, self.whole = Starts(world, people), Whole(world)
        self.claims: Counter[str] = Counter()
        self.results: dict[str, int] = {}  # id → number of its acceptance when its result came
        self.made = Made(world, people, self.starts.begun)
        self.refusals = Refusals(world)
        self.hasty: set[str] = set()  # ids of drops that were taken before they had ever been quiet
        self.edges, self._looked = 0, 0
        world.hooks.append(self)

    def met(self, process: Process, name: str, call: str, key: str | None) -> None:
        self.starts.met(process, name, call)
        self.turns.met(process, key)

    def listed(self, process: Process, listing: list[str]) -> None:
        self.turns.listed(process, listing)

    def looked(self, process: Process, folder: str) -> None:
        self.turns.looked(process, folder)

    # -- at every rename -----------------------------------------------------------------------
    def moved(self, process: Process | None, source: Path, target: Path, edge: str) -> None:
        self.whole.left(source)
        self.waits.moved(target)
        self.starts.renamed(process, target)
        stirred = self.turns.moved(target)
        if not edge:
            return
        self.edges += 1
        id = names.id_of(target.name) or ""
        if edge == "c":
            self.starts.started(target)
            if process:
                self.turns.started(process, source, target, stirred)
        elif edge == "a":
            self.whole.submitted.add(id)
        elif edge == "s":
            self.starts.seized(source)
            self.starts.crash(target.name)
        elif edge == "b":
            self._claimed(source, target)
        elif edge == "e" and process:
            self._finished(target)
        elif edge in "fr" and process and target.parent == self.world.atlas.failed:
            if "@" not in target.name:
                self._failed(target)
        elif edge == "b.":
            self.made.accepted[id] = (self.made.accepted.get(id, (0.0, 0.0))[0], self.world.hub.now)
            self._revealed(target)
        elif edge == "g." and process:
            self._anew(target)
        elif edge == "j":
            self.whole.trashed(source, target)
        elif edge == "k":
            self.whole.restored(source, target, self._is_harmed(target))
        # of a large house more seldom: a look costs what all its files do
        if self.edges - self._looked >= max(EVERY, len(self.world.files) // EDGES_A_FILE):
            self._looked = self.edges
            self.whole.look()

    def _claimed(self, source: Path, target: Path) -> None:
        if target.parent.name == State.CLAIMED:
            id = names.id_of(target.name) or ""
            self.claims[id] += 1
        else:  # a raw drop, below the input/ of its shell
            id = names.id_of(target.parent.parent.name) or ""
            self.claims[id] += 1
            if self._longest_rest(source, target) < QUIET and not self.made.blurred(
                self.world.hub.now
            ):
                self.hasty.add(id)
        self.made.accepted[id] = (self.world.hub.now - 90, self.world.hub.now)
        if source.name in self.people.wishes:
            self.people.wishes.add(id)

    def _longest_rest(self, source: Path, target: Path) -> float:
        """The longest time in which nobody wrote to any file of the drop that moved from SOURCE to
        TARGET, between two writes or until now."""
        paths = target.rglob("*") if target.is_dir() else [target]
        found = [self.world.files.get(path.lstat().st_ino) for path in paths]
        inside = f"{source}/"
        found += [each for each in self.world.files.values() if each.path.startswith(inside)]
        writes = sorted({each.at for known in found if known for each in known.versions})
        times = [*writes, self.world.hub.now]
        return max(
            (after - before for before, after in itertools.pairwise(times)),
            default=QUIET,
        )

    def _anew(self, shell: Path) -> None:
        if self.whole.job(shell) is None and not self._is_harmed(shell):
            raise Broken(f"a job.json that nobody damaged stays whole: {shell.name} has none")

    def _revealed(self, target: Path) -> None:
        job = self.whole.job(target)
        if job is None and self._is_harmed(target):
            return
        if job is None:
            raise Broken(f"what waits for a worker has its job.json: {target.name} has none")
        if job.evidence == "quiet" and job.id in self.hasty:
            raise Broken(f"a drop is taken when it is complete: {target.name} was still arriving")
        self.hasty.discard(names.id_of(target.name) or "")

    def _finished(self, target: Path) -> None:
        job, output = self.whole.job(target), target / tree.OUTPUT
        if self._is_harmed(target):
            return
        if job is None or not verify(self.whole.disk, output):
            raise Broken(f"a result is whole: {target.name}")
        self.made.judge(target, job)
        again = self.results.get(job.id)
        if again is not None and again == self.claims[job.id]:
            raise Broken(f"one result for one acceptance: {job.id}")
        self.results[job.id] = self.claims[job.id]
        self.whole.finished.add(target)

    def _is_harmed(self, folder: Path) -> bool:
        """Did a person copy or damage FOLDER, or delete from it?"""
        return folder.lstat().st_ino in self.people.harmed

    def _failed(self, folder: Path) -> None:
        if self._is_harmed(folder):
            return
        if not (folder / tree.ERROR_TEXT).exists():
            raise Broken(
                f"words wherever something stands still: {folder.name} failed without error.txt"
            )
        error = json.loads((folder / tree.ERROR).read_bytes())
        # no stage of the simulation ever does
        if error["error"] == "StageFailed":
            raise Broken(
                f"a fault of the line or of a host is none of the job: {folder.name} failed with {error['message']}"
            )
        self.refusals.judge(folder, error["message"], error["remedy"])
        if error["message"].startswith("Given up after"):
            count, most = (
                int(error["message"].split()[3]),
                len(self.starts.crashed.get(folder.name, ())),
            )
            if count > most:
                raise Broken(
                    f"a job is given up only for real crashes: {folder.name} had {most}, not {count}"
                )

    # -- at rest -------------------------------------------------------------------------------
    def rest(self) -> list[str]:
        """What still waits, or stands still without words."""
        return self.waits.still()

    def told(self) -> str:
        """STATUS.txt, and what every process finds that needs a person."""
        return self.waits.told()
