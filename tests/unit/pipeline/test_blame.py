"""Whose fault an error is: a full scratch is this host's and blames no job; what else a stage or its worker meets is sorted by its path."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layout import lifecycle, promote, tree
from layout.disk import Disk, LineFault
from layout.manifest import read_job
from layout.scratch import Scratch
from layout.tree import Atlas, Place, State
from pipeline import blame, config
from pipeline.errors import (
    BackendUnavailable,
    EngineDied,
    HostFault,
    InputRejected,
    MeshEmpty,
    PipelineError,
    StageFailed,
)
from pipeline.runner import input_list
from pipeline.runner.patience import Patience
from pipeline.watchers.room import LEAST, Asks, Room
from pipeline.watchers.worker import Worker
from tests.support.hostile import immutable, small_disk
from tests.support.live import eventually
from tests.support.trees import new_tree
from tests.support.workers import made
from tests.unit.watchers.test_worker import drop, now_at, recipe, surroundings

__all__ = ["recipe", "surroundings"]

FILLS = ("fills", "fills_by_a_library", "fills_without_a_word", "fills_memory_of_a_file")


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def workers(atlas: Atlas, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Make workers whose scratch is TMP_PATH/NAME, as if each ran on a host of its own."""
    with made() as makes:

        def make(host: str = "scratch") -> Worker:
            settings = config.load(
                environ={
                    "INBOX3D_HOST__SCRATCH": str(tmp_path / host),
                    "INBOX3D_WORKER__POLL": "0.01",
                }
            )
            return makes(atlas, settings, f"{host}-cpu-{os.getpid()}", ("scan", "finish"))

        yield make


def until(worker: Worker, over: Callable[[], object], most: int = 60) -> None:
    for _ in range(most):
        worker.step()
        if over():
            return
    raise AssertionError(
        f"not within {most} steps: {worker.beat.heartbeat.message} {worker.attention.lines()}"
    )


def count(atlas: Atlas, state: State) -> int:
    return len(atlas.places(state))


# -- a full scratch ----------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("stage", FILLS)
def test_a_full_scratch_fails_no_job_and_counts_no_crash(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path, stage: str
) -> None:
    """However the stage tells of it: claiming stops, everything says so with both sizes, and once there is room all jobs are done."""
    recipe(stage)
    ids = [drop(atlas, f"vase{number}").id for number in range(3)]
    with small_disk(tmp_path / "scratch", "6m") as resize:
        filler = tmp_path / "scratch/filler"
        filler.write_bytes(bytes(4 << 20))
        worker = workers()
        for _ in range(8):
            worker.step()
        assert (
            count(atlas, State.CLAIMED),
            count(atlas, State.FAILED),
            count(atlas, State.DONE),
        ) == (3, 0, 0)
        starts = sum(len(now_at(atlas, id)[1].starts) for id in ids)
        assert starts <= 2, "the first job shows that there is no room; the others are not tried"
        assert worker.beat.heartbeat.message.startswith("paused: scratch is full: ")
        assert "MB free of 6.3 MB" in worker.attention.lines()[0]
        filler.unlink()
        until(worker, lambda: count(atlas, State.DONE) == 3)
        worker.step()
        assert worker.attention.lines() == ()
        assert worker.beat.heartbeat.message == "idle"
        resize("8m")
    for id in ids:
        job = now_at(atlas, id)[1]
        assert job.crashes(max(start.n for start in job.starts) - 1) == 0
        assert all(start.noted and "Scratch is full" in start.noted for start in job.starts[:-1])


@pytest.mark.slow
def test_a_scratch_without_any_room_takes_no_job(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """Nothing is even started; it goes on by itself."""
    recipe("works")
    id = drop(atlas).id
    with small_disk(tmp_path / "scratch", "2m"):
        filler = tmp_path / "scratch/filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        worker = workers()
        for _ in range(3):
            assert not worker.step()
        assert now_at(atlas, id)[1].starts == []
        assert worker.beat.heartbeat.message.startswith("paused: scratch")
        filler.unlink()
        until(worker, lambda: count(atlas, State.DONE) == 1)


def test_a_scratch_that_takes_no_more_files_is_called_so(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """Inodes run out before bytes do: "105 MB free of 105 MB" would explain nothing."""
    recipe("works")
    drop(atlas)
    with small_disk(tmp_path / "scratch", "50m,nr_inodes=8") as resize:
        worker = workers()
        for _ in range(3):
            worker.step()
        assert "Scratch is full: it holds 8 files and folders, and no more (inodes)" in (
            worker.beat.heartbeat.message
        )
        assert count(atlas, State.FAILED) == 0
        resize("50m,nr_inodes=800")
        time.sleep(1.1)
        until(worker, lambda: count(atlas, State.DONE) == 1)


def test_a_share_that_takes_no_more_files_is_called_so(tmp_path: Path) -> None:
    disk = Disk()
    with small_disk(tmp_path / "share", "5m,nr_inodes=3"):
        with pytest.raises(LineFault) as caught:
            for number in range(4):
                disk.mkdir(tmp_path / "share" / str(number))
        assert caught.value.message.startswith(
            "Atlas is full: it holds 3 files and folders, and no more (inodes) ("
        )


@pytest.mark.slow
def test_files_that_a_tidier_deletes_from_scratch_fail_no_job(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """Whatever the stage made of it: the job waits, the words name who must act, and it is done anew."""
    recipe("is_swept")
    id = drop(atlas).id
    worker = workers()
    worker.step()
    assert now_at(atlas, id)[0].state is State.CLAIMED
    worker.step()
    assert "Files of the running job were deleted from scratch" in worker.beat.heartbeat.message
    time.sleep(1.1)
    until(worker, lambda: count(atlas, State.DONE) == 1)
    job = now_at(atlas, id)[1]
    assert job.crashes(max(start.n for start in job.starts) - 1) == 0


@pytest.mark.slow
def test_another_host_goes_on_meanwhile(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """What the full host gave back is taken by one that has room."""
    recipe("fills")
    drop(atlas)
    with small_disk(tmp_path / "full", "3m"):
        full, roomy = workers("full"), workers("roomy")
        for _ in range(3):
            full.step()
        assert count(atlas, State.CLAIMED) == 1
        until(roomy, lambda: count(atlas, State.DONE) == 1)


@pytest.mark.slow
def test_a_job_larger_than_an_empty_scratch_is_named_with_both_sizes_and_holds_up_no_smaller_one(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """By its input it is known before any start; on a larger disk it runs."""
    recipe("works")
    large = drop(atlas, "large")
    (large.path / "input/large/b.ply").write_bytes(bytes(5 << 20))
    job = read_job(atlas.disk, large.path)
    assert job is not None
    job.manifest[0].size = 5 << 20
    (large.path / "job.json").write_bytes(job.dump())
    drop(atlas, "small")
    with small_disk(tmp_path / "scratch", "4m") as resize:
        worker = workers()
        until(worker, lambda: count(atlas, State.DONE) == 1)
        worker.step()
        (line,) = worker.attention.lines()
        assert line.startswith(
            f"claimed/{large.path.name}: needs 6.3 MB of scratch or more, and all of it on this host is 4.2 MB"
        )
        assert now_at(atlas, large.id)[1].starts == []
        resize("16m")
        until(worker, lambda: count(atlas, State.DONE) == 2)


def test_a_quota_or_a_read_only_scratch_is_tried_again_until_it_takes_files(tmp_path: Path) -> None:
    """Sizes tell nothing there: after a moment a small file is written, and only if that works is a job started."""
    clock = [0.0]
    room = Room(Scratch(tmp_path / "scratch"), list, lambda: clock[0])
    asks = Asks("vase-0123456789", "convert", 10)
    room.ran_out(
        asks, 0, HostFault("Scratch cannot be written (Read-only file system).", number=errno.EROFS)
    )
    lack = room.lack(asks)
    assert lack is not None and not lack.for_ever and "Read-only" in lack.words
    clock[0] = 5.0
    assert room.lack(asks) is None
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_job_that_ran_out_is_tried_where_there_is_more_and_others_like_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A smaller one, or one with other options, is not judged by it."""
    free = [50 * LEAST]
    monkeypatch.setattr(
        "shutil.disk_usage", lambda path: type("Space", (), {"free": free[0], "total": 100 * LEAST})
    )
    room = Room(Scratch(tmp_path), list)
    first, like, small, other = (
        Asks(*row) for row in (("a", "x", 9), ("b", "x", 10), ("c", "x", 8), ("d", "y", 10))
    )
    free[0] = 0
    room.ran_out(first, 40 * LEAST, HostFault("Scratch is full.", number=errno.ENOSPC))
    free[0] = 45 * LEAST
    assert [room.lack(asks) is None for asks in (first, like, small, other)] == [
        False,
        False,
        True,
        True,
    ]
    free[0] = 50 * LEAST
    assert [room.lack(asks) is None for asks in (first, like)] == [True, True]


# -- sorting -----------------------------------------------------------------------------------
def os_error(number: int, path: Path | str | None = None) -> OSError:
    return (
        OSError(number, os.strerror(number), str(path))
        if path
        else OSError(number, os.strerror(number))
    )


@pytest.mark.parametrize(
    ("number", "where", "kind", "words"),
    [
        (errno.ENOSPC, None, HostFault, "Scratch is full"),
        (errno.EDQUOT, "scratch/x", HostFault, "Scratch is full: a quota of user "),
        (errno.EROFS, "scratch/x", HostFault, "Scratch cannot be written (Read-only file system)"),
        (errno.EACCES, "scratch/x", HostFault, "Scratch cannot be written (Permission denied)"),
        (errno.EIO, "scratch/x", HostFault, "Input/output error"),
        (errno.EFBIG, "scratch/x", HostFault, "Scratch cannot be written (File too large)"),
        (errno.ENOSPC, "elsewhere/x", HostFault, "is full"),
        (
            errno.EACCES,
            "models/flux/a.safetensors",
            BackendUnavailable,
            "The model file flux/a.safetensors cannot be read: Permission",
        ),
        (errno.ENOENT, "models/flux/a.safetensors", BackendUnavailable, "No such file"),
        (errno.EIO, f"{sys.prefix}/lib/x.so", BackendUnavailable, "The installation is damaged"),
        (
            errno.EACCES,
            "atlas/x/box.stl",
            InputRejected,
            "box.stl was refused although its permissions allow it",
        ),
        (
            errno.EPERM,
            "atlas/.pipeline/staging/x/model.glb",
            LineFault,
            "model.glb was refused although its permissions allow it",
        ),
        (errno.ENOSPC, "atlas/x", LineFault, "Atlas is full: no space is left on its disk"),
        (errno.EDQUOT, "atlas/x", LineFault, "Atlas is full: a quota of user "),
        (errno.EIO, "atlas/x", LineFault, "Input/output error"),
        (errno.ENOENT, "scratch/x", StageFailed, "x: No such file or directory."),
        (errno.ECONNREFUSED, None, StageFailed, "Connection refused."),
        (errno.EMFILE, None, HostFault, "too many files open"),
    ],
)
def test_an_error_of_the_system_is_sorted_by_its_number_and_by_where_its_path_lies(
    tmp_path: Path, number: int, where: str | None, kind: type[Exception], words: str
) -> None:
    """Never a raw number or the name of an exception."""
    for name in ("scratch", "models", "atlas"):
        (tmp_path / name).mkdir()
    grounds = blame.Grounds(tmp_path / "scratch", tmp_path / "models", tmp_path / "atlas")
    found = blame.of(os_error(number, tmp_path / where if where else None), grounds)
    assert type(found) is kind
    assert words in found.message
    assert "Error" not in found.message and "Errno" not in found.message
    # space is told of where it lacks, and only there
    full = "Scratch is full" in found.message or "Atlas is full" in found.message
    assert full or "ree space in" not in getattr(found, "remedy", "")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "Scratch is full: "),
        (errno.EDQUOT, "Scratch is full: a quota of user "),
        (errno.EROFS, "Scratch cannot be written (Read-only file system)"),
    ],
)
def test_a_librarys_own_words_for_a_full_disk_are_understood(
    tmp_path: Path, number: int, words: str
) -> None:
    """It raises what it likes, and quotes the system in it."""
    told = RuntimeError(f"write failed: {os.strerror(number)} [{number}]")
    found = blame.of(told, blame.Grounds(tmp_path))
    assert isinstance(found, HostFault) and found.message.startswith(words)


def test_what_a_stage_told_stays_unless_scratch_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drop that was refused, and a deadline, have nothing to do with the disk; an empty mesh and a dead engine may."""
    grounds = blame.Grounds(tmp_path)
    told: list[PipelineError] = [
        InputRejected("no"),
        BackendUnavailable("no"),
        MeshEmpty(),
        EngineDied("signal 7"),
    ]
    assert [blame.of(error, grounds) for error in told] == told
    monkeypatch.setattr(blame, "is_full", lambda folder: True)
    assert [type(blame.of(error, grounds)).__name__ for error in told] == [
        "InputRejected",
        "BackendUnavailable",
        "HostFault",
        "HostFault",
    ]


def test_an_engine_with_too_many_files_blames_the_stage(tmp_path: Path) -> None:
    """The limit is the engine's own; as a fault of the host the job would go round for ever."""
    assert type(blame.of(os_error(errno.EMFILE), blame.Grounds(tmp_path))) is StageFailed


# -- the worker outlives a job's errors --------------------------------------------------------
def test_whatever_a_start_raises_the_worker_lives_and_the_job_ends_with_words(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that only the worker may not read fails its job by its name; the next job is done."""
    recipe("works")
    worker = workers()
    real = atlas.disk.copy_within

    def copy(folders: tuple[int, int], source: str, *more: Any) -> Any:
        if "unread" in source:
            raise PermissionError(errno.EACCES, "Permission denied", source)
        return real(folders, source, *more)

    monkeypatch.setattr(atlas.disk, "copy_within", copy)
    monkeypatch.setattr("layout.rights._may", lambda path, how: path.name != "a.ply")
    bad, good = drop(atlas, "unread").id, drop(atlas, "vase").id
    until(
        worker,
        lambda: (
            now_at(atlas, good)[0].state is State.DONE
            and now_at(atlas, bad)[0].state is State.FAILED
        ),
    )
    error = json.loads((now_at(atlas, bad)[0].path / "error.json").read_text())
    assert (
        error["message"]
        == "a.ply cannot be read: give the group read permission on it (chmod g+r)."
    )
    assert (error["who"], "chmod -R g+rX" in error["remedy"]) == ("submitter", True)


def test_a_file_that_is_closed_while_its_job_runs_is_named_where_the_job_ends(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changed since it was copied, so the job is begun anew, and may not read it any more."""
    recipe("works")
    worker, id, closed = workers(), drop(atlas, "unread").id, list[Path]()
    copy, check = atlas.disk.copy_within, input_list.check

    def copies(folders: tuple[int, int], source: str, *more: Any) -> Any:
        if closed:
            raise PermissionError(errno.EACCES, "Permission denied", source)
        return copy(folders, source, *more)

    def closes(disk: Disk, place: Place, seen: Any) -> None:
        closed.extend((place.path / tree.INPUT).rglob("a.ply"))
        closed[0].chmod(0o600)
        check(disk, place, seen)

    monkeypatch.setattr(atlas.disk, "copy_within", copies)
    monkeypatch.setattr(input_list, "check", closes)
    monkeypatch.setattr(worker.choice, "is_quiet", lambda place: True)
    monkeypatch.setattr("layout.rights._may", lambda path, how: path.name != "a.ply")
    until(worker, lambda: now_at(atlas, id)[0].state is State.FAILED)
    said = (now_at(atlas, id)[0].path / "error.txt").read_text()
    assert "a.ply cannot be read: give the group read permission on it (chmod g+r)" in said


def test_a_job_that_can_be_neither_run_nor_moved_is_named_and_the_next_one_runs(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder in processing/ is tried again at every step."""
    recipe("works")
    bad, good = drop(atlas, "bad"), drop(atlas, "good")
    real = lifecycle.record_start

    def record(on: Atlas, place: Any) -> Any:
        if place.id == bad.id:
            raise PermissionError(
                errno.EPERM, "Operation not permitted", str(place.path / "job.json")
            )
        return real(on, place)

    monkeypatch.setattr(lifecycle, "record_start", record)
    monkeypatch.setattr(Worker, "_settle_own", lambda self: None)
    worker = workers()
    until(worker, lambda: now_at(atlas, good.id)[0].state is State.DONE)
    assert now_at(atlas, bad.id)[0].state is State.PROCESSING


@pytest.mark.slow
def test_a_scratch_that_was_never_made_is_told_once_and_until_it_works(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two jobs wait and many looks pass: one line in the log, one for a person; both jobs are done afterwards."""
    recipe("works")
    drop(atlas, "vase"), drop(atlas, "bowl")
    (tmp_path / "scratch").mkdir()
    worker = workers()
    with immutable(tmp_path / "scratch"):
        for _ in range(4):
            assert not worker.step()
            (line,) = worker.beat.heartbeat.attention
            assert line.startswith(f"{worker.name}: scratch cannot be used: scratch is immutable")
    assert sum("needs.attention" in record.getMessage() for record in caplog.records) == 1
    until(worker, lambda: count(atlas, State.DONE) == 2)
    worker.step()
    assert worker.beat.heartbeat.attention == ()


def test_a_worker_starts_beside_a_scratch_that_cannot_be_made(
    atlas: Atlas, workers: Any, recipe: Any, tmp_path: Path
) -> None:
    """A file stands in its place: the worker lives, says so, and goes on when it is gone."""
    recipe("works")
    drop(atlas)
    (tmp_path / "scratch").write_text("a file")
    worker = workers()
    assert not worker.step()
    assert "scratch cannot be used" in worker.beat.heartbeat.message
    assert [
        f"{worker.name}: scratch cannot be used" in line and str(worker.scratch.root) in line
        for line in worker.attention.lines()
    ] == [True]
    (tmp_path / "scratch").unlink()
    until(worker, lambda: count(atlas, State.DONE) == 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", [".pipeline/staging", "done"])
def test_a_folder_of_the_tree_that_may_not_be_written_makes_jobs_wait_and_blames_no_submitter(
    atlas: Atlas, workers: Any, recipe: Any, name: str
) -> None:
    """The worker pauses with the folder and the attribute in words, keeps its job, and goes on by itself when the attribute is gone."""
    recipe("works")
    place = drop(atlas)
    worker = workers()
    with immutable(atlas.root / name):
        working = threading.Thread(target=worker.step)
        working.start()
        eventually(
            lambda: any("is immutable" in line for line in worker.beat.heartbeat.attention),
            30,
            "a pause in words",
        )
        line = next(line for line in worker.beat.heartbeat.attention if "is immutable" in line)
        folder = name.rpartition("/")[2]
        assert (
            f"paused until this is mended: {folder} is immutable" in line
            and f"chattr -i {folder}" in line
        )
        eventually(
            lambda: worker.beat.heartbeat.message.startswith("paused: "),
            30,
            "the message of a pause",
        )
        assert (count(atlas, State.PROCESSING), count(atlas, State.FAILED)) == (1, 0)
    working.join(30)
    assert now_at(atlas, place.id)[0].state is State.DONE
    assert len(now_at(atlas, place.id)[1].starts) == 1
    assert worker.attention.lines() == worker.beat.heartbeat.attention == ()


@pytest.mark.parametrize("stands", ["no more", "unseen"])
def test_a_move_refused_for_a_reason_that_is_not_seen_blames_no_submitter(
    atlas: Atlas, workers: Any, recipe: Any, stands: str
) -> None:
    """Whether the folder was opened between the refusal and the look at it, or the server does not show what it forbids: the job waits in its place and is done, in one start."""
    recipe("works")
    id = drop(atlas).id
    worker = workers()
    refused: list[str] = []
    real = atlas.disk.rename

    def rename(source: Path, target: Path) -> None:
        if target.parent == atlas.done and len(refused) < (1 if stands == "no more" else 3):
            refused.append(target.name)
            raise PermissionError(
                errno.EPERM, "Operation not permitted", str(source), None, str(target)
            )
        real(source, target)

    worker.atlas.disk.rename = rename
    worker.step()
    place, job = now_at(atlas, id)
    assert place.state is State.DONE
    assert len(job.starts) == 1 and not job.starts[0].noted


def test_progress_that_may_not_be_written_fails_no_job(
    atlas: Atlas, workers: Any, recipe: Any
) -> None:
    """How far a job is comforts people; what is denied for longer is told at the next edge."""
    recipe("works")
    id = drop(atlas).id
    worker = workers()
    refused: list[Path] = []
    real = worker.atlas.disk.replace

    def replace(path: Path, data: bytes) -> None:
        if path.name == tree.PROGRESS:
            refused.append(path)
            raise os_error(errno.EPERM, path)
        real(path, data)

    worker.atlas.disk.replace = replace
    worker.step()
    place, job = now_at(atlas, id)
    assert refused
    assert place.state is State.DONE
    assert len(job.starts) == 1 and not job.starts[0].noted


def test_a_file_refused_once_is_asked_for_once_more(atlas: Atlas, tmp_path: Path) -> None:
    """A refusal within a job is believed the second time: the first may be mended already."""
    place = drop(atlas)
    patience = Patience(atlas, Scratch(tmp_path / "s"), None, lambda why: True)
    tries: list[int] = []

    def call(refusals: int) -> str:
        tries.append(1)
        if len(tries) <= refusals:
            raise os_error(errno.EACCES, place.path / "input/a.ply")
        return "read"

    assert patience(place, lambda: call(1)) == "read"
    tries.clear()
    with pytest.raises(PermissionError):
        patience(place, lambda: call(2))


def test_a_folder_that_only_one_job_holds_back_pauses_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own folder in processing/ is named as what a person must open; the line is well."""
    atlas = new_tree(tmp_path / "atlas")
    error = os_error(errno.EACCES, atlas.processing / "vase-0123456789@w.1/work/scan")
    assert blame.of_tree(error, atlas) is None
    forbidden = blame.of(error, blame.Grounds(tmp_path / "scratch", None, atlas.root))
    assert forbidden.remedy == blame.LET  # its permissions are in nobody's way
    monkeypatch.setattr("layout.rights._may", lambda path, how: path.name != "work")
    found = blame.of(error, blame.Grounds(tmp_path / "scratch", None, atlas.root))
    assert isinstance(found, InputRejected) and "chmod -R g+rwX" in found.remedy


def test_a_tree_whose_root_is_closed_fails_no_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file of a job can be reached then: that is nobody's drop."""
    atlas = new_tree(tmp_path / "atlas")
    monkeypatch.setattr("layout.rights._may", lambda path, how: path != atlas.root)
    error = os_error(errno.EACCES, atlas.processing / "vase-0123456789@w.1/input/a.ply")
    fault = blame.of_tree(error, atlas)
    assert fault is not None and fault.message.startswith("the folder atlas may not be entered")


def test_what_the_storage_refuses_at_the_end_does_not_start_the_job_again_and_again(
    atlas: Atlas, workers: Any, recipe: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty starts in four seconds were seen: it rests, says why, and others go on."""
    recipe("works")
    bad = drop(atlas, "bad").id
    real = promote.promote

    def refuse(atlas: Atlas, place: Place, *more: Any) -> None:
        if place.id == bad:
            raise os_error(errno.EINVAL, atlas.staged(place))
        real(atlas, place, *more)

    monkeypatch.setattr(promote, "promote", refuse)
    worker, good = workers(), drop(atlas, "vase").id
    worker.resting.first = 1000.0
    until(worker, lambda: now_at(atlas, good)[0].state is State.DONE)
    for _ in range(5):
        worker.step()
    place, job = now_at(atlas, bad)
    assert (place.state, len(job.starts)) == (State.CLAIMED, 1)
    (line,) = worker.attention.lines()
    assert "the storage did not let it go on: Invalid argument" in line and bad in line
    monkeypatch.setattr(promote, "promote", real)
    worker.resting.forget(bad)
    until(worker, lambda: now_at(atlas, bad)[0].state is State.DONE)


def test_folders_of_the_tree_on_different_disks_are_told_as_that(tmp_path: Path) -> None:
    """A volume or a share for each: no rename goes from one to the other. A job alone is not it."""
    atlas = new_tree(tmp_path / "atlas")
    error = OSError(errno.EXDEV, "Invalid cross-device link", str(atlas.staging / "a"))
    error.filename2 = str(atlas.processing / "vase-0123456789@w.1/output")
    fault = blame.of_tree(error, atlas)
    assert fault is not None
    assert fault.message.startswith(".pipeline/staging and processing lie on different disks")
    error.filename2 = str(tmp_path / "elsewhere")
    assert blame.of_tree(error, atlas) is None


def test_an_engine_whose_scratch_takes_no_log_says_so(tmp_path: Path) -> None:
    """Before the stage begins: no death of the engine, but an answer."""
    order = {"leg": ["selftest"], "request": {"kind": "convert"}, "root": str(tmp_path / "file/x"), "input": str(tmp_path),
             "models": None, "memory": 1 << 30}  # fmt: skip
    (tmp_path / "file").write_text("no folder")
    script = (
        f"import sys; from pipeline.gpu.child import _confined; sys.exit(_confined({order!r}, 1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["failed"]["message"]
