"""What a backup of a busy tree did to single jobs: named, and nothing is worked on as if it were whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from layout import lifecycle, tree
from layout.damage import after_restore, words
from layout.init import init
from layout.manifest import Listed, read_job, write_job
from layout.tree import Atlas, Place, State
from tests.support.crew import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "atlas")


def brought_back(world: World, to: Path) -> Atlas:
    """The same bytes under other inodes, as --restored leaves them."""
    shutil.copytree(world.root, to, symlinks=True)
    return init(to, restored=True)[0]


def loses_input(place: Place) -> None:
    for path in (place.path / tree.INPUT).rglob("scan.ply"):
        path.unlink()


@pytest.mark.parametrize("state", ["inbox", "claimed", "processing"])
def test_a_waiting_job_without_one_of_its_files_waits_in_failed(
    world: World, tmp_path: Path, state: str
) -> None:
    """It would be worked on with what is left, and nobody would know."""
    place = {
        "inbox": lambda: lifecycle.submit(world.atlas, world.draft()),
        "claimed": world.claimed,
        "processing": world.held,
    }[state]()
    second = next((place.path / tree.INPUT).rglob("scan.ply")).with_name("other.ply")
    second.write_text("more")
    job = read_job(world.atlas.disk, place.path)
    assert job is not None
    rows = [Listed(path="scan.ply", size=7), Listed(path="other.ply", size=4)]
    write_job(world.atlas.disk, place.path, job.model_copy(update={"manifest": rows}))
    loses_input(place)
    atlas = brought_back(world, tmp_path / "back")
    (damage,) = after_restore(atlas)
    assert damage.place == atlas.at_failed(place.id)._replace(n=damage.place.n)
    error = json.loads((damage.place.path / tree.ERROR).read_text())
    assert (error["error"], error["who"]) == ("DamagedByCopy", "operator")
    assert "scan.ply is missing" in error["message"] and "input/" in error["remedy"]
    assert words(atlas, damage).startswith(f"failed/{place.id}: Its input is not whole: scan.ply")
    assert not [
        one for s in (State.INBOX, State.CLAIMED, State.PROCESSING) for one in atlas.places(s)
    ]
    assert after_restore(atlas) == []


def test_a_job_that_was_copied_twice_goes_on_once(world: World, tmp_path: Path) -> None:
    """Where it is further on; the other gets a name of its own, and waits for a person."""
    place = world.claimed()
    early = tmp_path / "early"
    shutil.copytree(place.path, early)
    held = world.held(place)
    shutil.copytree(early, world.atlas.claimed / place.path.name)
    atlas = brought_back(world, tmp_path / "back")
    (damage,) = after_restore(atlas)
    assert [one.path.name for one in atlas.places(State.PROCESSING)] == [held.path.name]
    assert atlas.places(State.CLAIMED) == []
    (failed,) = atlas.places(State.FAILED)
    assert failed.id != place.id and failed.path == damage.place.path
    assert f"processing/{held.path.name}" in (failed.path / tree.ERROR_TEXT).read_text()


def test_a_result_without_one_of_its_files_is_named_where_it_stands(
    world: World, tmp_path: Path
) -> None:
    done = world.done()
    (done.path / tree.OUTPUT / "model.glb").unlink()
    atlas = brought_back(world, tmp_path / "back")
    (damage,) = after_restore(atlas)
    assert words(atlas, damage) == (
        f"done/{done.id}: Its result is not whole: model.glb is missing in output/. Retry it: it is"
        " made again."
    )


def test_what_is_whole_is_left_alone(world: World, tmp_path: Path) -> None:
    world.done(), world.failed(), world.claimed(), world.held()
    lifecycle.submit(world.atlas, world.draft())
    world.drop("Raw")
    world.shell()
    before = {state: len(world.atlas.places(state)) for state in State}
    atlas = brought_back(world, tmp_path / "back")
    assert after_restore(atlas) == []
    assert {state: len(atlas.places(state)) for state in State} == before
