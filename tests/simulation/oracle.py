"""What must hold, at every edge and when all is quiet. Each check names the promise of
docs/lifecycle.md that it is about."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections import Counter
from pathlib import Path

from layout import names, tree
from layout.disk import Disk
from layout.manifest import JobFile, NewerFormat, read_job
from layout.promote import verify
from layout.tree import State
from tests.simulation.fleet import SETTINGS, House
from tests.simulation.hub import Process
from tests.simulation.made import Made
from tests.simulation.people import People
from tests.simulation.waits import Waits
from tests.simulation.world import Broken, World

EVERY = 25  # edges between two looks at the whole tree
QUIET = float(SETTINGS["INTAKE__QUIET_LOCAL"])
# the least time in which a worker may be found dead: looks that are a beat apart
DEATH = float(SETTINGS["WORKER__BEAT"]) * (int(SETTINGS["WORKER__DEAD_LOOKS"]) - 1) - 1
LOST = ("lost", "lost reply")
SOON = 10.0  # seconds in which a process that did not believe its rename finds the folder


class Oracle:
    """Hears of every rename; looks at what it moved, and now and then at everything."""

    def __init__(self, world: World, house: House, people: People, max_crashes: int) -> None:
        self.world, self.house, self.people, self.max_crashes = world, house, people, max_crashes
        self.disk = Disk(durable=False)
        self.waits = Waits(world, house)
        self.starts: dict[str, int] = {}  # id → the largest n that was started
        self.claims: Counter[str] = Counter()
        self.results: dict[str, int] = {}  # id → number of its acceptance when its result came
        self.made = Made(world, people)
        # id → starts that were cut off: their process or engine died, or they were seized
        self.crashed: dict[str, set[int]] = {}
        self.hasty: set[str] = set()  # ids of drops that were taken before they had ever been quiet
        # what a process was told had failed, though it was done: where to, and when
        self.lost: dict[Process, tuple[str, float]] = {}
        self.deleted: set[int] = set()
        self.submitted: set[str] = set()
        self.finished: set[Path] = set()  # folders in done/ that are there by edge e
        self.edges = 0
        world.hooks.append(self)

    def broken(self, why: str) -> None:
        raise Broken(why)

    # -- at every rename -----------------------------------------------------------------------
    def met(self, process: Process, name: str, call: str) -> None:
        """A process whose look was blurred may believe that its rename failed."""
        if call == "rename" and name in LOST:
            self.lost[process] = ("", self.world.hub.now)
        else:
            self.lost.pop(process, None)

    def moved(self, process: Process | None, source: Path, target: Path, edge: str) -> None:
        self.finished.discard(source)
        if process in self.lost and not self.lost.pop(process)[0]:
            self.lost[process] = (target.name, self.world.hub.now)
        if not edge:
            return
        self.edges += 1
        id = names.id_of(target.name) or ""
        if edge == "c":
            self._started(target)
        elif edge == "a":
            self.submitted.add(id)
        elif edge == "s":
            self._seized(source)
            self.crash(target.name)
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
            self.deleted |= {inode for inode, _ in below(target)}
        if self.edges % EVERY == 0:
            self.look()

    def found(self, id: str) -> None:
        """A process found job ID under its own name, without running it."""
        for path in (self.world.root / State.PROCESSING).iterdir():
            if id in path.name:
                self._believed(path.name)
                self.crash(path.name)

    def _believed(self, name: str) -> None:
        """A rename whose reply was lost, and whose target could be seen, must not be given up."""
        for target, at in self.lost.values():
            if target == name and self.world.hub.now - at < SOON:
                self.broken(f"a failed rename may have happened: {name} was not looked for")

    def refused(self, process: Process, error: BaseException) -> None:
        """A request of the API was answered with ERROR."""
        target, at = self.lost.get(process, ("", 0.0))
        if target and self.world.hub.now - at < SOON:
            self.broken(
                f"an answer of the API is true: {target} stands there, and it answered {error!r}"
            )

    def _seized(self, source: Path) -> None:
        held = names.parse_processing(source.name)
        for host in self.world.hosts:
            for process in host.processes:
                if (
                    held
                    and process.name == held.worker
                    and self.world.hub.now - process.beaten < DEATH
                ):
                    self.broken(
                        f"only the dead are seized: {process.name} beat"
                        f" {self.world.hub.now - process.beaten:.1f} s ago"
                    )

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
        found += [
            known for known in self.world.files.values() if known.path.startswith(f"{source}/")
        ]
        writes = sorted({each.at for known in found if known for each in known.versions})
        times = [*writes, self.world.hub.now]
        return max(
            (after - before for before, after in itertools.pairwise(times)),
            default=QUIET,
        )

    def _anew(self, shell: Path) -> None:
        if self._job(shell) is None and not self._is_harmed(shell):
            self.broken(f"a job.json that nobody damaged stays whole: {shell.name} has none")

    def crash(self, name: str) -> None:
        """The start whose folder in processing/ is called NAME was cut off."""
        if held := names.parse_processing(name):
            self.crashed.setdefault(held.id, set()).add(held.n)

    def _started(self, target: Path) -> None:
        held = names.parse_processing(target.name)
        if held is None or target.lstat().st_ino in self.people.copies:
            return  # a copy counts on from where it was copied, until it gets an id of its own
        if held.n <= self.starts.get(held.id, 0):
            self.broken(
                f"n is never reused: start {held.n} of {held.id} came after start {self.starts[held.id]}"
            )
        self.starts[held.id], self.made.begun[held.id] = held.n, self.world.hub.now

    def _revealed(self, target: Path) -> None:
        job = self._job(target)
        if job is None and self._is_harmed(target):
            return
        if job is None:
            self.broken(f"what waits for a worker has its job.json: {target.name} has none")
        elif job.evidence == "quiet" and job.id in self.hasty:
            self.broken(f"a drop is taken when it is complete: {target.name} was still arriving")
        self.hasty.discard(names.id_of(target.name) or "")

    def _finished(self, target: Path) -> None:
        job, output = self._job(target), target / tree.OUTPUT
        if self._is_harmed(target):
            return
        if job is None or not verify(self.disk, output):
            self.broken(f"a result is whole: {target.name}")
        assert job is not None
        self.made.judge(target, job)
        again = self.results.get(job.id)
        if again is not None and again == self.claims[job.id]:
            self.broken(f"one result for one acceptance: {job.id}")
        self.results[job.id] = self.claims[job.id]
        self.finished.add(target)

    def _is_harmed(self, folder: Path) -> bool:
        """Did a person copy or damage FOLDER, or delete from it?"""
        return folder.lstat().st_ino in self.people.harmed

    def _failed(self, folder: Path) -> None:
        if self._is_harmed(folder):
            return
        if not (folder / tree.ERROR_TEXT).exists():
            self.broken(
                f"words wherever something stands still: {folder.name} failed without error.txt"
            )
        error = json.loads((folder / tree.ERROR).read_bytes())
        # no stage of the simulation ever does
        if error["error"] == "StageFailed":
            self.broken(
                f"a fault of the line or of a host is none of the job: {folder.name} failed with {error['message']}"
            )
        if error["message"].startswith("Given up after"):
            count, most = int(error["message"].split()[3]), len(self.crashed.get(folder.name, ()))
            if count > most:
                self.broken(
                    f"a job is given up only for real crashes: {folder.name} had {most}, not {count}"
                )

    def _job(self, folder: Path) -> JobFile | None:
        try:
            return read_job(self.disk, folder)
        except (ValueError, NewerFormat):
            return None

    # -- the whole tree ------------------------------------------------------------------------
    def look(self) -> None:
        """Every file of a person stands in exactly one folder, whole."""
        world = self.world
        found = world.inodes()
        for inode, known in world.files.items():
            places = found.get(inode, [])
            if known.gone or self._is_draft(known.path):
                continue
            if len(places) != 1:
                self.broken(
                    f"every drop is in exactly one of the five folders: {world.short(known.path)} stands in {places or 'none'}"
                )
            if str(world.atlas.trash) in places[0] and inode not in self.deleted:
                self.broken(
                    f"nothing that a person dropped is thrown away: {world.short(places[0])}"
                )

    def _is_draft(self, path: str) -> bool:
        """Of a submission that did not come through: its sender heard so."""
        return (
            path.startswith(str(self.world.atlas.drafts))
            and Path(path).parts[-3] not in self.submitted
        )

    def contents(self) -> None:
        """Nobody altered what a person wrote."""
        for inode, places in self.world.inodes().items():
            known = self.world.files[inode]
            if not known.gone and sha256(places[0]) != known.versions[-1].sha256:
                self.broken(
                    f"nothing that a person dropped is altered: {self.world.short(places[0])}"
                )

    # -- at rest -------------------------------------------------------------------------------
    def rest(self) -> list[str]:
        """What still waits, or stands still without words."""
        return self.waits.still()

    def told(self) -> str:
        """STATUS.txt, and what every process finds that needs a person."""
        return self.waits.told()

    def done(self) -> None:
        """Every result, once more: a later power cut or a late hand must not have spoiled it."""
        for place in self.world.atlas.places(State.DONE):
            if place.path in self.finished and not (
                self._job(place.path) and verify(self.disk, place.path / tree.OUTPUT)
            ):
                self.broken(f"a result stays whole, with its job.json: {place.id}")
        # what people put into done/ themselves is not the pipeline's: they only read there
        ids = Counter(
            place.id
            for state in tuple(State)[1:]
            for place in self.world.atlas.places(state)
            if (state is not State.DONE or place.path in self.finished) and self._job(place.path)
        )
        cursed = self.world.cursed  # left alone as they are
        twice = {id: count for id, count in ids.items() if count > 1 and id not in cursed}
        if twice:
            self.broken(f"two folders bear one id: {twice}")


def below(folder: Path) -> list[tuple[int, str]]:
    return [
        (os.lstat(os.path.join(top, name)).st_ino, name)
        for top, _, found in os.walk(folder)
        for name in found
    ]


def sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
