"""A command that waits for a job knows at every moment whether somebody serves it, takes over, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import accept, lifecycle, names
from layout.accept import AcceptedRequest
from layout.beat import Beat
from layout.init import init
from layout.signs import Heartbeat
from layout.tree import Atlas, Place
from pipeline import config
from pipeline.cli._own_fleet import MOST_FLEETS, OwnFleet
from pipeline.cli._serving import Serving
from pipeline.cli._waiting import Waiting


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return init(tmp_path / "atlas")[0]


@pytest.fixture
def process(atlas: Atlas) -> Iterator[Callable[..., Beat]]:
    """Heartbeats of processes on this host: they hold their locks as long as they live."""
    made: list[Beat] = []

    def start(*queues: str, role: str = "worker") -> Beat:
        name = names.worker_name("host", role)
        made.append(
            Beat(
                atlas,
                Heartbeat(worker=name, role=role, counter=0, boot="", pid=1, queues=queues),
                15,
            )
        )  # type: ignore[arg-type]
        made[-1].beat()
        return made[-1]

    yield start
    for beat in made:
        beat.end()


def kill(beat: Beat) -> None:
    """kill -9: the heartbeat stays, the lock does not."""
    beat._lock.close()


def waiting_job(atlas: Atlas, queue: str = "scan") -> Place:
    (atlas.inbox / "vase").mkdir()
    (atlas.inbox / "vase/a.ply").write_text("ply")
    return accept.accept(
        atlas,
        lifecycle.claim_drop(atlas, "vase", queue),
        AcceptedRequest("scan", {}, frozenset(), "quiet"),
    )


def words(serving: Serving, place: Place, looks: int = 30) -> str:
    return [serving.lacking(place) for _ in range(looks)][-1]


def serving(atlas: Atlas) -> Serving:
    return Serving(atlas, config.load(), Clock())


@pytest.mark.parametrize("end", [Beat.end, kill])
def test_a_fleet_that_ends_before_the_claim_is_missed(
    atlas: Atlas, process: Callable[..., Beat], end: Callable[[Beat], None]
) -> None:
    """In order or by kill -9."""
    sealed, beat, judge = (
        Place(lifecycle.State.INBOX, atlas.inbox / "x", "x"),
        process(role="intake"),
        serving(atlas),
    )
    assert words(judge, sealed) == ""
    end(beat)
    assert judge.lacking(sealed) == ""  # it may only start again
    assert words(judge, sealed) == "nobody watches inbox/"


@pytest.mark.parametrize("end", [Beat.end, kill])
def test_a_worker_that_ends_between_two_legs_is_missed_by_its_queue(
    atlas: Atlas, process: Callable[..., Beat], end: Callable[[Beat], None]
) -> None:
    """A fleet that serves other queues is no help."""
    job, judge = waiting_job(atlas, "finish"), serving(atlas)
    process("scan")
    beat = process("mesh", "finish")
    assert words(judge, job) == ""
    end(beat)
    assert words(judge, job) == "no live worker serves finish"
    process("finish")
    assert judge.lacking(job) == ""  # one appeared


def test_a_worker_killed_while_it_runs_is_missed_only_where_no_reaper_lives(
    atlas: Atlas, process: Callable[..., Beat]
) -> None:
    """An intake elsewhere will seize the job; without one nobody ever would."""
    beat, judge = process("scan"), serving(atlas)
    held = lifecycle.start(atlas, waiting_job(atlas), beat.heartbeat.worker)
    assert words(judge, held) == ""
    kill(beat)
    reaper = process(role="intake")
    assert words(judge, held) == ""
    kill(reaper)
    assert (
        words(judge, held)
        == f"{beat.heartbeat.worker}, which ran it, is gone and nobody takes it over"
    )


def test_a_worker_of_another_host_is_missed_by_its_counter(atlas: Atlas) -> None:
    """Its lock cannot be seen from here: unchanged looks decide, and no time on the share."""
    foreign = Heartbeat(
        worker="far-cpu-abcd", role="worker", counter=1, boot="elsewhere", pid=1, queues=("scan",)
    )
    atlas.disk.write_in_place(atlas.heartbeat(foreign.worker), foreign.dump())
    job, judge = waiting_job(atlas), serving(atlas)
    for counter in range(2, 200):
        atlas.disk.write_in_place(
            atlas.heartbeat(foreign.worker), foreign.model_copy(update={"counter": counter}).dump()
        )
        assert judge.lacking(job) == ""
    assert words(judge, job, 300) == "no live worker serves scan"


class Fleet(OwnFleet):
    """Remembers why it was started."""

    def __init__(self, atlas: Atlas) -> None:
        super().__init__(atlas, config.load())
        self.whys: list[str] = []

    def start(self, why: str) -> None:
        self.started += 1
        self.whys.append(why)
        self.process = Process()  # type: ignore[assignment]


class Process:
    code: int | None = None

    def poll(self) -> int | None:
        return self.code


def look(waiting: Waiting, place: Place, looks: int = 60, beat: Beat | None = None) -> None:
    for _ in range(looks):
        if beat:
            beat.beat()
        waiting.look(place)


@pytest.fixture
def fleet(atlas: Atlas) -> Fleet:
    return Fleet(atlas)


def test_the_command_takes_over_once_and_says_why(atlas: Atlas, fleet: Fleet) -> None:
    look(Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()), waiting_job(atlas), 300)
    assert fleet.whys == ["No live worker serves scan any more"]


def test_where_this_host_cannot_it_says_so_again_and_again(
    atlas: Atlas, fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    look(
        Waiting(atlas, serving(atlas), fleet, lambda: "this host lacks the libraries.", Clock()),
        waiting_job(atlas),
        300,
    )
    said = [
        line
        for line in capsys.readouterr().err.splitlines()
        if "this host cannot: this host lacks the libraries." in line
    ]
    assert not fleet.whys and len(said) > 2 and "until a host that can runs `inbox3d up`" in said[0]


def test_halt_is_said_when_it_comes_when_it_lasts_and_when_it_goes(
    atlas: Atlas, fleet: Fleet, process: Callable[..., Beat], capsys: pytest.CaptureFixture[str]
) -> None:
    beat = process("scan")
    waiting, job = Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()), waiting_job(atlas)
    look(waiting, job, 2)
    (atlas.root / "HALT").touch()
    look(waiting, job, 100, beat)
    (atlas.root / "HALT").unlink()
    look(waiting, job, 3)
    said = capsys.readouterr().err.splitlines()
    assert (
        sum("The line is halted by HALT" in line for line in said) > 2
        and said[-1] == "HALT is gone: going on."
    )
    assert not fleet.whys


def test_an_unchanged_wait_is_said_every_half_minute(
    atlas: Atlas, fleet: Fleet, process: Callable[..., Beat], capsys: pytest.CaptureFixture[str]
) -> None:
    """A busy worker is no reason for a fleet of one's own, and none for silence."""
    look(
        Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()),
        waiting_job(atlas),
        100,
        process("scan"),
    )
    assert (
        set(capsys.readouterr().err.splitlines()) == {"waiting in claimed/ for queue scan"}
        and not fleet.whys
    )


def test_a_fleet_of_our_own_that_dies_starts_again_and_at_last_ends_the_command(
    atlas: Atlas, fleet: Fleet
) -> None:
    waiting, job = Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()), waiting_job(atlas)
    fleet.start("No worker is running")
    with pytest.raises(SystemExit):
        for _ in range(10):
            fleet.process.code = -9  # type: ignore[union-attr]
            waiting.look(job)
    assert fleet.whys[1:] == ["The workers started here ended with code -9"] * (MOST_FLEETS - 1)


def test_a_worker_that_stands_still_with_the_job_is_said_again_and_again_until_it_goes_on(
    atlas: Atlas, fleet: Fleet, process: Callable[..., Beat], capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes its job from it: it may wake."""
    beat, waiting = process("scan"), Waiting(atlas, serving(atlas), fleet, lambda: "", Clock())
    held = lifecycle.start(atlas, waiting_job(atlas), beat.heartbeat.worker)
    look(waiting, held, 20, beat)
    assert capsys.readouterr().err == ""
    look(waiting, held, 200)
    said = capsys.readouterr().err.splitlines()
    assert len(said) > 2 and all(
        f"worker {beat.heartbeat.worker}" in line and "(stopped or hung)" in line for line in said
    )
    assert waiting.still and not fleet.whys
    look(waiting, held, 20, beat)
    assert (
        capsys.readouterr().err.splitlines() == [f"{beat.heartbeat.worker} goes on."]
        and not waiting.still
    )


def test_what_waits_for_a_worker_that_stands_still_is_taken_over(
    atlas: Atlas, fleet: Fleet, process: Callable[..., Beat], capsys: pytest.CaptureFixture[str]
) -> None:
    """A waiting job is nobody's; the same for a drop whose only intake stands still."""
    beat = process("scan")
    look(Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()), waiting_job(atlas), 200)
    assert fleet.whys == ["No live worker serves scan any more"]
    assert f"worker {beat.heartbeat.worker}" in capsys.readouterr().err
    process(role="intake")
    sealed, judge = Place(lifecycle.State.INBOX, atlas.inbox / "x", "x"), serving(atlas)
    assert words(judge, sealed, 200) == "nobody watches inbox/" and "intake" in judge.standing(
        sealed
    )
