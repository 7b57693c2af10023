"""A job is found by its id, wherever it stands and while it moves."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from layout import lifecycle, names
from layout.disk import Disk, Entry
from layout.tree import Atlas, Place, State
from tests.support.baddisk import Fault, at
from tests.support.crew import FAILED, LEGS, World
from tests.support.trees import new_tree


def test_a_job_is_found_wherever_it_stands(world: World) -> None:
    """In every state and under every name, and not where it never was."""
    places = [
        world.atlas.at_inbox(lifecycle.submit(world.atlas, world.draft()).id), world.shell(), world.claimed(), world.held(), world.done(),
        world.failed(), lifecycle.cancel(world.atlas, world.claimed()),
    ]  # fmt: skip
    for place in places:
        found = lifecycle.find(world.atlas, place.id)
        assert found and found.path == place.path
    assert lifecycle.find(world.atlas, names.new_id("vase")) is None


def test_a_job_is_found_rather_than_its_copy(world: World) -> None:
    """A copy in inbox/ bears the same name until it is accepted."""
    held = world.held()
    shutil.copytree(held.path, world.atlas.inbox / held.id)
    assert lifecycle.find(world.atlas, held.id) == held


def test_a_job_that_moves_between_two_looks_is_found(world: World) -> None:
    """Released, seized, retried or finished between any two calls of the search."""
    for number in itertools.count(1):
        for move in (
            lambda place: lifecycle.release(world.atlas, place, LEGS[0], "drained"),
            lambda place: lifecycle.seize(world.atlas, place, "host-intake-aaaa"),
            lambda place: lifecycle.retry(world.atlas, lifecycle.fail(world.atlas, place, FAILED)),
        ):
            held = world.held()
            atlas = world.mounted(
                at(number, Fault("meanwhile", act=lambda held=held, move=move: move(held)))
            )
            assert lifecycle.find(atlas, held.id) is not None
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


@pytest.mark.parametrize("copied", ["nothing yet", "all"])
@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_a_job_is_found_rather_than_a_copy_that_took_its_name_at_the_end(
    world: World, copied: str, state: State
) -> None:
    """A person copies a running job's folder to where it will end: the job ends beside it, and the API told of the copy."""
    held = world.with_result()
    copy = world.atlas.root / state / held.id
    if copied == "all":
        shutil.copytree(held.path, copy)
    else:
        copy.mkdir()
    if state is State.DONE:
        ended = lifecycle.finish(world.atlas, held)
    else:
        ended = lifecycle.fail(world.atlas, held, FAILED)
    assert ended.path != copy
    assert lifecycle.find(world.atlas, held.id) == ended


def test_a_job_whose_inodes_all_changed_is_found_still(world: World) -> None:
    """After a restore, and on shares that change them."""
    done = world.done()
    aside = world.atlas.root / "aside"
    shutil.copytree(done.path, aside)
    shutil.rmtree(done.path)
    aside.rename(done.path)
    assert lifecycle.find(world.atlas, done.id) == done


def test_jobs_that_were_jobs_at_the_last_look_are_not_judged_again(tmp_path: Path) -> None:
    """done/ may hold a hundred thousand: one listing of names, unless something new is there."""
    atlas = new_tree(tmp_path / "atlas")
    first, second = atlas.done / "vase-0123456789", atlas.done / "mug-0123456789"
    first.mkdir()
    jobs: set[str] = set()
    assert atlas.strangers(State.DONE, jobs) == [] and jobs == {first.name}
    judged: list[str] = []
    place = atlas.place

    def judging(state: State, entry: Entry) -> Place | None:
        judged.append(entry.name)
        return place(state, entry)

    atlas.place = judging  # type: ignore[method-assign]
    assert atlas.strangers(State.DONE, jobs) == [] and judged == []
    second.mkdir()
    (atlas.done / "holiday").mkdir()
    assert atlas.strangers(State.DONE, jobs) == ["holiday"] == atlas.strangers(State.DONE)
    assert jobs == {first.name, second.name}


def test_states_are_looked_at_in_the_same_order_in_every_process(world: World) -> None:
    """It hung on the order of a set, which each process draws anew: a simulated house told another
    story then."""

    class Recording(Disk):
        def scandir(self, path: Path) -> list[Entry]:
            looked.append(path.name)
            return super().scandir(path)

    looked: list[str] = []
    atlas = Atlas(world.atlas.root, Recording(durable=False))
    assert lifecycle.find(atlas, names.new_id("vase")) is None
    assert looked == [*LOOK, "failed", *LOOK, "failed", "done"]


LOOK = ("inbox", "claimed", "processing")
