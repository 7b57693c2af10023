"""What somebody left behind is mended by anybody, as often as you like, and never at the cost of a person's files."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

from layout import lifecycle, move, names, tree
from layout.disk import LineFault
from layout.lifecycle import Gone, Occupied
from layout.manifest import ErrorFile, JobFile
from layout.tree import Place, State
from tests.support.baddisk import Fault, at
from tests.support.crew import FAILED, LEGS, MAX_CRASHES, Intake, World


def job_at(world: World, place: Place) -> JobFile:
    job = lifecycle.readable_job(world.atlas, place.path)
    assert job is not None
    return job


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_harmed_result_of_a_poisoned_job_is_not_shown_as_one(world: World) -> None:
    """It goes to earlier/<n>/."""
    place = world.with_result()
    (place.path / tree.OUTPUT / "model.glb").write_text("bit rot")
    failed = lifecycle.fail(world.atlas, place, FAILED)
    assert not (failed.path / tree.OUTPUT).exists()
    assert (failed.path / tree.EARLIER / "1" / tree.OUTPUT / "model.glb").is_file()


def test_an_error_page_of_a_failure_that_was_never_reached_does_not_stay(world: World) -> None:
    """Its writer died before the rename; the job ran again and came out well."""
    place = world.held()
    lifecycle.write_error(world.atlas, place.path, FAILED, None)
    world.recover()
    (done,) = world.atlas.places(State.DONE)
    assert not (done.path / tree.ERROR_TEXT).exists() and not (done.path / tree.ERROR).exists()


def test_a_lost_edge_still_counts_its_start(world: World) -> None:
    """The reaper fails a job whose start was never noted: the retry must not use n again."""
    held = lifecycle.start(world.atlas, world.claimed(), "host-gpu0-aaaa")
    failed = lifecycle.fail(world.atlas, held, FAILED)
    again = Intake(world.atlas).take(lifecycle.retry(world.atlas, failed).path.name)
    assert again.n == 1


def test_beside_an_occupied_name_a_job_takes_the_next_free_number(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """<id>-<n> beside <id>, both with their reasons. A third one stood in processing/ for ever, until a person looked."""
    held = world.held()
    (world.atlas.failed / held.id).mkdir()
    (world.atlas.failed / held.id / "something").touch()
    twin = lifecycle.fail(world.atlas, held, FAILED)
    assert twin.path.name == f"{held.id}-1"
    assert [place.path.name for place in world.atlas.places(State.FAILED)] == [
        held.id,
        twin.path.name,
    ]
    assert lifecycle.tidy(world.atlas, twin) == twin
    third = world.held()
    for name in (third.id, f"{third.id}-1"):
        (world.atlas.failed / name / "x").mkdir(parents=True)
    third = lifecycle.fail(world.atlas, third, FAILED)
    assert (third.path.name, third.n) == (f"{third.id}-2", 2)
    assert third in world.atlas.places(State.FAILED)
    fourth = world.held()
    monkeypatch.setattr(move, "TWINS", 1)
    for name in (fourth.id, f"{fourth.id}-1"):
        (world.atlas.failed / name / "x").mkdir(parents=True)
    with pytest.raises(Occupied):  # words tell a person to look
        lifecycle.fail(world.atlas, fourth, FAILED)
    assert fourth.path.is_dir()


def test_an_empty_folder_in_the_way_is_not_silently_replaced(world: World) -> None:
    """rename(2) would; even where the first look does not see it nothing of a person's is replaced but an empty folder."""
    held = world.held()
    (world.atlas.failed / held.id).mkdir()
    assert lifecycle.fail(world.atlas, held, FAILED).path.name == f"{held.id}-1"
    assert (world.atlas.failed / held.id).is_dir()


def test_a_full_folder_that_was_not_seen_in_the_way_is_occupied(world: World) -> None:
    """A stale look says it is free; the rename says it is not: the job takes the name with its n."""
    held = world.held()
    (world.atlas.failed / held.id / "x").mkdir(parents=True)
    blind = world.mounted(
        lambda call: (
            Fault("unseen") if call.name == "lstat" and call.args[0].name == held.id else None
        )
    )
    assert lifecycle.fail(blind, held, FAILED).path.name == f"{held.id}-1"


# -- empty shells ------------------------------------------------------------------------------
def test_an_empty_shell_goes_and_a_full_one_stays(world: World) -> None:
    """With rmdir only: what got its input between the look and the act survives."""
    empty = world.atlas.at_claimed(names.new_id("vase"), LEGS[0], 0, hidden=True)
    (empty.path / tree.INPUT).mkdir(parents=True)
    assert lifecycle.discard_empty(world.atlas, empty)
    assert lifecycle.discard_empty(world.atlas, empty)
    full = world.shell()
    for number in itertools.count(1):
        atlas = world.mounted(at(number, Fault("unseen")))
        assert not lifecycle.discard_empty(atlas, full)
        assert (full.path / tree.INPUT / "Vase" / "scan.ply").is_file()
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            break


def test_a_shell_with_nothing_but_a_half_written_job_json_goes_too(world: World) -> None:
    """Its intake died while it wrote, and then somebody took the drop out of input/."""
    shell = world.atlas.at_claimed(names.new_id("x"), "scan", 0, hidden=True)
    (shell.path / tree.INPUT).mkdir(parents=True)
    (shell.path / f".{tree.JOB}.1a2b3c4d").write_bytes(b"{")
    assert lifecycle.discard_empty(world.atlas, shell)
    assert not shell.path.exists()


def test_a_shell_that_fills_while_it_is_removed_survives(world: World) -> None:
    """Whatever arrives between any two calls of the removal is still there afterwards: nothing but rmdir is ever used."""
    for number in itertools.count(1):
        shell = world.atlas.at_claimed(names.new_id("vase"), LEGS[0], 0, hidden=True)
        (shell.path / tree.INPUT).mkdir(parents=True)

        def fill(shell: Place = shell) -> None:
            (shell.path / tree.INPUT).mkdir(exist_ok=True)
            (shell.path / tree.INPUT / "scan.ply").write_text(world.token())

        atlas = world.mounted(at(number, Fault("meanwhile", act=fill)))
        lifecycle.discard_empty(atlas, shell)
        world.check()
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


def test_a_shell_that_is_emptied_under_a_slow_intake_costs_nothing(world: World) -> None:
    """Another intake removes the shell between its mkdir and the rename: the drop stays in inbox/ and is claimed next time."""
    for number in itertools.count(1):
        name = world.drop(f"Vase {number}")

        def remove() -> None:
            for shell in world.atlas.places(State.CLAIMED):
                if shell.hidden:
                    lifecycle.discard_empty(world.atlas, shell)

        atlas = world.mounted(at(number, Fault("meanwhile", act=remove)))
        try:
            lifecycle.claim_drop(atlas, name, LEGS[0])
        except Gone:
            assert (world.atlas.inbox / name).is_dir()
        world.check()
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


def test_a_shell_with_a_job_json_is_not_empty(world: World) -> None:
    """Even if input/ is: a person took the files, the reason is still to be given."""
    place = lifecycle.submit(world.atlas, world.draft())
    world.taken_away.update(world.tokens)
    shell = lifecycle.claim_job(world.atlas, place.path.name, LEGS[0], place.id, 0)
    shutil.rmtree(shell.path / tree.INPUT)
    (shell.path / tree.INPUT).mkdir()
    assert not lifecycle.discard_empty(world.atlas, shell)
    assert (shell.path / tree.INPUT).is_dir()


# -- trash, find, errors ----------------------------------------
def test_a_deleted_twin_is_kept_as_the_job_it_is(world: World) -> None:
    """The sweep knows a deleted job by its id, whatever its folder was called, and two of one name and day do not meet."""
    for _ in range(2):
        place = lifecycle.cancel(world.atlas, world.held())
        trashed = lifecycle.delete(world.atlas, place)
        assert names.is_id(trashed.name.partition("~")[2].rpartition(".")[0])
    assert len(set(names_in(world.atlas.trash))) == 2


def test_a_waiting_job_on_an_unknown_queue_gets_the_right_one(world: World) -> None:
    """It stays in claimed/, keeps its n, and a rival's correction is no harm."""
    place = world.claimed()
    corrected = lifecycle.requeue(world.atlas, place, "views")
    assert (corrected.queue, corrected.n, corrected.path.is_dir()) == ("views", 0, True)
    with pytest.raises(Gone):
        lifecycle.requeue(world.atlas, place, "mesh")


def test_an_error_page_says_what_happened_and_what_to_do(world: World) -> None:
    """For the person who dropped the files; error.json says the same to machines."""
    error = ErrorFile(
        error="NoOverlap",
        who="submitter",
        message="No two passes match.",
        remedy="Scan again.",
        stage="align",
        n=2,
    )
    failed = lifecycle.fail(world.atlas, world.held(), error)
    page = (failed.path / tree.ERROR_TEXT).read_text()
    for words in (
        "Vase: no result",
        "No two passes match.",
        "stage align (start 2)",
        "Scan again.",
        "back to inbox/",
    ):
        assert words in page
    assert ErrorFile.load((failed.path / tree.ERROR).read_bytes()) == error


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a marker of the file manager"])
def test_an_error_page_does_not_promise_files_that_are_gone(world: World, left: str) -> None:
    """A person deleted them: "your files are in input/, untouched" would be believed."""
    place = world.held()
    inside = place.path / tree.INPUT
    shutil.rmtree(inside)
    if left != "nothing":
        (inside / "Vase").mkdir(parents=True)
    if left.startswith("a marker"):
        (inside / "Vase" / ".DS_Store").touch()
    page = (lifecycle.fail(world.atlas, place, FAILED).path / tree.ERROR_TEXT).read_text()
    assert "untouched" not in page and "no longer in input/: put them back there" in page


def test_a_torn_write_in_a_finished_folder_is_cleared_away(world: World) -> None:
    """What an interrupted replace left beside job.json does not stay in done/."""
    place = world.with_result()
    (place.path / ".job.json.0a1b2c3d").write_text("half")
    (place.path / ".PROGRESS.txt.0a1b2c3d").write_text("half")
    done = lifecycle.finish(world.atlas, place)
    assert [name for name in names_in(done.path) if name.startswith(".")] == []


def test_a_finish_whose_reply_was_lost_is_a_finish(world: World) -> None:
    """Tried again after the folder already stands in done/, it says where."""
    place = world.with_result()
    done = lifecycle.finish(world.atlas, place)
    assert lifecycle.finish(world.atlas, place) == done


def test_a_line_fault_while_settling_moves_nothing(world: World) -> None:
    """The verdict is never formed on an error of the disk."""
    place = world.held()
    for number in itertools.count(1):
        atlas = world.mounted(at(number, Fault("fail")))
        try:
            lifecycle.due(atlas, place, MAX_CRASHES, ended=True)
            return
        except LineFault:
            assert place.path.is_dir()


def test_a_job_json_that_cannot_be_read_is_copied_aside_once_and_replaces_none(
    world: World,
) -> None:
    """As often as it is mended; another one beside the first, and a folder of that name moved."""
    shell = world.shell()
    job, kept = shell.path / tree.JOB, shell.path / tree.EARLIER / str(shell.n)
    for text in ("torn", "torn", "torn again"):
        job.write_text(text)
        lifecycle.keep_job(world.atlas, shell.path, shell.n)
        assert job.read_text() == text
    assert sorted(path.read_text() for path in kept.iterdir()) == ["torn", "torn again"]
    job.unlink()
    lifecycle.keep_job(world.atlas, shell.path, shell.n)
    job.mkdir()
    lifecycle.keep_job(world.atlas, shell.path, shell.n)
    assert not job.exists() and len(names_in(kept)) == 3
