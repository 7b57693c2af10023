"""What is to be done with a folder in processing/ that nobody works on."""

from __future__ import annotations

import errno
import itertools
import shutil

import pytest

from layout import lifecycle, tree
from layout.lifecycle import Due, Gone
from layout.manifest import read_job, write_job
from layout.tree import State
from tests.support.baddisk import Call, Fault, at
from tests.support.crew import LEGS, MAX_CRASHES, Intake, World, settle
from tests.unit.layout.test_mend import job_at


# -- due ---------------------------------------------------------------------------------------
def test_a_folder_without_input_was_deleted_while_it_ran(world: World) -> None:
    """Also when a file manager left its own file there."""
    place = world.held()
    shutil.rmtree(place.path / tree.INPUT)
    (place.path / tree.INPUT).mkdir()
    (place.path / tree.INPUT / ".DS_Store").touch()
    assert lifecycle.due(world.atlas, place, MAX_CRASHES, ended=True)[0] is Due.DELETED


def test_a_copy_without_input_does_not_fail_under_the_id_of_its_job(world: World) -> None:
    """Copied while the input came or went, it is no sign that anybody deleted the job."""
    place = world.held()
    copy = world.atlas.at_processing(place.id, "host-cpu-zzzz", place.n + 1)
    shutil.copytree(place.path, copy.path)
    shutil.rmtree(copy.path / tree.INPUT)
    assert lifecycle.due(world.atlas, copy, MAX_CRASHES, ended=True)[0] is Due.ANEW


def test_a_copy_whose_folder_is_not_seen_is_not_accepted_anew_as_the_job_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two folders would bear one id (drill 100000599)."""
    place = world.held()
    copy = world.atlas.at_processing(place.id, "host-cpu-zzzz", place.n + 1)
    shutil.copytree(place.path, copy.path)
    disk, real = world.atlas.disk, world.atlas.disk.lstat
    monkeypatch.setattr(disk, "lstat", lambda path: None if path == copy.path else real(path))
    with pytest.raises(Gone):
        lifecycle.accept_anew(world.atlas, copy)
    monkeypatch.setattr(disk, "lstat", real)
    assert lifecycle.accept_anew(world.atlas, copy).id != place.id


def test_a_copy_that_got_its_id_but_not_its_name_is_not_taken_for_its_job(world: World) -> None:
    """Its tidier was killed in between, and a person dragged it to processing/ (seed 34)."""
    place = world.held()
    copy = world.atlas.at_processing(place.id, "host-cpu-zzzz", 0)
    shutil.copytree(place.path, copy.path)
    job = read_job(world.atlas.disk, copy.path)
    assert job is not None
    job.id, job.inode = "vase-0123456789", copy.path.stat().st_ino
    write_job(world.atlas.disk, copy.path, job)
    assert lifecycle.due(world.atlas, copy, MAX_CRASHES, ended=True)[0] is Due.ANEW
    assert lifecycle.accept_anew(world.atlas, copy).id != place.id


def test_a_job_whose_attributes_are_an_old_no_such_file_still_bears_its_id(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy in failed/ without job.json took the id of the job beside it (seed 34)."""
    place = world.held()
    copy = world.atlas.failed / f"{place.id}@refused.0"
    shutil.copytree(place.path / tree.INPUT, copy / tree.INPUT)
    disk, real = world.atlas.disk, world.atlas.disk.lstat
    monkeypatch.setattr(disk, "lstat", lambda path: None if path == place.path else real(path))
    (found,) = (one for one in world.atlas.places(State.FAILED) if one.path == copy)
    tidied = lifecycle.tidy(world.atlas, found)
    assert tidied is not None and tidied.id != place.id


@pytest.mark.parametrize("text", [None, b"", b"{", b'{"id": 1}'])
def test_a_folder_without_a_job_json_was_deleted_while_it_ran(
    text: bytes | None, world: World
) -> None:
    """Missing, torn or no job's: the folder goes to failed/ with its input and a reason."""
    place = world.held()
    (place.path / tree.JOB).unlink() if text is None else (place.path / tree.JOB).write_bytes(text)
    ended = settle(world.atlas, place)
    assert ended.state is State.FAILED and (ended.path / tree.ERROR_TEXT).is_file()
    world.check()


def test_one_look_that_misses_something_is_no_verdict(world: World) -> None:
    """A skipped entry or a stale "no such file" must not fail a job as deleted."""
    place = world.held()
    for number in itertools.count(1):
        for fault in (Fault("unseen"), Fault("lost", 2)):
            atlas = world.mounted(at(number, fault))
            assert lifecycle.due(atlas, place, MAX_CRASHES, ended=True)[0] is Due.RELEASE
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


@pytest.mark.parametrize(
    ("name", "call", "fault"),
    [
        (tree.JOB, "read", Fault("fail", errno.ENOENT)),
        (tree.INPUT, "scandir", Fault("fail", errno.ENOENT)),
        (tree.INPUT, "scandir", Fault("unseen")),
    ],
)
def test_looks_that_all_miss_something_are_no_verdict(
    name: str, call: str, fault: Fault, world: World
) -> None:
    """A stale cache answers every look of a moment alike; that the thing is there is found by
    trying to make it, and it stays as it is."""
    place = world.held()
    before = sorted(path.name for path in place.path.rglob("*"))

    def stale(made: Call) -> Fault | None:
        return fault if (made.name, made.args[0]) == (call, place.path / name) else None

    with pytest.raises(Gone):
        lifecycle.due(world.mounted(stale), place, MAX_CRASHES, ended=True)
    assert sorted(path.name for path in place.path.rglob("*")) == before
    assert lifecycle.due(world.atlas, place, MAX_CRASHES, ended=True)[0] is Due.RELEASE


def test_a_job_that_went_away_while_it_was_looked_at_is_gone(world: World) -> None:
    """It is not made again to find out."""
    place = world.held()
    shutil.move(place.path, world.atlas.root / "elsewhere")
    with pytest.raises(Gone):
        lifecycle.due(world.atlas, place, MAX_CRASHES, ended=True)
    assert not place.path.exists()


def test_starts_that_ended_well_are_no_crashes(world: World) -> None:
    """Drained twice and crashed twice is two crashes; the third crash is one too many."""
    place = world.held()
    for noted in ("drained", None, "line fault", None):
        place = world.held(lifecycle.release(world.atlas, place, LEGS[0], noted))
    assert job_at(world, place).crashes(place.n - 1) == 2
    assert lifecycle.due(world.atlas, place, MAX_CRASHES, ended=False)[0] is Due.RELEASE
    assert lifecycle.due(world.atlas, place, MAX_CRASHES, ended=True)[0] is Due.POISON


def test_a_retry_begins_to_count_anew(world: World) -> None:
    """Crashes of an earlier run do not poison the next one; n goes on."""
    place = world.claimed()
    for _ in range(MAX_CRASHES):
        place = settle(world.atlas, world.held(place))
    assert place.state is State.FAILED
    again = Intake(world.atlas).take(lifecycle.retry(world.atlas, place).path.name)
    assert again.n == MAX_CRASHES
    assert lifecycle.due(world.atlas, world.held(again), MAX_CRASHES, ended=True)[0] is Due.RELEASE


def test_a_result_of_another_run_or_job_is_not_finished(world: World) -> None:
    """Only an output/ that a start of this very run made counts."""
    other, place = world.with_result(), world.held()
    shutil.copytree(other.path / tree.OUTPUT, place.path / tree.OUTPUT)
    verdict, _ = lifecycle.due(world.atlas, place, MAX_CRASHES, ended=True)
    assert verdict is Due.RELEASE
    released = settle(world.atlas, place)
    assert not (released.path / tree.OUTPUT).exists()
    assert (released.path / tree.EARLIER / "1" / tree.OUTPUT).is_dir()
