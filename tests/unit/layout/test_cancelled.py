"""A job that a person dragged to failed/ gets its name and a reason."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

from layout import lifecycle, tree
from layout.tree import State
from tests.support.baddisk import Crash, Fault, at
from tests.support.crew import FAILED, Reaper, World
from tests.unit.layout.test_mend import job_at, names_in


# -- tidy --------------------------------------------------------------------------------------
def test_a_dragged_job_gets_its_name_its_n_and_a_reason(world: World) -> None:
    """However far the worker had got, and whoever tidies, once or twice."""
    held = lifecycle.start(world.atlas, world.claimed(), "host-gpu0-aaaa")
    dragged = lifecycle.cancel(world.atlas, held)
    tidied = lifecycle.tidy(world.atlas, dragged)
    assert tidied == world.atlas.at_failed(held.id)
    assert "Cancelled by a person." in (tidied.path / tree.ERROR_TEXT).read_text()
    assert [(start.n, start.noted) for start in job_at(world, tidied).starts] == [(1, "cancelled")]
    before = names_in(tidied.path)
    assert lifecycle.tidy(world.atlas, tidied) == tidied
    assert lifecycle.tidy(world.atlas, dragged) is None
    assert names_in(tidied.path) == before


def test_tidying_never_replaces_a_reason_that_one_look_missed(world: World) -> None:
    """A page hidden by a stale negative entry or a skipped listing is still the page."""
    failed = world.failed()
    for number in itertools.count(1):
        atlas = world.mounted(at(number, Fault("unseen")))
        lifecycle.tidy(atlas, failed)
        assert FAILED.message in (failed.path / tree.ERROR_TEXT).read_text()
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


def test_tidying_may_die_anywhere_and_is_completed(tmp_path: Path) -> None:
    """The next reaper gives the folder its plain name and reason; nothing stays of the torn writes."""
    for kind in ("crash", "torn"):
        for number in itertools.count(1):
            world = World(tmp_path / f"{kind}-{number}")
            dragged = lifecycle.cancel(world.atlas, world.held())
            atlas = world.mounted(at(number, Fault(kind)))
            try:
                lifecycle.tidy(atlas, dragged)
            except Crash:
                pass
            world.recover()
            world.check_rest()
            assert [place.path.name for place in world.atlas.places(State.FAILED)] == [dragged.id]
            if not atlas.disk.hit:  # type: ignore[attr-defined]
                break


def test_a_copy_in_failed_gets_an_id_of_its_own(world: World) -> None:
    """Copied, not dragged, out of claimed/: the first one still waits under the old id."""
    place = world.claimed()
    copy = world.atlas.failed / place.path.name
    shutil.copytree(place.path, copy)
    (copy / tree.INPUT / "Vase" / "scan.ply").write_text(world.token())
    (found,) = world.atlas.places(State.FAILED)
    tidied = lifecycle.tidy(world.atlas, found)
    assert tidied and tidied.id != place.id
    assert (job_at(world, tidied).copy_of, job_at(world, tidied).id) == (place.id, tidied.id)
    world.recover()
    world.check_rest()


def test_a_copy_whose_tidier_was_killed_gets_an_id_of_its_own_all_the_same(world: World) -> None:
    """At every call: it never stands under the first one's id with a reason, as if all were done."""
    for number in itertools.count(1):
        place = world.done()
        copy = world.atlas.failed / place.id
        shutil.copytree(place.path, copy)
        (copy / tree.INPUT / "Vase" / "scan.ply").write_text(world.token())
        (found,) = world.atlas.places(State.FAILED)
        atlas, killed = world.mounted(at(number, Fault("crash"))), False
        try:
            lifecycle.tidy(atlas, found)
        except Crash:
            killed = True
        (left,) = world.atlas.places(State.FAILED)
        tidied = lifecycle.tidy(world.atlas, left)
        assert tidied and tidied.id != place.id and tidied.path == world.atlas.failed / tidied.id
        assert (tidied.path / tree.ERROR_TEXT).is_file()
        for ended in (tidied, place):
            lifecycle.delete(world.atlas, ended)
        if not killed:
            return


def test_a_copy_that_was_cut_short_takes_nobody_s_id(world: World) -> None:
    """Nothing but the folder came: without job.json nobody can tell, so the one that stands keeps its id."""
    place = world.claimed()
    (world.atlas.failed / place.path.name).mkdir()
    (found,) = world.atlas.places(State.FAILED)
    tidied = lifecycle.tidy(world.atlas, found)
    assert tidied and tidied.id != place.id and job_at(world, tidied).copy_of == place.id
    assert lifecycle.find(world.atlas, place.id) == place


def test_what_bears_no_job_s_name_is_left_alone(world: World) -> None:
    """A person's folder, a file manager's file, a folder named like no job: none is a place, none is touched."""
    for state in (State.CLAIMED, State.PROCESSING, State.DONE, State.FAILED):
        (world.root / state / "My notes").mkdir()
        (world.root / state / ".DS_Store").touch()
        (world.root / state / "scan.ply").touch()
    world.recover()
    for state in (State.CLAIMED, State.PROCESSING, State.DONE, State.FAILED):
        assert world.atlas.places(state) == []
        assert world.atlas.strangers(state) == ["My notes", "scan.ply"]


def test_a_drop_dragged_away_while_it_was_accepted_gets_a_reason(world: World) -> None:
    """It has no job.json yet and may bear its hidden name: it is tidied all the same and can be retried."""
    shell = world.shell()
    shell.path.rename(world.atlas.failed / shell.path.name)
    Reaper(world.atlas, "host-intake-aaaa").round(lambda worker: True)
    (place,) = world.atlas.places(State.FAILED)
    assert place.path.name == shell.id and (place.path / tree.ERROR_TEXT).is_file()
    lifecycle.retry(world.atlas, place)
    world.recover()
    world.check_rest()
    assert [place.id for place in world.atlas.places(State.DONE)] == [shell.id]


def test_a_job_cancelled_under_a_name_of_the_persons_own_is_recognised(world: World) -> None:
    """job.json tells who it is: it gets its reason and its plain name like any other; what was tidied before keeps the person's name."""
    held, other = world.held(), world.failed()
    held.path.rename(world.atlas.failed / "my renamed thing")
    other.path.rename(world.atlas.failed / "keep this name")
    for name in world.atlas.strangers(State.FAILED):
        if place := lifecycle.recognise(world.atlas, name):
            tidied = lifecycle.tidy(world.atlas, place)
            assert tidied is not None and tidied.path == world.atlas.failed / held.id
    assert (world.atlas.failed / held.id / "error.txt").is_file()
    assert world.atlas.strangers(State.FAILED) == ["keep this name"]
    world.check()
