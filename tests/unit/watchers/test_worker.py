"""A worker and its runner on real folders with a real engine: every way a start can end is an edge."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layout import accept, lifecycle
from layout.accept import AcceptedRequest
from layout.disk import Disk
from layout.manifest import ErrorFile, JobFile, Listed, Outcome, read_job
from layout.promote import verify
from layout.tree import Atlas, Place, State
from pipeline import config, recipes
from pipeline.config import Settings
from pipeline.recipes import Leg, Recipe
from pipeline.runner import input_copy, input_list
from pipeline.submission import job_view
from pipeline.watchers.worker import Worker
from tests.support.live import eventually
from tests.support.trees import new_tree
from tests.support.workers import made

REPOSITORY = str(Path(__file__).resolve().parents[3])
STAGES = "tests.support.stages"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", REPOSITORY)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return config.load(
        environ={
            "INBOX3D_HOST__SCRATCH": str(tmp_path / "scratch"),
            "INBOX3D_HOST__MODELS": str(tmp_path / "models"),
            "INBOX3D_WORKER__POLL": "0.01",
            "INBOX3D_WORKER__BEAT": "0.05",
        }
    )


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def workers(atlas: Atlas, settings: Settings) -> Iterator[Callable[..., Worker]]:
    """Make workers whose engines are ended with the test."""
    with made() as makes:

        def make(
            name: str = "prometheus-cpu-aaaa",
            queues: tuple[str, ...] = ("scan", "finish"),
            on: Atlas | None = None,
        ) -> Worker:
            worker = makes(on or atlas, settings, name, queues)
            worker.scratch.root.mkdir(parents=True, exist_ok=True)
            return worker

        yield make


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make kind convert run the named stages; each argument is a leg of its own."""

    def set_legs(*legs: str) -> None:
        queues = ("scan", "finish")
        made = tuple(
            Leg(queue, (f"{STAGES}:{stage}",)) for queue, stage in zip(queues, legs, strict=False)
        )
        monkeypatch.setitem(recipes.RECIPES, "convert", Recipe("convert", made))

    return set_legs


def drop(atlas: Atlas, name: str = "vase") -> Place:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "a.ply").write_text("points")
    shell = lifecycle.claim_drop(atlas, name, "scan")
    return accept.accept(atlas, shell, AcceptedRequest("convert", {}, frozenset(), "quiet"))


def now_at(atlas: Atlas, id: str) -> tuple[Place, JobFile]:
    place = lifecycle.find(atlas, id)
    assert place is not None
    job = read_job(atlas.disk, place.path)
    assert job is not None
    return place, job


def error_of(place: Place) -> ErrorFile:
    return ErrorFile.load((place.path / "error.json").read_bytes())


def test_a_job_goes_through_to_done(atlas: Atlas, workers: Any, recipe: Any) -> None:
    """Result, log and provenance stand in done/; input is untouched; scratch is kept for a second look and then freed."""
    recipe("works")
    id = drop(atlas).id
    worker = workers()
    assert worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.DONE
    assert verify(atlas.disk, place.path / "output")
    assert (place.path / "output/model.glb").read_text() == "a.ply"
    assert "finished" in (place.path / "log.txt").read_text()
    assert (job.manifest[0].path, len(job.manifest[0].sha256 or "")) == ("a.ply", 64)
    assert job.provenance.warnings == ["a word of warning"]
    assert (job.starts[0].ended or "") >= job.starts[0].at
    assert sorted(path.name for path in place.path.iterdir()) == [
        "input",
        "job.json",
        "log.txt",
        "output",
    ]
    worker.leftovers.verify(everything=True)
    assert list(worker.scratch.root.iterdir()) == []


@pytest.mark.slow
def test_a_segfault_costs_one_start_and_the_next_one_ends_well(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """The crash is counted in job.json with its signal; scratch is resumed."""
    recipe("segfaults_once")
    id = drop(atlas).id
    worker = workers()
    assert worker.step() and worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.DONE
    assert [start.n for start in job.starts] == [1, 2]
    assert "SIGSEGV" in (job.starts[0].crash or "")
    assert job.starts[0].noted is None


@pytest.mark.slow
def test_a_job_that_kills_every_engine_fails_as_poison(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """After max crashes it stands in failed/ with the signal, the stage and the number of starts in words."""
    recipe("segfaults")
    id = drop(atlas).id
    worker = workers()
    while worker.step():
        pass
    place, job = now_at(atlas, id)
    assert place.state is State.FAILED
    assert len(job.starts) == 3
    page = (place.path / "error.txt").read_text()
    assert "Given up after 3 crashed starts" in page
    assert "SIGSEGV" in page
    assert error_of(place).error == "EngineDied"


def test_a_rejected_input_fails_at_once_with_a_remedy(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """Who must act and what to do stand in error.txt."""
    recipe("rejects")
    id = drop(atlas).id
    assert workers().step()
    place, job = now_at(atlas, id)
    assert (place.state, len(job.starts)) == (State.FAILED, 1)
    error = error_of(place)
    assert (error.error, error.who, error.stage) == ("NoOverlap", "submitter", f"{STAGES}:rejects")
    assert job.starts[0].ended is not None
    assert "Scan again" in error.remedy


def test_what_a_worker_lacks_goes_back_uncounted_and_is_not_taken_again(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """BackendUnavailable is noted, and this worker leaves the job to others."""
    recipe("lacks")
    id = drop(atlas).id
    worker = workers()
    assert worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.CLAIMED
    assert job.starts[0].outcome is Outcome.LACKING and "No module named 'nowhere'" in (
        job.starts[0].noted or ""
    )
    assert job.crashes(1) == 0
    assert not worker.step()


@pytest.mark.slow
def test_what_lacked_a_model_is_taken_again_when_the_models_are_others(
    atlas: Atlas, workers: Any, recipe: Any, settings: Settings
) -> None:
    """Pulled or mended while the worker runs, which nobody starts anew; once for each change."""
    recipe("lacks")
    drop(atlas)
    worker = workers(queues=("scan", "views"))
    assert worker.step() and not worker.step()
    models = settings.host.models / "triposr"
    models.mkdir(parents=True)
    worker.models.look(worker.beat)
    assert "triposr" in worker.beat.heartbeat.broken
    assert worker.step() and not worker.step()


@pytest.mark.slow
def test_a_leg_is_handed_on_with_its_artefacts(atlas: Atlas, workers: Any, recipe: Any) -> None:
    """A worker that does not serve the next queue promotes to work/; another host goes on from there."""
    recipe("works", "adds")
    id = drop(atlas).id
    first = workers("prometheus-cpu-aaaa", ("scan",))
    assert first.step()
    place, _ = now_at(atlas, id)
    assert (place.state, place.queue) == (State.CLAIMED, "finish")
    assert verify(atlas.disk, place.path / "work/scan")
    between = job_view.progress_of(atlas, place)
    assert between is not None and 0 < between.fraction < 1 and between.waits == "finish"
    shutil.rmtree(first.scratch.root)
    second = workers("other-cpu-bbbb", ("finish",))
    assert second.step()
    place, job = now_at(atlas, id)
    assert place.state is State.DONE
    assert not (place.path / "work").exists()
    assert sorted(path.name for path in (place.path / "output").iterdir()) == [
        "checksums.sha256",
        "model.glb",
        "report.html",
    ]
    assert [start.noted for start in job.starts] == ["handed on to finish", None]
    assert not (place.path / "progress.json").exists()
    assert {"copy", "ready", "promote"} < set(job.provenance.times)


def test_a_job_that_is_dragged_away_is_dropped_and_never_recreated(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path is the fence: the worker finds it gone, ends its engine and writes nothing more."""
    monkeypatch.setattr("pipeline.progress.reporter.INTERVAL", 0.05)
    recipe("hangs")
    id = drop(atlas).id
    worker = workers()

    def drag() -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for place in atlas.places(State.PROCESSING):
                if (place.path / "progress.json").exists():
                    lifecycle.cancel(atlas, place)
                    return

    person = threading.Thread(target=drag)
    person.start()
    assert worker.step()
    person.join()
    place = next(iter(atlas.places(State.FAILED)))
    assert place.id == id
    lifecycle.tidy(atlas, place)
    place, _ = now_at(atlas, id)
    assert "Cancelled by a person" in (place.path / "error.txt").read_text()
    assert list(atlas.processing.iterdir()) == []


def test_a_drained_job_goes_back_uncounted(atlas: Atlas, workers: Any, recipe: Any) -> None:
    """SIGTERM releases the job in hand; the next start resumes."""
    recipe("hangs")
    id = drop(atlas).id
    worker = workers()
    threading.Timer(0.5, worker.stopping.set).start()
    assert worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.CLAIMED
    assert job.starts[0].noted == "drained"


class StoppedDisk(Disk):
    """SIGTERM arrives while the copy to scratch is in the middle of a file."""

    def __init__(self, stop: Callable[[], None]) -> None:
        super().__init__()
        self.stop, self.chunks = stop, 0

    def copy_within(self, folders: Any, source: str, target: str, tick: Any = None) -> Any:
        def stopped(count: int) -> None:
            self.chunks += 1
            self.stop()
            tick(count)

        return super().copy_within(folders, source, target, stopped)


def test_a_worker_that_is_stopped_during_the_copy_lets_the_job_go_uncounted(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of a large file, and of many small ones: the next start copies all of it and is the first that counts."""
    recipe("works")
    monkeypatch.setattr(input_copy, "SAY", 0.0)
    place = drop(atlas)
    for name, size in (("large.bin", 9 << 20), *((f"{k}.bin", 10) for k in range(50))):
        (place.path / "input/vase" / name).write_bytes(bytes(size))
    disk = StoppedDisk(lambda: worker.stopping.set())
    worker = workers(on=Atlas(atlas.root, disk))
    assert worker.step()
    stopped, job = now_at(atlas, place.id)
    assert (stopped.state, job.starts[0].noted, job.crashes(1), disk.chunks) == (
        State.CLAIMED,
        "drained",
        0,
        1,
    )
    assert workers("prometheus-cpu-bbbb").step()
    done, job = now_at(atlas, place.id)
    assert (done.state, len(job.manifest)) == (State.DONE, 52)


def test_the_copy_tells_how_far_it_is(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes of bytes, files of files; the share never falls and ends at one."""
    monkeypatch.setattr(input_copy, "SAY", 0.0)
    place = drop(atlas)
    (place.path / "input/vase/b.bin").write_bytes(bytes(12 << 20))
    said: list[tuple[float, str]] = []
    rows = [
        Listed(path=path.name, size=path.stat().st_size)
        for path in (place.path / "input/vase").iterdir()
    ]
    input_copy.copy(
        atlas.disk, place, tmp_path, lambda share, message: said.append((share, message)), rows
    )
    shares = [share for share, _ in said]
    assert shares == sorted(shares) and shares[-1] == 1.0 and len(shares) > 4
    assert said[-1][1] == "copying file 2 of 2, 12.6 of 12.6 MB"


def test_a_copy_to_scratch_waits_for_no_disk(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scratch is disposable: with fifty thousand files a sync for each would take minutes."""
    place, synced = drop(atlas), list[int]()
    monkeypatch.setattr("os.fsync", synced.append)
    input_copy.copy(atlas.disk, place, tmp_path)
    assert synced == [] and (tmp_path / "input/vase/a.ply").read_text() == "points"


def test_a_file_taken_away_during_the_copy_is_a_change_of_the_input(
    atlas: Atlas, tmp_path: Path
) -> None:
    """The job is still there, so nobody took it from this worker."""

    class Taken(Disk):
        def copy_within(self, folders: Any, source: str, *more: Any) -> Any:
            Path(source).unlink()
            return super().copy_within(folders, source, *more)

    with pytest.raises(input_list.InputChanged):
        input_copy.copy(Taken(), drop(atlas), tmp_path)


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as each:
        each.bind(str(path))


@pytest.mark.parametrize(
    "said, put",
    [
        ("a named pipe", os.mkfifo),
        ("a symbolic link", lambda path: path.symlink_to("/etc/passwd")),
        ("a symbolic link", lambda path: path.symlink_to(path.parent.parent)),
        ("a socket", _bind),
    ],
)
def test_what_is_no_file_any_more_is_named_as_what_it_is(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch, said: str, put: Any
) -> None:
    """Put in a file's place after the job was accepted: never an empty file, and no fault of the
    share that would stop the worker."""
    recipe("works")
    place = drop(atlas)
    monkeypatch.chdir(place.path / "input/vase")  # a socket's path is short
    Path("a.ply").unlink()
    put(Path("a.ply"))
    assert workers().step()
    failed, _ = now_at(atlas, place.id)
    error = error_of(failed)
    assert (failed.state, error.message, error.who) == (
        State.FAILED,
        f"vase/a.ply is {said}.",
        "submitter",
    )


def test_a_copy_of_empty_files_is_stopped_too(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hears of each file, though no byte of it is copied."""
    monkeypatch.setattr(input_copy, "SAY", 0.0)
    place, heard = drop(atlas), list[str]()
    for k in range(5):
        (place.path / f"input/vase/empty-{k}.txt").touch()
    input_copy.copy(atlas.disk, place, tmp_path, lambda share, message: heard.append(message))
    assert len(heard) == 6


def test_a_write_that_fails_during_the_copy_names_the_copy_and_a_read_the_original(
    atlas: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls on an open file know no name, and whose fault it is goes by where the path lies."""
    place, real = drop(atlas), os.read

    def fail(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.write", fail)
    with pytest.raises(OSError, match="space") as caught:
        input_copy.copy(atlas.disk, place, tmp_path)
    assert caught.value.filename == str(tmp_path / "input/vase/a.ply")
    monkeypatch.undo()

    def unread(handle: int, size: int) -> bytes:
        if real(handle, 1) == b"p":
            raise OSError(errno.EIO, "Input/output error")
        return b""

    monkeypatch.setattr("os.read", unread)
    with pytest.raises(OSError, match="Input") as caught:
        input_copy.copy(atlas.disk, place, tmp_path)
    assert caught.value.filename == str(place.path / "input/vase/a.ply")


class ChangingDisk(Disk):
    """A person goes on writing while the pipeline copies."""

    writing = True

    def copy_within(self, folders: Any, source: str, *more: Any) -> Any:
        copied = super().copy_within(folders, source, *more)
        if self.writing:
            with Path(source).open("a") as file:
                file.write("more")
        return copied


def test_input_that_keeps_changing_goes_back_uncounted_and_fails_the_third_time(
    tmp_path: Path, atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """Late arrivals never become half a job; the wait is doubled each time."""
    recipe("works")
    changing = Atlas(atlas.root, ChangingDisk())
    id = drop(atlas).id
    worker = workers(on=changing)
    worker.choice.is_quiet = lambda place: True  # the waiting itself is the next test's
    assert worker.step()
    place, job = now_at(atlas, id)
    assert (place.state, job.starts[0].noted, job.quiet) == (
        State.CLAIMED,
        "input/ was still changing",
        10.0,
    )
    assert worker.step() and worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.FAILED
    assert error_of(place).message == "input/ keeps changing."
    assert job.crashes(3) == 0


@pytest.fixture
def sent_back(atlas: Atlas, workers: Any, recipe: Any) -> tuple[Worker, ChangingDisk, str]:
    """A worker, its disk, and the id of a job that went back because its input was changing."""
    recipe("works")
    changing = ChangingDisk()
    worker = workers(on=Atlas(atlas.root, changing))
    id = drop(atlas).id
    assert worker.step()
    return worker, changing, id


def test_a_job_with_a_quiet_time_waits_until_this_worker_saw_it_unchanged(
    atlas: Atlas, sent_back: tuple[Worker, ChangingDisk, str]
) -> None:
    """Two looks that far apart on the worker's own clock."""
    worker, changing, id = sent_back
    changing.writing = False
    assert not worker.step()
    snapshot, since = worker.choice._unchanged[id]
    worker.choice._unchanged[id] = (snapshot, since - 11)
    assert worker.step()
    assert now_at(atlas, id)[0].state is State.DONE


def test_a_job_with_a_quiet_time_whose_files_were_taken_away_waits_no_longer(
    atlas: Atlas, sent_back: tuple[Worker, ChangingDisk, str]
) -> None:
    worker, _, id = sent_back
    shutil.rmtree(now_at(atlas, id)[0].path / "input")
    assert worker.step()
    place, _ = now_at(atlas, id)
    assert place.state is State.FAILED and "deleted" in error_of(place).message


class FullDisk(Disk):
    """Full for the first few copies into staging/; the error has this NUMBER."""

    left = 2

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def _do(self, call: str, function: Any, *args: Any) -> Any:
        if call == "copy" and ".pipeline" in str(args[1]) and self.left:
            self.left -= 1
            return super()._do(call, self._full)
        return super()._do(call, function, *args)

    def _full(self) -> None:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize(
    ("number", "lack"),
    [(errno.ENOSPC, "no space is left on its disk"), (errno.EDQUOT, "a quota of user ")],
)
def test_a_full_disk_pauses_the_line_and_blames_no_job(
    atlas: Atlas, workers: Any, recipe: Any, number: int, lack: str
) -> None:
    """The same edge is tried until it passes, with words; no start is lost."""
    recipe("works")
    full = FullDisk(number)
    id = drop(atlas).id
    worker, told = workers(on=Atlas(atlas.root, full)), list[str]()
    say = worker.beat.say
    worker.beat.say = lambda message, job=None: (told.append(message), say(message, job))[0]
    assert worker.step()
    assert any(message.startswith(f"paused: Atlas is full: {lack}") for message in told)
    place, job = now_at(atlas, id)
    assert (place.state, len(job.starts), full.left) == (State.DONE, 1, 0)


def test_a_folder_under_its_own_name_that_it_does_not_run_is_settled(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """A lost reply or a person's drag: the worker acts as a reaper would."""
    recipe("works")
    claimed = drop(atlas)
    worker = workers()
    lifecycle.start(atlas, claimed, worker.name)
    assert worker.step()
    place, job = now_at(atlas, claimed.id)
    assert place.state is State.DONE
    assert job.crashes(2) == 1 or job.starts[-1].n == 2


def test_halt_stops_starting(atlas: Atlas, workers: Any, recipe: Any) -> None:
    """Any case, in the root or in inbox/."""
    recipe("works")
    drop(atlas)
    (atlas.inbox / "halt.TXT").touch()
    worker = workers()
    assert not worker.step()
    assert "halted by inbox/halt.TXT" in worker.beat.heartbeat.message
    (atlas.inbox / "halt.TXT").unlink()
    assert worker.step()


def test_an_unmounted_share_is_never_an_empty_one(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """Without atlas.json nothing is started; it resumes by itself."""
    recipe("works")
    id = drop(atlas).id
    worker = workers()
    atlas.root.rename(tmp_path / "away")
    (tmp_path / "atlas").mkdir()
    assert not worker.step()
    assert "paused" in worker.beat.heartbeat.message
    (tmp_path / "atlas").rmdir()
    (tmp_path / "away").rename(atlas.root)
    assert worker.step()
    assert now_at(atlas, id)[0].state is State.DONE


def test_a_share_that_goes_away_under_a_job_is_no_crash_of_it(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """Stages go on without it; the result waits in scratch until the share is back; the start is the only one."""
    recipe("works_when_told")
    id = drop(atlas).id
    worker = workers()
    running = threading.Thread(target=worker.step)
    running.start()
    held = eventually(
        lambda: next(
            (
                place
                for place in atlas.places(State.PROCESSING)
                if (place.path / "PROGRESS.txt").exists()
            ),
            None,
        ),
        60,
        "progress",
    )
    atlas.root.rename(tmp_path / "away")
    (tmp_path / "atlas").mkdir()
    (worker.scratch.of(held) / "go").touch()
    eventually(lambda: "paused" in worker.beat.heartbeat.message or None, 60, "a pause")
    (tmp_path / "atlas").rmdir()
    (tmp_path / "away").rename(atlas.root)
    running.join(60)
    place, job = now_at(atlas, id)
    assert place.state is State.DONE
    assert [(start.n, start.crash) for start in job.starts] == [(1, None)]


def test_a_name_that_is_no_utf8_and_came_late_kills_nobody(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """It is listed as it can be written down."""
    recipe("works")
    claimed = drop(atlas)
    (claimed.path / "input" / "vase" / "bad\udcff.ply").write_text("points")
    assert workers().step()
    place, job = now_at(atlas, claimed.id)
    assert place.state is State.DONE
    assert "bad\\xff.ply" in [row.path for row in job.manifest]


def test_a_job_of_a_newer_inbox3d_is_left_to_those_who_understand_it(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """It is neither started nor changed, and the heartbeat says why; other jobs go on."""
    recipe("works")
    newer = drop(atlas, "newer")
    other = drop(atlas, "other").id
    path = newer.path / "job.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    before = path.read_bytes()
    worker = workers()
    assert worker.step()
    assert now_at(atlas, other)[0].state is State.DONE
    assert not worker.step()
    assert "update inbox3d on this host" in worker.beat.heartbeat.message
    assert (newer.path / "job.json").read_bytes() == before


def test_a_halt_and_its_end_are_logged_once(
    atlas: Atlas, workers: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at every look."""
    worker = workers()
    with caplog.at_level(logging.INFO):
        (atlas.inbox / "halt.txt").touch()
        for _ in range(3):
            worker.step()
        (atlas.inbox / "halt.txt").unlink()
        worker.step()
    told = [record.getMessage() for record in caplog.records if "line." in record.msg]
    assert told == ["line.halted by=inbox/halt.txt", "line.resumed after=inbox/halt.txt"]
