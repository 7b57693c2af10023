"""A command that waits for a job knows at every moment whether somebody serves it, takes over, and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from layout import lifecycle
from layout.beat import Beat
from layout.manifest import Outcome
from layout.tree import Atlas, Place
from pipeline import config
from pipeline.cli import once
from pipeline.cli._own_fleet import MOST_FLEETS, OwnFleet
from pipeline.cli._waiting import Waiting
from tests.unit.cli.heartbeats import Clock, serving, waiting_job, words


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


def test_what_the_worker_lacked_that_gave_the_job_back_is_said_at_once(
    atlas: Atlas, fleet: Fleet, process: Callable[..., Beat], capsys: pytest.CaptureFixture[str]
) -> None:
    """Alone, it would wait for another host without anybody knowing for what."""
    beat = process("scan")
    held = lifecycle.start(atlas, waiting_job(atlas), beat.heartbeat.worker)
    words = "backend triposg: it would take about 3.1 h on this CPU"
    back = lifecycle.release(atlas, held, "scan", words, Outcome.LACKING)
    look(Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()), back, 3, beat)
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("waiting in claimed/ for queue scan; ")
    assert said.endswith(f" could not do it: {words}")


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


def test_a_share_that_is_away_ends_no_wait(
    atlas: Atlas, fleet: Fleet, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job stays where it is: that is said, and the command goes on when the share is back."""
    job, root, away = waiting_job(atlas), atlas.root, atlas.root.with_name("away")
    sleeps = []

    def sleep(_: float) -> None:
        sleeps.append(len(sleeps))
        if len(sleeps) == 3:
            root.rename(away)
        if len(sleeps) == 200:
            away.rename(root)
        if len(sleeps) == 210:
            raise KeyboardInterrupt

    monkeypatch.setattr(once.time, "sleep", sleep)
    with pytest.raises(KeyboardInterrupt):
        once.follow(atlas, job.id, Waiting(atlas, serving(atlas), fleet, lambda: "", Clock()))
    said = capsys.readouterr().err.splitlines()
    away_ = [line for line in said if "The share does not work at present, waiting for it" in line]
    assert 2 <= len(away_) < 12, "at once, and again while it lasts"
    assert "The share works again: going on." in "\n".join(said)
