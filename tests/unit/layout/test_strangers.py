"""What stands among the jobs under another name is told for what it is: a job's folder is nobody's "no job"."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from layout import strangers
from layout.tree import Place, State
from tests.support.baddisk import Call, Fault
from tests.support.crew import World


def dragged(world: World, place: Place, state: State, name: str) -> str:
    """What is said of PLACE after a person moved it to STATE/NAME."""
    goal = world.atlas.root / state / name
    place.path.rename(goal)
    assert name in world.atlas.strangers(state)
    return strangers.words(world.atlas, state, name)


@pytest.mark.parametrize("state", [State.CLAIMED, State.PROCESSING])
@pytest.mark.parametrize("at", ["claimed", "held", "failed", "done"])
def test_a_job_that_was_renamed_or_dragged_says_how_it_goes_on(
    world: World, state: State, at: str
) -> None:
    place: Place = getattr(world, at)()
    said = dragged(world, place, state, "my nice vase" if at in ("claimed", "held") else place.id)
    assert f"is the folder of job {place.id}" in said and "move it to inbox/" in said
    assert (f"or to done/ under the name {place.id}" in said) is (at == "done")


def test_a_renamed_result_says_which_name_it_is_found_under(world: World) -> None:
    place = world.done()
    said = dragged(world, place, State.DONE, "for Anna")
    assert (
        said == f"is job {place.id} under another name, and is not found: rename it to {place.id}"
    )


@pytest.mark.parametrize("state", [State.CLAIMED, State.PROCESSING, State.DONE])
def test_a_copy_is_told_from_the_job_that_it_was_made_of(world: World, state: State) -> None:
    place = world.done()
    shutil.copytree(place.path, world.atlas.root / state / f"{place.id} - Copy")
    said = strangers.words(world.atlas, state, f"{place.id} - Copy")
    assert said.startswith(f"is a copy of job {place.id}") and "delete it" in said


def test_the_only_copy_that_is_left_is_the_job(world: World, tmp_path: Path) -> None:
    """As in a tree that was restored by copying: nobody may be told to delete it."""
    place = world.claimed()
    shutil.copytree(place.path, world.atlas.claimed / "restored")
    shutil.rmtree(place.path)
    assert "is the folder of job" in strangers.words(world.atlas, State.CLAIMED, "restored")


def test_what_holds_no_job_is_no_job(world: World) -> None:
    """A person's folder or file, one whose job.json is no job's, and one that may not be read."""
    for name in ("notes", "torn", "bogus"):
        (world.atlas.claimed / name).mkdir()
    (world.atlas.claimed / "scan.ply").touch()
    (world.atlas.claimed / "torn" / "job.json").write_text("{")
    (world.atlas.claimed / "bogus" / "job.json").mkdir()
    for name in world.atlas.strangers(State.CLAIMED):
        assert strangers.words(world.atlas, State.CLAIMED, name) == strangers.NO_JOB


@pytest.mark.parametrize("call", ["lstat", "read"])
def test_one_that_may_not_be_looked_at_is_told_and_hides_no_other(world: World, call: str) -> None:
    """Whatever stands beside it in the state's folder is named as ever."""
    barred = world.held().path.rename(world.atlas.processing / "barred")
    (world.atlas.processing / "plain").mkdir()
    world.held().path.rename(world.atlas.processing / "whole")

    def plan(at: Call) -> Fault | None:
        denied = at.name == call and Path(at.args[0]).is_relative_to(barred)
        return Fault("fail", errno.EPERM) if denied else None

    atlas = world.mounted(plan)
    told = {
        name: strangers.words(atlas, State.PROCESSING, name)
        for name in atlas.strangers(State.PROCESSING)
    }
    assert told["barred"].startswith("cannot be looked at: ")
    assert told["plain"] == strangers.NO_JOB and "is the folder of job" in told["whole"]
