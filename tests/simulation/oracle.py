"""What must hold, at every edge and when all is quiet. Each check names the promise of docs/lifecycle.md that it is about."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path

from layout import names, tree
from layout.disk import Disk
from layout.manifest import JobFile, read_job
from layout.promote import verify
from layout.tree import State
from pipeline import jobs
from tests.simulation import stages
from tests.simulation.hub import Process
from tests.simulation.people import People
from tests.simulation.world import Broken, World

STATES = tuple(state.value for state in State)
EVERY = 12  # edges between two looks at the whole tree


class Oracle:
    """Hears of every rename; looks at what it moved, and now and then at everything."""

    def __init__(self, world: World, people: People, max_crashes: int) -> None:
        self.world, self.people, self.max_crashes = world, people, max_crashes
        self.disk = Disk(durable=False)
        self.starts: dict[str, int] = {}  # id → the largest n that was started
        self.claims: Counter[str] = Counter()
        self.results: dict[str, int] = {}  # id → number of its acceptance when its result came
        self.begun: dict[str, float] = {}  # id → when it was last started
        self.crashed: dict[
            str, set[int]
        ] = {}  # id → starts that were cut off: their process or engine died, or they were seized
        self.deleted: set[int] = set()
        self.submitted: set[str] = set()
        self.finished: set[Path] = set()  # folders in done/ that are there by edge e
        self.edges = 0
        world.hooks.append(self)

    def broken(self, why: str) -> None:
        raise Broken(why)

    # -- at every rename -----------------------------------------------------------------------
    def moved(self, process: Process | None, source: Path, target: Path, edge: str) -> None:
        self.finished.discard(source)
        if not edge:
            return
        self.edges += 1
        id = names.id_of(target.name) or ""
        if edge == "c":
            self._started(target)
        elif edge == "a":
            self.submitted.add(id)
        elif edge == "s":
            self.crash(target.name)
        elif edge == "b" and target.parent.name == State.CLAIMED:
            self.claims[id] += 1
        elif edge == "e" and process:
            self._finished(target)
        elif (
            edge in "fri"
            and process
            and target.parent == self.world.atlas.failed
            and "@" not in target.name
        ):
            self._failed(target)
        elif edge == "b.":
            self._revealed(target)
        elif edge == "j":
            self.deleted |= {inode for inode, _ in below(target)}
        if self.edges % EVERY == 0:
            self.look()

    def crash(self, name: str) -> None:
        """The start whose folder in processing/ is called NAME was cut off."""
        if held := names.parse_processing(name):
            self.crashed.setdefault(held.id, set()).add(held.n)

    def _started(self, target: Path) -> None:
        held = names.parse_processing(target.name)
        if held is None:
            return
        if held.n <= self.starts.get(held.id, 0):
            self.broken(
                f"n is never reused: start {held.n} of {held.id} came after start {self.starts[held.id]}"
            )
        self.starts[held.id], self.begun[held.id] = held.n, self.world.hub.now

    def _revealed(self, target: Path) -> None:
        if self._job(target) is None:
            self.broken(f"what waits for a worker has its job.json: {target.name} has none")

    def _finished(self, target: Path) -> None:
        job, output = self._job(target), target / tree.OUTPUT
        if job is None or not verify(self.disk, output):
            self.broken(f"a result is whole: {target.name}")
        assert job is not None
        text, files = stages.expected(job)
        made = {path.name for path in output.iterdir() if path.name != tree.CHECKSUMS}
        told = (output / "model.glb").read_text() if "model.glb" in made else ""
        if (told, made) != (text, files):
            self.broken(
                f"the result is of the input and options that job.json lists: {target.name} has {made} {told}, asked for {files} {text}"
            )
        self._of_the_drop(target, job)
        again = self.results.get(job.id)
        if again is not None and again == self.claims[job.id]:
            self.broken(f"one result for one acceptance: {job.id}")
        self.results[job.id] = self.claims[job.id]
        self.finished.add(target)

    def _of_the_drop(self, folder: Path, job: JobFile) -> None:
        """What job.json lists is what lies in input/, but for what a person did after the last start."""
        inside = folder / tree.INPUT
        entries = [name for name in os.listdir(inside) if not names.ignored(name)]
        root = (
            inside / entries[0] if len(entries) == 1 and (inside / entries[0]).is_dir() else inside
        )
        listed = {row.path: row.sha256 for row in job.manifest}
        since = self.begun.get(job.id, 0.0)
        for name in os.listdir(root):
            path = root / name
            known = self.world.files.get(path.lstat().st_ino)
            if known is None or names.ignored(name) or known.versions[-1].at >= since:
                continue
            if listed.get(name) != known.versions[-1].sha256:
                self.broken(
                    f"the result is of what was dropped: {folder.name}/{name} is not the file that job.json lists ({listed.get(name)}): {known.versions[-3:]}, started at {since:.3f}"
                )
            if tree.is_job_toml(name):
                self._as_asked(folder, job, path.read_text())

    def _as_asked(self, folder: Path, job: JobFile, text: str) -> None:
        import tomllib

        asked = jobs.options_of(jobs.parse({"kind": job.kind, **tomllib.loads(text)}))
        wrong = {
            key: (value, job.options.get(key))
            for key, value in asked.items()
            if job.options.get(key) != value
        }
        if wrong:
            self.broken(
                f"the options are those of job.toml: {folder.name} has others (asked, used): {wrong}"
            )

    def _failed(self, folder: Path) -> None:
        if not (folder / tree.ERROR_TEXT).exists():
            self.broken(
                f"words wherever something stands still: {folder.name} failed without error.txt"
            )
        error = json.loads((folder / tree.ERROR).read_bytes())
        if error["error"] == "StageFailed":  # no stage of the simulation ever does
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
        except ValueError:
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
    def rest(self, told: str) -> list[str]:
        """What still stands still without words; TOLD is what STATUS.txt and the heartbeats say."""
        atlas, waits = self.world.atlas, []
        for state in State:
            for entry in atlas.entries(state):
                if names.ignored(entry.name, entry.is_dir) and not (
                    state is State.CLAIMED and entry.name.startswith(".")
                ):
                    continue
                place = atlas.place(state, entry)
                if state in (State.CLAIMED, State.PROCESSING) and place:
                    waits.append(f"{state}/{entry.name}")
                elif state is State.INBOX or place is None:
                    if (entry.is_dir or state is State.INBOX) and entry.name not in told:
                        waits.append(f"{state}/{entry.name}, and nobody says why")
                elif (
                    state is State.FAILED
                    and not (place.path / tree.ERROR_TEXT).exists()
                    and entry.name not in told
                ):
                    waits.append(f"failed/{entry.name} without error.txt")
        return waits

    def done(self) -> None:
        """Every result, once more: a later power cut or a late hand must not have spoiled it."""
        for place in self.world.atlas.places(State.DONE):
            if place.path in self.finished and not (
                self._job(place.path) and verify(self.disk, place.path / tree.OUTPUT)
            ):
                self.broken(f"a result stays whole, with its job.json: {place.id}")
        ids = Counter(
            place.id for state in tuple(State)[1:] for place in self.world.atlas.places(state)
        )
        twice = {id: count for id, count in ids.items() if count > 1}
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
