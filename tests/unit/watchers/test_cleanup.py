"""What a person deleted stays in trash/ for its days; the pipeline's own leftovers go at the next sweep."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from layout import labels, lifecycle, tree
from layout.labels import Labels
from pipeline.watchers import cleanup
from tests.support.baddisk import Call, Fault
from tests.support.crew import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "atlas")


def unseen(call: Call) -> Fault | None:
    return Fault("unseen") if call.name == "lstat" else None


@pytest.mark.parametrize("damage", ["none", "missing", "torn"])
def test_a_deleted_job_keeps_its_days_whatever_its_job_json_is(damage: str, world: World) -> None:
    """Nor does a stale look that misses it make the person's files a leftover."""
    place = world.done()
    if damage == "missing":
        (place.path / tree.JOB).unlink()
    elif damage == "torn":
        (place.path / tree.JOB).write_bytes(b"{")
    lifecycle.delete(world.atlas, place)
    assert cleanup.trash_due(world.atlas, 30) == []
    assert cleanup.trash_due(world.mounted(unseen), 30) == []
    assert [item.why for item in cleanup.trash_due(world.atlas, 0)] == ["deleted 0 days ago"]


def test_what_the_pipeline_left_goes_at_once(world: World) -> None:
    """Work of a finished job, outputs that were being promoted, a draft, a heartbeat."""
    place = world.held()
    for name in (f"{place.id}-work", place.path.name, f"{place.id}-draft", "host-cpu-aaaa.json"):
        left = world.atlas.staging / name
        left.mkdir()
        lifecycle.discard(world.atlas, left, name)
    assert len(cleanup.trash_due(world.atlas, 30)) == 4


def test_what_people_called_a_job_goes_with_it_for_good(world: World) -> None:
    """Not with the deletion, from which it may come back; and not that of a job that stands."""
    gone, stands = world.done(), world.done()
    for place in (gone, stands):
        labels.write(world.atlas, place.id, Labels(called="Grandma's jug"))
        lifecycle.delete(world.atlas, place)
    assert labels.read(world.atlas, gone.id).called == "Grandma's jug"
    found = {item.path.name: item for item in cleanup.trash_due(world.atlas, 0)}
    (back,) = [path for _, id, path in lifecycle.trashed(world.atlas) if id == stands.id]
    lifecycle.restore(world.atlas, back)
    for item in found.values():
        cleanup.remove(world.atlas, item)
    assert labels.read(world.atlas, stands.id).called == "Grandma's jug"
    assert not world.atlas.labelled(gone.id).exists()


def test_a_deleted_job_does_not_come_back_beside_another_folder_of_its_id(world: World) -> None:
    """A copy that was dropped while the job lay in trash/ goes on under its id."""
    done = world.done()
    copy = world.atlas.at_claimed(done.id, "scan", 1)
    shutil.copytree(done.path, copy.path)
    lifecycle.delete(world.atlas, done)
    ((_, _, folder),) = lifecycle.trashed(world.atlas)
    with pytest.raises(lifecycle.Occupied, match="claimed"):
        lifecycle.restore(world.atlas, folder)
    assert folder.is_dir() and copy.path.is_dir()
    shutil.rmtree(copy.path)
    assert lifecycle.restore(world.atlas, folder).path == done.path


def test_a_job_that_was_cancelled_and_deleted_at_once_comes_back_to_failed(world: World) -> None:
    """No reaper had tidied it yet. It has no result, and the start in its name is not lost."""
    place = lifecycle.start(world.atlas, world.claimed(), "host-gpu0-aaaa")
    lifecycle.delete(world.atlas, lifecycle.cancel(world.atlas, place))
    ((_, _, folder),) = lifecycle.trashed(world.atlas)
    back = lifecycle.restore(world.atlas, folder)
    assert back.path == world.atlas.at_failed(place.id).path
    assert (back.path / "error.txt").is_file()
    job = lifecycle.readable_job(world.atlas, back.path)
    assert job is not None and [start.n for start in job.starts] == [1]
