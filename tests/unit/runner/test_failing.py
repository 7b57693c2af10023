"""What a start meets ends it with words, and the worker lives: whatever is raised, whatever may not be written, read or moved."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from layout import lifecycle, promote, tree
from layout.disk import Disk
from layout.scratch import Scratch
from layout.tree import Atlas, Place, State
from pipeline import blame
from pipeline.errors import InputRejected
from pipeline.runner import input_list
from pipeline.runner.patience import Patience
from pipeline.watchers.worker import Worker
from tests.support.hostile import immutable
from tests.support.live import eventually
from tests.support.trees import new_tree
from tests.unit.pipeline.test_blame import atlas, count, os_error, until, workers
from tests.unit.watchers.test_worker import drop, now_at, recipe, surroundings

__all__ = ["atlas", "recipe", "surroundings", "workers"]


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
