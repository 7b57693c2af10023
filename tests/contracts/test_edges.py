"""Every edge of the lifecycle: it works, refuses wrong states, loses races cleanly and survives whatever happens at any file call.

The sweep is SQLite's: a fault at the first call, at the second, … until a run passes without it. After each one everybody else does
what there is to do, and then the promise must hold: the dropped bytes stand in exactly one place with a reason, there is one result
at most, and no start was forgotten.
"""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from layout import accept, lifecycle, names, tree
from layout.accept import AcceptedRequest
from layout.disk import LineFault
from layout.lifecycle import EDGES, REFUSED, Edge, Gone, Occupied, WrongState
from layout.manifest import JobFile, Source, now
from layout.promote import PathGone, promote
from layout.tree import Atlas, Place, State
from tests.support.baddisk import ERRNOS, BadDisk, Crash, Fault, Plan, at
from tests.support.crew import FAILED, LEGS, REJECTED, Intake, Reaper, World

FACTS = AcceptedRequest("scan", {}, frozenset(), "quiet")


class Scenario(NamedTuple):
    """PREPARE puts a job where the edge leaves from; ACT takes the edge through a given disk."""

    letter: str
    words: str
    prepare: Callable[[World], Any]
    act: Callable[[Atlas, Any], Any]


def _path(prepared: Any, world: World) -> Path:
    return (
        prepared.path
        if isinstance(prepared, Place)
        else prepared
        if isinstance(prepared, Path)
        else world.atlas.inbox / prepared
    )


def _submitted(world: World) -> Place:
    return lifecycle.submit(world.atlas, world.draft())


def _retried(world: World) -> str:
    return lifecycle.retry(world.atlas, world.failed()).path.name


def _refusable(world: World) -> Place:
    return lifecycle.claim_drop(world.atlas, world.drop("bad"), REFUSED)


def _refuse(atlas: Atlas, shell: Place) -> Place:
    return lifecycle.refuse(
        atlas, shell, accept.job_of(atlas, shell, FACTS._replace(kind=None)), REJECTED
    )


def _leg_done(world: World) -> Place:
    place = world.held()
    promote(world.atlas, place, world.result(place), f"{tree.WORK}/{LEGS[0]}")
    return place


def _job_shell(world: World) -> Place:
    return lifecycle.claim_job(
        world.atlas, _submitted(world).path.name, LEGS[0], world.atlas.places(State.INBOX)[0].id, 0
    )


def _trashed(prepare: Callable[[World], Place]) -> Callable[[World], Path]:
    """What is prepared, deleted."""
    return lambda world: lifecycle.delete(world.atlas, prepare(world))


SCENARIOS = (
    Scenario("a", "a finished draft", World.draft, lifecycle.submit),
    Scenario("b", "a folder", World.drop, lambda atlas, name: Intake(atlas).take(name)),
    Scenario(
        "b",
        "a single file",
        lambda world: world.drop("Vase.ply", one_file=True),
        lambda atlas, name: Intake(atlas).take(name),
    ),
    Scenario(
        "b",
        "a sealed job",
        lambda world: _submitted(world).path.name,
        lambda atlas, name: Intake(atlas).take(name),
    ),
    Scenario(
        "b",
        "a failed job that was dragged back",
        _retried,
        lambda atlas, name: Intake(atlas).take(name),
    ),
    Scenario(
        "b",
        "a shell that somebody left",
        World.shell,
        lambda atlas, shell: Intake(atlas).complete(shell),
    ),
    Scenario("r", "a drop of the wrong kind", _refusable, _refuse),
    Scenario("r", "a shell that was to be accepted", World.shell, _refuse),
    Scenario(
        "c",
        "a waiting job",
        World.claimed,
        lambda atlas, place: lifecycle.start(atlas, place, "host-gpu0-aaaa"),
    ),
    Scenario(
        "d",
        "a job whose first leg is done",
        _leg_done,
        lambda atlas, place: lifecycle.hand_on(atlas, place, LEGS[1]),
    ),
    Scenario("e", "a job with its result", World.with_result, lifecycle.finish),
    Scenario(
        "f",
        "a job whose stage failed",
        World.held,
        lambda atlas, place: lifecycle.fail(atlas, place, FAILED),
    ),
    Scenario(
        "g",
        "a job of a draining worker",
        World.held,
        lambda atlas, place: lifecycle.release(atlas, place, LEGS[0], "drained"),
    ),
    Scenario(
        "s",
        "a dead worker's job",
        World.held,
        lambda atlas, place: lifecycle.seize(atlas, place, "host-intake-aaaa"),
    ),
    Scenario("h", "a failed job", World.failed, lifecycle.retry),
    Scenario("i", "a sealed job in inbox/", _submitted, lifecycle.cancel),
    Scenario("i", "a waiting job", World.claimed, lifecycle.cancel),
    Scenario("i", "a running job", World.held, lifecycle.cancel),
    Scenario("i", "a sealed job that is being accepted", _job_shell, lifecycle.cancel),
    Scenario("j", "a finished job", World.done, lifecycle.delete),
    Scenario("j", "a failed job", World.failed, lifecycle.delete),
    Scenario("k", "a deleted finished job", _trashed(World.done), lifecycle.restore),
    Scenario("k", "a deleted failed job", _trashed(World.failed), lifecycle.restore),
)


@pytest.fixture(
    params=SCENARIOS, ids=lambda scenario: f"{scenario.letter}-{scenario.words.replace(' ', '-')}"
)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return request.param


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.verb)
def test_every_edge_has_a_scenario(edge: Edge) -> None:
    """An edge that nobody plays is an edge that nobody tested."""
    assert [scenario for scenario in SCENARIOS if scenario.letter == edge.letter]


def _goal(scenario: Scenario) -> str:
    target = next(edge.target for edge in EDGES if edge.letter == scenario.letter)
    if scenario.letter == "k":  # it goes back to where it came from
        return "failed" if "failed" in scenario.words else "done"
    return ".pipeline/trash" if scenario.letter == "j" else target.partition("/")[0]


def test_an_edge_ends_where_its_row_says(scenario: Scenario, tmp_path: Path) -> None:
    """The folder stands in the state that EDGES names and no longer where it stood; every promise holds."""
    world = World(tmp_path / "atlas")
    prepared = scenario.prepare(world)
    arrived = scenario.act(world.atlas, prepared)
    path = arrived.path if isinstance(arrived, Place) else arrived
    assert path.is_dir()
    assert str(path.parent.relative_to(world.root)) == _goal(scenario)
    assert not _path(prepared, world).exists()
    _forgive(scenario, world)
    world.recover()
    world.check_rest()


def _forgive(scenario: Scenario, world: World) -> None:
    """Edge j takes the bytes away on purpose, and before k they are still there."""
    if scenario.letter in "jk":
        world.taken_away.update(
            token for token, places in world.whereabouts().items() if not places
        )


VERBS: dict[str, Callable[[Atlas, Place], Any]] = {
    "a": lambda atlas, place: lifecycle.submit(atlas, place.path),
    "b": lifecycle.reveal,
    "r": lambda atlas, place: lifecycle.refuse(atlas, place, _any_job(place), REJECTED),
    "c": lambda atlas, place: lifecycle.start(atlas, place, "host-gpu0-aaaa"),
    "d": lambda atlas, place: lifecycle.hand_on(atlas, place, LEGS[1]),
    "e": lifecycle.finish,
    "f": lambda atlas, place: lifecycle.fail(atlas, place, FAILED),
    "g": lambda atlas, place: lifecycle.release(atlas, place, LEGS[0], None),
    "s": lambda atlas, place: lifecycle.seize(atlas, place, "host-intake-aaaa"),
    "h": lifecycle.retry,
    "i": lifecycle.cancel,
    "j": lifecycle.delete,
    "k": lambda atlas, place: lifecycle.restore(atlas, place.path),
}
STANDING: dict[str, Callable[[World], Place]] = {
    "inbox": _submitted,
    "shell": World.shell,
    "refused": _refusable,
    "claimed": World.claimed,
    "processing": World.with_result,
    "done": World.done,
    "failed": World.failed,
}
LEAVES_FROM = {
    "a": (), "b": ("shell",), "r": ("shell", "refused"), "c": ("claimed",), "d": ("processing",), "e": ("processing",),
    "f": ("processing",),
    "g": ("processing",), "s": ("processing",), "h": ("failed",), "i": ("inbox", "claimed", "processing"), "j": ("done", "failed"), "k": (),
}  # fmt: skip


def _any_job(place: Place) -> Any:
    return JobFile(id=place.id, source=Source(name="x", origin="share", at=now()))


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.verb)
@pytest.mark.parametrize("standing", STANDING)
def test_an_edge_is_refused_from_any_other_state(edge: Edge, standing: str, tmp_path: Path) -> None:
    """Asking for an edge that does not leave from here is answered in words, and nothing is touched."""
    if standing in LEAVES_FROM[edge.letter]:
        return
    world = World(tmp_path / "atlas")
    place = STANDING[standing](world)
    before = snapshot(world.root)
    with pytest.raises((WrongState, Gone)) as refused:
        VERBS[edge.letter](world.atlas, place)
    assert isinstance(refused.value, WrongState) or (edge.letter, standing) in {
        ("i", "shell"),
        ("i", "refused"),
    }
    assert snapshot(world.root) == before


def snapshot(root: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
    }


def test_the_loser_of_a_race_hears_gone_and_changes_nothing(
    scenario: Scenario, tmp_path: Path
) -> None:
    """Somebody else moved the folder away first: Gone, no shell or half-written file is left, the winner's folder is untouched."""
    world = World(tmp_path / "atlas")
    prepared = scenario.prepare(world)
    source = _path(prepared, world)
    os.rename(source, world.root / "elsewhere")
    before = snapshot(world.root)
    with pytest.raises(Gone):
        scenario.act(world.atlas, prepared)
    assert snapshot(world.root) == before


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT], ids=errno.errorcode.get)
def test_an_edge_whose_own_reply_is_lost_knows_that_it_happened(
    scenario: Scenario, number: int, tmp_path: Path
) -> None:
    """The rename was performed and reports an error: its actor finds the target and goes on as if nothing had been."""
    world = World(tmp_path / "atlas")
    prepared = scenario.prepare(world)

    def plan(call: Any) -> Fault | None:
        own = call.name == "rename" and (
            call.args[1].parent.name in (*State, tree.INPUT) or scenario.letter == "j"
        )
        return Fault("lost", number) if own else None

    arrived = scenario.act(world.mounted(plan), prepared)
    assert (arrived.path if isinstance(arrived, Place) else arrived).is_dir()


# -- the sweeps --------------------------------------------------------------------------------
def sweep(
    scenario: Scenario, tmp_path: Path, fault: Fault, play: Callable[[World, Plan, Any], None]
) -> int:
    """Play SCENARIO with FAULT at call 1, 2, 3 … until it no longer happens; returns how often it did."""
    for number in itertools.count(1):
        world = World(tmp_path / f"atlas-{fault.kind}-{fault.errno}-{number}")
        prepared = scenario.prepare(world)
        dealt = False
        plan = at(number, fault)

        def watched(call: Any, plan: Plan = plan) -> Fault | None:
            nonlocal dealt
            answer = plan(call)
            dealt = dealt or answer is not None
            return answer

        play(world, watched, prepared)
        _forgive(scenario, world)
        world.check()
        world.recover()
        world.check_rest()
        if not dealt:
            return number - 1
    raise AssertionError("unreachable")


def _dies(scenario: Scenario) -> Callable[[World, Plan, Any], None]:
    def play(world: World, plan: Plan, prepared: Any) -> None:
        try:
            scenario.act(world.mounted(plan), prepared)
        except (Crash, Gone, PathGone, OSError):
            return

    return play


def _tries_again(scenario: Scenario) -> Callable[[World, Plan, Any], None]:
    """A line fault: the same edge again, as workers do. Everything else ends the try."""

    def play(world: World, plan: Plan, prepared: Any) -> None:
        atlas = world.mounted(plan)
        for _ in range(3):
            try:
                scenario.act(atlas, prepared)
                return
            except LineFault:
                continue
            except (Gone, PathGone, Occupied, FileExistsError, FileNotFoundError):
                return

    return play


@pytest.mark.slow
def test_an_edge_survives_a_crash_at_any_call(scenario: Scenario, tmp_path: Path) -> None:
    """The process dies before its N-th file call, for every N: just before the instant, just after it, and everywhere else."""
    assert sweep(scenario, tmp_path, Fault("crash"), _dies(scenario)) >= 2


@pytest.mark.slow
def test_an_edge_survives_a_crash_in_the_middle_of_a_write(
    scenario: Scenario, tmp_path: Path
) -> None:
    """Half a file was written when the process died: it is never read as a whole one and does not stay behind."""
    sweep(scenario, tmp_path, Fault("torn"), _dies(scenario))


@pytest.mark.slow
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOENT, errno.EEXIST], ids=errno.errorcode.get)
def test_an_edge_survives_a_lost_reply(scenario: Scenario, number: int, tmp_path: Path) -> None:
    """A call that was performed reports an error: an I/O error, or what a server answers to the same request sent again."""
    sweep(scenario, tmp_path, Fault("lost", number), _tries_again(scenario))


@pytest.mark.slow
def test_an_edge_that_meets_an_io_error_passes_when_tried_again(
    scenario: Scenario, tmp_path: Path
) -> None:
    """A fault of the line at any call is a LineFault, leaves the job where it was, and the same edge passes afterwards."""
    sweep(scenario, tmp_path, Fault("fail", errno.EIO), _tries_again(scenario))


@pytest.mark.slow
@pytest.mark.parametrize("number", ERRNOS, ids=errno.errorcode.get)
def test_an_edge_survives_every_fault_of_the_line(
    scenario: Scenario, number: int, tmp_path: Path
) -> None:
    """No errno of a full, read-only, busy or vanished share is taken for a fault of the job, performed or not."""
    sweep(scenario, tmp_path, Fault("fail", number), _tries_again(scenario))
    sweep(scenario, tmp_path, Fault("lost", number), _tries_again(scenario))


@pytest.mark.slow
def test_an_edge_survives_stale_looks(scenario: Scenario, tmp_path: Path) -> None:
    """A name hidden by a stale negative entry, a listing that skipped one: nothing is decided by them alone."""
    sweep(scenario, tmp_path, Fault("unseen"), _tries_again(scenario))


# -- a share that goes away in the middle ------------------------------------------------------
def test_a_share_that_goes_away_in_the_middle_is_a_fault_of_the_line(
    scenario: Scenario, tmp_path: Path
) -> None:
    """An unmounted share never says that a job is gone: LineFault, and with the share back the same edge passes."""
    for number in itertools.count(1):
        world = World(tmp_path / f"atlas-{number}")
        prepared, away = scenario.prepare(world), tmp_path / f"away-{number}"

        def unmount(world: World = world, away: Path = away) -> None:
            world.root.rename(away)
            world.root.mkdir()

        disk = BadDisk(at(number, Fault("meanwhile", act=unmount)), world._renamed)
        try:
            scenario.act(Atlas(world.root, disk), prepared)
        except LineFault:
            assert disk.hit
        if away.exists():
            world.root.rmdir()
            away.rename(world.root)
        _forgive(scenario, world)
        world.check()
        world.recover()
        world.check_rest()
        if not disk.hit:
            return


# -- somebody acts between two calls -----------------------------------------------------------
def _everybody(world: World) -> None:
    world.recover(rounds=1)


def _person_cancels(world: World) -> None:
    for state in (State.CLAIMED, State.PROCESSING):
        for place in world.atlas.places(state):
            if not place.hidden:
                world.atlas.disk.rename(place.path, world.atlas.failed / place.path.name)


def _person_takes_back(world: World) -> None:
    """Drags whatever is visible straight back to inbox/."""
    for state in (State.CLAIMED, State.PROCESSING, State.FAILED):
        for place in world.atlas.places(state):
            if not place.hidden:
                world.atlas.disk.rename(place.path, world.atlas.inbox / place.path.name)


def _other_intake(world: World) -> None:
    Intake(world.atlas).look()


def _reaper(world: World) -> None:
    reaper = Reaper(world.atlas, f"host-intake-{world.nonce()}")
    reaper.round(lambda worker: worker != reaper.name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "rival",
    [_everybody, _person_cancels, _person_takes_back, _other_intake, _reaper],
    ids=lambda rival: rival.__name__.strip("_"),
)
def test_an_edge_survives_whoever_acts_between_two_of_its_calls(
    scenario: Scenario, rival: Callable[[World], None], tmp_path: Path
) -> None:
    """Paused before its N-th call, for every N, while somebody else does all they can; then it goes on from where it was."""
    for number in itertools.count(1):
        world = World(tmp_path / f"atlas-{number}")
        prepared = scenario.prepare(world)
        atlas = world.mounted(at(number, Fault("meanwhile", act=lambda world=world: rival(world))))
        try:
            scenario.act(atlas, prepared)
        except (Gone, Occupied, PathGone):
            pass
        _forgive(scenario, world)
        world.check()
        world.recover()
        world.check_rest()
        if not atlas.disk.hit:  # type: ignore[attr-defined]
            return


def test_an_id_that_no_folder_can_bear_is_refused(tmp_path: Path) -> None:
    """A queue or worker whose name could not be read back would make a folder that nobody ever looks at."""
    world = World(tmp_path / "atlas")
    place = world.claimed()
    with pytest.raises(ValueError, match="no name for a job's folder"):
        lifecycle.start(world.atlas, place, "Host_GPU.0")
    assert names.parse_claimed(place.path.name) and place.path.is_dir()
