"""What simulated houses found where people copy job folders, or take their files away: each told once more as a story of its own."""

from __future__ import annotations

import errno
import shutil
from unittest.mock import patch

import pytest

from layout import cancelled, claims, lifecycle
from layout.disk import LineFault
from layout.manifest import write_job
from layout.tree import Atlas, State
from pipeline.runner import due
from tests.simulation.test_found_listings import Skipping
from tests.support.fleet import Fleet


def test_a_refused_job_that_was_copied_into_processing_is_identified_anew(fleet: Fleet) -> None:
    """It waited for ever for a worker that knows jobs of no kind."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    job = fleet.job(place)
    job.kind = None
    write_job(fleet.atlas.disk, place.path, job)
    place.path.rename(fleet.atlas.processing / f"{place.id}@refused.0")
    (held,) = fleet.places(State.PROCESSING)
    seized = lifecycle.seize(fleet.atlas, held, "host-intake-0000")
    assert due.verdict(fleet.atlas, seized, 3, ended=True)[0] is due.Due.ANEW
    shell = lifecycle.accept_anew(fleet.atlas, seized)
    fleet.intake.shells.complete(shell)
    (place,) = fleet.places(State.CLAIMED)
    assert fleet.job(place).kind == "scan"


def test_a_waiting_job_of_no_kind_is_not_sound(fleet: Fleet) -> None:
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    assert fleet.intake.reaper._is_sound(place)
    job = fleet.job(place)
    job.kind = None
    write_job(fleet.atlas.disk, place.path, job)
    assert not fleet.intake.reaper._is_sound(place)


def test_a_copy_in_claimed_without_its_job_json_gets_an_id_of_its_own(fleet: Fleet) -> None:
    """Cut short before it came, or copied from a drop that was being accepted."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    copied = place.path.with_name(f"{place.id}@refused.0")
    shutil.copytree(place.path, copied, ignore=shutil.ignore_patterns("job.json"))
    copy = next(each for each in fleet.places(State.CLAIMED) if each.path == copied)
    shell = lifecycle.accept_anew(fleet.atlas, copy)
    assert shell.id != place.id
    (place.path / "job.json").write_text("{")
    fleet.atlas.disk.remove_tree(shell.path)
    assert lifecycle.accept_anew(fleet.atlas, place).id == place.id  # nobody else bears it


@pytest.mark.parametrize("bare", [False, True], ids=["with its job.json", "without"])
@pytest.mark.parametrize("dragged", [False, True], ids=["in claimed", "in inbox"])
def test_a_listing_that_lacks_a_job_gives_its_copy_no_leave_to_bear_its_id(
    fleet: Fleet, bare: bool, dragged: bool
) -> None:
    """One listing decided: the copy was started and finished as the job that it was copied from."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    left_out = shutil.ignore_patterns("job.json") if bare else None
    target = fleet.atlas.inbox / place.id if dragged else place.path.with_name(f"{place.id}@mesh.0")
    shutil.copytree(place.path, target, ignore=left_out)
    blind = Atlas(fleet.atlas.root, Skipping("claimed"))
    if not dragged:
        copy = next(each for each in fleet.places(State.CLAIMED) if each.path == target)
        assert lifecycle.accept_anew(blind, copy).id != place.id
    elif bare:
        assert claims.identify_bare(blind, place.id).id != place.id
    else:
        job = claims.request(blind, place.id)
        assert job and claims.identify_folder(blind, place.id, job, changing=False).id != place.id


def test_a_job_without_files_that_is_taken_on_again_fails_with_words(fleet: Fleet) -> None:
    """A retry of a job whose files a person took away was "being accepted" for ever."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    (place.path / "input/vase/a.xyz").unlink()
    (place.path / "input/vase/READY").unlink()
    place.path.rename(fleet.atlas.inbox / place.id)
    lifecycle.claim_job(fleet.atlas, place.id, "scan", place.id, 0)
    shells = fleet.intake.shells
    shells._bare.clock = lambda: fleet.now
    for _ in range(3):
        shells.complete_left()
        (waiting,) = fleet.places(*State)
        assert waiting.hidden
        fleet.now += fleet.settings.worker.beat + 1
    fleet.now += fleet.settings.intake.patience
    shells.complete_left()
    (place,) = fleet.places(*State)
    assert place.state is State.FAILED
    assert "deleted" in (place.path / "error.txt").read_text()


@pytest.mark.parametrize("cut_short", [False, True], ids=["at once", "at the second try"])
def test_a_copy_that_brought_its_error_along_gets_an_id_of_its_own(
    fleet: Fleet, cut_short: bool
) -> None:
    """A failed job was sent back, copied from inbox/ to failed/, and failed again: both bore one id
    for ever, since the copy looked like one that had been told about (seed 590890); so it did where
    the share was full once it had its id, and not yet its name (seed 5305)."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    place.path.rename(fleet.atlas.failed / place.path.name)
    fleet.intake.reaper.round()
    (failed,) = fleet.places(State.FAILED)
    waiting = lifecycle.retry(fleet.atlas, failed)
    shutil.copytree(waiting.path, failed.path)
    if cut_short:
        full = LineFault(errno.EDQUOT, "Disk quota exceeded", str(failed.path))
        with patch.object(cancelled, "move", side_effect=full), pytest.raises(LineFault):
            fleet.intake.reaper.round()
        assert fleet.places(State.FAILED) == [failed]
    fleet.intake.reaper.round()
    (copy,) = fleet.places(State.FAILED)
    assert (copy.id == place.id, waiting.path.exists()) == (False, True)
    assert fleet.job(copy).copy_of == place.id
    assert (copy.path / "error.txt").is_file()
    fleet.intake.reaper.round()
    assert fleet.places(State.FAILED) == [copy]


def test_a_bare_copy_in_inbox_does_not_take_the_id_of_its_job_beside_it(fleet: Fleet) -> None:
    """A shell of a refused drop was copied to inbox/, and its job sent back there (seed 2007478)."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    copied = fleet.atlas.inbox / f"{place.id}@refused.0"
    shutil.copytree(place.path, copied, ignore=shutil.ignore_patterns("job.json"))
    place.path.rename(fleet.atlas.inbox / place.id)
    claim = claims.identify_bare(fleet.atlas, copied.name)
    assert (claim.id == place.id, claim.copy_of) == (False, place.id)
    shutil.rmtree(fleet.atlas.inbox / place.id)
    assert claims.identify_bare(fleet.atlas, copied.name).id == place.id  # nobody else bears it
