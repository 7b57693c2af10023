"""What a person deleted stays in trash/ for its days; the pipeline's own leftovers go at the next sweep."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout import lifecycle, tree
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
