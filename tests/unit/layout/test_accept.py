"""Acceptance: a job.json that comes with a drop is a request; a move keeps the id, a copy gets a new one; nothing is done twice."""

from __future__ import annotations

import shutil

import pytest

from layout import accept, lifecycle, tree
from layout.accept import AcceptedRequest
from layout.lifecycle import REFUSED, Gone, WrongState
from layout.manifest import JobFile
from layout.promote import promote
from layout.tree import Place, State
from tests.support.baddisk import Fault, at
from tests.support.crew import FAILED, LEGS, REJECTED, Intake, World

FACTS = AcceptedRequest("scan", {"unit": "mm"}, frozenset(), "quiet")


def job_at(world: World, place: Place) -> JobFile:
    job = lifecycle.readable_job(world.atlas, place.path)
    assert job is not None
    return job


def test_accepting_again_what_an_earlier_run_left_overwrites_nothing(world: World) -> None:
    """Cancelled twice before any start: both reasons are kept in the same earlier/<n>/."""
    place = world.claimed()
    for _ in range(2):
        tidied = lifecycle.tidy(world.atlas, lifecycle.cancel(world.atlas, place))
        assert tidied
        place = Intake(world.atlas).take(lifecycle.retry(world.atlas, tidied).path.name)
    assert sorted(
        path.name.partition(".txt")[0]
        for path in (place.path / tree.EARLIER / "0").glob("error.txt*")
    ) == ["error", "error"]


def test_two_intakes_may_complete_one_shell_and_a_worker_may_have_it_by_then(world: World) -> None:
    """The slower one hears Gone at every call and changes nothing in the folder that runs."""
    for number in range(1, 40):
        shell = world.shell()
        held: list[Place] = []

        def faster(shell: Place = shell, held: list[Place] = held) -> None:
            held.append(
                lifecycle.start(
                    world.atlas,
                    accept.accept(world.atlas, shell, FACTS),
                    f"host-gpu0-{world.nonce()}",
                )
            )
            lifecycle.record_start(world.atlas, held[0])
            (held[0].path / tree.PROGRESS).write_text("running")

        slow = world.mounted(at(number, Fault("meanwhile", act=faster)))
        try:
            accept.accept(slow, shell, FACTS)
            assert not slow.disk.hit  # type: ignore[attr-defined]
            return
        except Gone:
            job = job_at(world, held[0])
            assert (job.starts[0].n, job.starts[0].worker) == (1, held[0].worker)
            assert (held[0].path / tree.PROGRESS).read_text() == "running"
            assert not (held[0].path / tree.EARLIER).exists()
    raise AssertionError("accepting makes that many calls?")


def test_a_start_after_the_look_that_a_job_is_claimed_by_counts(world: World) -> None:
    """Looked at in inbox/ before start 1, claimed after it failed and was sent back: start 1 came
    twice."""
    place = world.claimed()
    held = lifecycle.start(world.atlas, place, f"host-gpu0-{world.nonce()}")
    lifecycle.record_start(world.atlas, held)
    back = lifecycle.retry(world.atlas, lifecycle.fail(world.atlas, held, FAILED))
    shell = lifecycle.claim_job(world.atlas, back.path.name, "scan", back.id, place.n)
    again = accept.accept(world.atlas, shell, FACTS)
    assert (place.n, again.n) == (0, 1)
    accepted = job_at(world, again).accepted
    assert accepted and accepted.n == 1
    assert (again.path / tree.EARLIER / "1" / "error.txt").exists()


def test_a_refused_drop_is_never_accepted(world: World) -> None:
    """It leaves by r; dropping the dot is refused."""
    shell = lifecycle.claim_drop(world.atlas, world.drop("bad"), REFUSED)
    with pytest.raises(WrongState):
        accept.accept(world.atlas, shell, FACTS)
    with pytest.raises(WrongState):
        lifecycle.reveal(world.atlas, shell)
    job = accept.job_of(world.atlas, shell, FACTS)
    place = lifecycle.refuse(world.atlas, shell, job, REJECTED)
    assert (job_at(world, place).kind, place.state) == (None, State.FAILED)
    assert "This is no scan." in (place.path / tree.ERROR_TEXT).read_text()


def test_refusing_a_job_that_failed_before_keeps_both_reasons(world: World) -> None:
    """The old page goes to earlier/<n>/, the new one stands in the folder."""
    failed = world.failed()
    retried = lifecycle.retry(world.atlas, failed)
    shell = lifecycle.claim_job(world.atlas, retried.path.name, REFUSED, failed.id, 1)
    place = lifecycle.refuse(world.atlas, shell, accept.job_of(world.atlas, shell, FACTS), REJECTED)
    assert FAILED.message in (place.path / tree.EARLIER / "1" / tree.ERROR_TEXT).read_text()
    assert REJECTED.message in (place.path / tree.ERROR_TEXT).read_text()


def test_a_job_without_input_can_still_be_refused(world: World) -> None:
    """Its files were deleted: the page says so instead of the intake stumbling for ever."""
    place = lifecycle.submit(world.atlas, world.draft())
    world.taken_away.update(world.tokens)
    shutil.rmtree(place.path / tree.INPUT)
    shell = lifecycle.claim_job(world.atlas, place.path.name, REFUSED, place.id, 0)
    job = accept.job_of(world.atlas, shell, FACTS)
    assert job.manifest == []
    assert lifecycle.refuse(world.atlas, shell, job, REJECTED).state is State.FAILED


def test_work_of_an_earlier_run_is_not_used_again(world: World) -> None:
    """The retry may have other options and other files: finished legs go to trash/."""
    held = world.held()
    promote(world.atlas, held, world.result(held), f"{tree.WORK}/{LEGS[0]}")
    failed = lifecycle.fail(world.atlas, held, FAILED)
    place = Intake(world.atlas).take(lifecycle.retry(world.atlas, failed).path.name)
    assert not (place.path / tree.WORK).exists()
    assert lifecycle.first_leg(world.atlas, place, dict.fromkeys(LEGS, "")) == LEGS[0]


def test_options_are_of_the_job_toml_that_is_there(world: World) -> None:
    """The intake's rename hung; meanwhile another claimed the drop, and a person dropped another one
    of its name, which has no job.toml."""
    read = FACTS._replace(asked=("job.toml", "0" * 64))
    shell = world.shell()
    with pytest.raises(Gone):
        accept.accept(world.atlas, shell, read)
    assert lifecycle.readable_job(world.atlas, shell.path) is None
    (inside,) = (shell.path / tree.INPUT).iterdir()
    (inside / "job.toml").write_text('unit = "mm"\n')
    place = accept.accept(world.atlas, shell, read)
    assert job_at(world, place).options == {"unit": "mm"}
