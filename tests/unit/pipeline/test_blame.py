"""Whose fault an error is: a full scratch is this host's and blames no job; what else a stage or its worker meets is sorted by its path."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layout.disk import Disk, LineFault
from layout.manifest import read_job
from layout.scratch import Scratch
from layout.tree import Atlas, State
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
from pipeline.watchers.room import LEAST, Asks, Room
from pipeline.watchers.worker import Worker
from tests.support.hostile import small_disk
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
