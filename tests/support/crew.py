"""The people and processes around a tree, as small as they can be: intake, worker, reaper, person; and what must always hold.

They use layout/ as the real watchers do, so that a promise is tested on the code that keeps it. A worker is a generator: between
two of its calls anything may happen.
"""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from layout import accept, claims, lifecycle, names, tree
from layout.accept import AcceptedRequest
from layout.cancelled import is_own
from layout.lifecycle import REFUSED, Due, Gone, Occupied
from layout.manifest import ErrorFile, JobFile, Listed, Source, now, write_job
from layout.promote import PathGone, promote, started_by, verify
from layout.tree import Atlas, Place, State
from tests.support.baddisk import BadDisk, Plan
from tests.support.trees import new_tree

LEGS = ("prepare", "mesh")
MAX_CRASHES = 3
FAILED = ErrorFile(
    error="StageFailed", who="pipeline", message="It did not work.", remedy="Try again."
)
POISON = ErrorFile(
    error="Poison", who="pipeline", message="It crashed too often.", remedy="Look at the log."
)
REJECTED = ErrorFile(
    error="InputRejected", who="submitter", message="This is no scan.", remedy="Drop a scan."
)


class World:
    """A tree on a real directory, and a memory of every rename in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tokens: list[str] = []
        self.taken_away: set[str] = set()  # tokens that a person or edge j removed
        self.renames: list[tuple[Path, Path]] = []
        self.held_paths: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self.results: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.serial = 0
        self.atlas = new_tree(root, BadDisk())
        self.atlas = self.mounted()

    def mounted(self, plan: Plan = lambda call: None) -> Atlas:
        """This tree as one process sees it, through a disk with PLAN."""
        return Atlas(self.root, BadDisk(plan, self._renamed))

    def _renamed(self, source: Path, target: Path) -> None:
        self.renames.append((source, target))
        parsed = names.parse_processing(target.name)
        if target.parent == self.root / State.PROCESSING and parsed:
            self.held_paths[target.name] += 1
            if source.parent == self.root / State.CLAIMED:
                self.starts[parsed.id] += 1
        if target.parent == self.root / State.DONE and source.parent != self.atlas.trash:
            self.results[target.name] += 1

    def nonce(self) -> str:
        """A process name's nonce: never the same twice."""
        self.serial += 1
        return f"{self.serial:04d}"

    # -- what people and the web layer bring ---------------------------------------------------
    def token(self) -> str:
        self.tokens.append(f"token-{len(self.tokens)}")
        return self.tokens[-1]

    def drop(self, name: str = "Vase", one_file: bool = False) -> str:
        """A raw drop in inbox/; returns its name."""
        if one_file:
            (self.atlas.inbox / name).write_text(self.token())
            return name
        (self.atlas.inbox / name).mkdir()
        (self.atlas.inbox / name / "scan.ply").write_text(self.token())
        return name

    def draft(self, name: str = "Vase") -> Path:
        """A finished draft of a sealed job."""
        draft = self.atlas.draft(names.new_id(name))
        (draft / tree.INPUT).mkdir(parents=True)
        (draft / tree.INPUT / "scan.ply").write_text(self.token())
        size = (draft / tree.INPUT / "scan.ply").stat().st_size
        source, inode = Source(name=name, origin="api", at=now()), draft.stat().st_ino
        job = JobFile(
            id=draft.name,
            kind="scan",
            source=source,
            manifest=[Listed(path="scan.ply", size=size)],
            inode=inode,
        )
        write_job(self.atlas.disk, draft, job)
        return draft

    # -- jobs in each state --------------------------------------------------------------------
    def shell(self) -> Place:
        return lifecycle.claim_drop(self.atlas, self.drop(), LEGS[0])

    def claimed(self) -> Place:
        return accept.accept(
            self.atlas, self.shell(), AcceptedRequest("scan", {}, frozenset(), "quiet")
        )

    def held(self, place: Place | None = None) -> Place:
        place = lifecycle.start(self.atlas, place or self.claimed(), f"host-gpu0-{self.nonce()}")
        lifecycle.record_start(self.atlas, place)
        return place

    def with_result(self) -> Place:
        place = self.held()
        promote(self.atlas, place, self.result(place), tree.OUTPUT)
        return place

    def result(self, place: Place) -> Path:
        """Scratch with what a start of PLACE made."""
        scratch = self.root.parent / f"{self.root.name}-scratch" / place.path.name
        shutil.rmtree(scratch, ignore_errors=True)
        (scratch / "parts").mkdir(parents=True)
        (scratch / "model.glb").write_text(f"model made by {place.path.name}")
        (scratch / "parts" / "one.bin").write_bytes(b"\x00\x01")
        return scratch

    def done(self) -> Place:
        return lifecycle.finish(self.atlas, self.with_result())

    def failed(self) -> Place:
        return lifecycle.fail(self.atlas, self.held(), FAILED)

    # -- what must hold ------------------------------------------------------------------------
    def whereabouts(self) -> dict[str, list[str]]:
        """Every place where a person's bytes stand, by token: paths relative to the root; of the machinery only drafts/ counts."""
        found: dict[str, list[str]] = {token: [] for token in self.tokens}
        for folder in (*(self.root / state for state in State), self.atlas.drafts):
            for path in folder.rglob("*"):
                if path.is_file() and (path.suffix == ".ply" or path.parent == self.atlas.inbox):
                    text = path.read_text()
                    if text in found:
                        found[text].append(str(path.relative_to(self.root)))
        return found

    def check(self) -> None:
        """The promises that hold at every instant."""
        for token, places in self.whereabouts().items():
            if token not in self.taken_away:
                assert len(places) == 1, f"{token} stands in {places or 'no place'}"
        ids = Counter(place.id for state in list(State)[1:] for place in self.atlas.places(state))
        assert not [id for id, count in ids.items() if count > 1], f"two folders bear one id: {ids}"
        again = [name for name, count in self.held_paths.items() if count > 1]
        assert not again, f"a path in processing/ came back: {again}"
        assert all(count <= 1 for count in self.results.values()), f"two results: {self.results}"
        for place in self.atlas.places(State.DONE):
            assert verify(self.atlas.disk, place.path / tree.OUTPUT), (
                f"{place.id} is done without a whole result"
            )
        for state in State:
            for place in self.atlas.places(state):
                if place.id in self.starts and not (
                    state is State.INBOX and not is_own(self.atlas, place)
                ):
                    job = lifecycle.readable_job(self.atlas, place.path)
                    assert job is None or _counted(place, job) >= self.starts[place.id], (
                        f"a start of {place.path.name} was lost"
                    )

    def check_rest(self) -> None:
        """What must hold when everybody has done what there was to do: at rest, with a reason, and nothing left lying about."""
        self.check()
        assert [
            place.path.name
            for state in (State.CLAIMED, State.PROCESSING)
            for place in self.atlas.places(state)
        ] == []
        for place in self.atlas.places(State.FAILED):
            assert (place.path / tree.ERROR_TEXT).is_file(), (
                f"{place.path.name} failed without a reason"
            )
            assert "@" not in place.path.name
        for state in (State.DONE, State.FAILED):
            for place in self.atlas.places(state):
                torn = [
                    entry.name
                    for entry in self.atlas.disk.scandir(place.path)
                    if entry.name.startswith(".")
                ]
                assert torn == [], f"litter in {place.path}: {torn}"
                assert state is State.FAILED or not (place.path / tree.ERROR_TEXT).exists()
                assert state is State.FAILED or not (place.path / tree.WORK).exists()

    # -- mending -------------------------------------------------------------------------------
    def recover(self, rounds: int = 6) -> None:
        """Everybody else does what there is to do, until nothing changes."""
        intake, reaper = Intake(self.atlas), Reaper(self.atlas, f"host-intake-{self.nonce()}")
        for _ in range(rounds):
            intake.look()
            intake.look()
            reaper.round(lambda worker: worker != reaper.name)
            for place in self.atlas.places(State.CLAIMED):
                if not place.hidden:
                    worker = Worker(self, self.atlas, LEGS)
                    for _ in worker.run(place):
                        pass


class Intake:
    """Claims what lies in inbox/ (names that begin with "bad" are refused) and completes shells that anybody left."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self.empty: set[str] = set()

    def look(self) -> None:
        for entry in self.atlas.entries(State.INBOX):
            if not names.ignored(entry.name):
                self._quietly(lambda name=entry.name: self.take(name))
        shells = [place for place in self.atlas.places(State.CLAIMED) if place.hidden]
        before, self.empty = self.empty, set()
        for shell in shells:
            self._quietly(lambda shell=shell: self._found(shell, before))

    @staticmethod
    def _quietly(call: Callable[[], object]) -> None:
        with contextlib.suppress(Gone, Occupied, FileNotFoundError, FileExistsError):
            call()

    def take(self, name: str) -> Place:
        job = claims.request(self.atlas, name) if (self.atlas.inbox / name).is_dir() else None
        queue = REFUSED if name.startswith("bad") else LEGS[0]
        if job is None:
            return self.complete(lifecycle.claim_drop(self.atlas, name, queue))
        claim = claims.identify_folder(self.atlas, name, job, changing=False)
        return self.complete(
            lifecycle.claim_job(self.atlas, name, queue, claim.id, claim.n), claim.copy_of
        )

    def complete(self, shell: Place, copy_of: str | None = None) -> Place:
        """Accepted; refused where it is bad, or where a person left nothing but folders in it."""
        inside = shell.path / tree.INPUT
        empty = shell.path.is_dir() and not any(path.is_file() for path in inside.rglob("*"))
        if shell.queue == REFUSED or (empty and any(inside.glob("*"))):
            job = accept.job_of(
                self.atlas, shell, AcceptedRequest(None, {}, frozenset(), "quiet"), copy_of
            )
            return lifecycle.refuse(self.atlas, shell, job, REJECTED)
        return accept.accept(
            self.atlas, shell, AcceptedRequest("scan", {}, frozenset(), "quiet"), copy_of
        )

    def _found(self, shell: Place, empty_before: set[str]) -> None:
        inside = shell.path / tree.INPUT
        if lifecycle.readable_job(self.atlas, shell.path) or (
            inside.is_dir() and self.atlas.disk.scandir(inside)
        ):
            self.complete(shell)
        elif shell.path.name in empty_before:
            lifecycle.discard_empty(self.atlas, shell)
        else:
            self.empty.add(shell.path.name)


class Reaper:
    """Seizes what the dead hold, then acts by ``due``; tidies failed/."""

    def __init__(self, atlas: Atlas, name: str) -> None:
        self.atlas, self.name = atlas, name

    def round(self, is_dead: Callable[[str], bool]) -> None:
        for place in self.atlas.places(State.PROCESSING):
            if place.worker == self.name or is_dead(str(place.worker)):
                with contextlib.suppress(Gone, Occupied):
                    settle(self.atlas, lifecycle.seize(self.atlas, place, self.name))
        for place in self.atlas.places(State.FAILED):
            with contextlib.suppress(Occupied):
                lifecycle.tidy(self.atlas, place)


def settle(atlas: Atlas, place: Place, ended: bool = True) -> Place:
    """The edge that a folder is due for when nobody works on it."""
    verdict, _ = lifecycle.due(atlas, place, MAX_CRASHES, ended)
    if verdict is Due.FINISH:
        return lifecycle.finish(atlas, place)
    if verdict is Due.RELEASE:
        return lifecycle.release(
            atlas, place, lifecycle.first_leg(atlas, place, dict.fromkeys(LEGS, "")), None
        )
    return lifecycle.fail(
        atlas,
        place,
        (POISON if verdict is Due.POISON else FAILED).model_copy(update={"n": place.n}),
    )


class Worker:
    """Starts a job and takes it through the legs it serves; yields its place between any two calls."""

    def __init__(self, world: World, atlas: Atlas, serves: tuple[str, ...]) -> None:
        self.world, self.atlas, self.serves = world, atlas, serves
        self.name = f"host-gpu0-{world.nonce()}"
        self.holds: Place | None = None

    def run(self, place: Place) -> Iterator[str]:
        try:
            self.holds = place = lifecycle.start(self.atlas, place, self.name)
            yield "started"
            yield from self._legs(place, LEGS.index(self._queue(place)))
        except (Gone, PathGone, Occupied):
            yield "lost"
        finally:
            self.holds = None

    def _queue(self, place: Place) -> str:
        return lifecycle.first_leg(self.atlas, place, dict.fromkeys(LEGS, ""))

    def _legs(self, place: Place, leg: int) -> Iterator[str]:
        verdict, _ = lifecycle.due(self.atlas, place, MAX_CRASHES, ended=False)
        if verdict is not Due.RELEASE:
            settle(self.atlas, place, ended=False)
            return
        lifecycle.record_start(self.atlas, place)
        yield "recorded"
        for position in range(leg, len(LEGS) - 1):
            promote(self.atlas, place, self.world.result(place), f"{tree.WORK}/{LEGS[position]}")
            yield "leg promoted"
            if LEGS[position + 1] not in self.serves:
                lifecycle.hand_on(self.atlas, place, LEGS[position + 1])
                return
        promote(self.atlas, place, self.world.result(place), tree.OUTPUT)
        yield "promoted"
        lifecycle.finish(self.atlas, place)


def _counted(place: Place, job: JobFile) -> int:
    """The highest n that the next acceptance knows of, as ``accept.identify_folder`` reads it."""
    return max([place.n, job.accepted.n if job.accepted else 0, *(start.n for start in job.starts)])


def made_by(place: Place, atlas: Atlas) -> str | None:
    return started_by(atlas.disk, place.path / tree.OUTPUT)
