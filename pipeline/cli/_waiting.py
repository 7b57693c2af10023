"""A command that waits for a job: who serves it, judged again while it waits, and a fleet of our
own where nobody does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import click

from layout.liveness import Life, Observer
from layout.names import nonce
from layout.signs import Heartbeat
from layout.tree import Atlas, Place, State
from pipeline.cli import FAILED, fail
from pipeline.config import Settings
from pipeline.submission import capacity, job_view

JUDGE = 1.0  # seconds between two looks at the heartbeats
SAY = 30.0  # and between two lines about an unchanged wait
MOST_FLEETS = 3


class Serving:
    """Does somebody serve the job at present? By the rules of liveness; a fleet that starts again
    gets one beat to come back."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        grace: float | None = None,
    ) -> None:
        self.atlas = atlas
        self.clock, self.grace, self.looks = (
            clock,
            settings.worker.beat if grace is None else grace,
            0,
        )
        self.observer = Observer(
            atlas, settings.worker.beat, settings.worker.dead_looks, lambda: self.looks, clock
        )
        self._judged: tuple[tuple[object, ...], str] = ((), "")
        self._looked, self._since, self._missing, self._still = float("-inf"), float("inf"), "", ""

    def lacking(self, place: Place) -> str:
        """In words, whom the job at PLACE waits for in vain; "" while it is served, or nobody can
        tell yet."""
        now = self._look(place)
        return self._missing if now - self._since >= self.grace else ""

    def standing(self, place: Place) -> str:
        """In words, which process that the job at PLACE waits for stands still; "" where it goes
        on, or others do its work."""
        self._look(place)
        return self._still

    def _look(self, place: Place) -> float:
        now = self.clock()
        if now - self._looked >= JUDGE:
            self._looked, self.looks = now, self.looks + 1
            self.observer.look(frozenset({place.worker} if place.worker else ()))
            self._missing = self._whom(place)
            self._since = min(self._since, now) if self._missing else float("inf")
            self._still = "; ".join(filter(None, map(self.observer.standing, self._awaited(place))))
        return now

    def _awaited(self, place: Place) -> list[str]:
        """Whom the job at PLACE waits for: the worker that holds it; where nobody else would, those
        that watch or serve its queue."""
        beats = self.observer.last.values() if self._missing else ()
        takers = [
            beat.worker
            for beat in beats
            if (place.queue in beat.queues if self._is_queued(place) else beat.role == "intake")
        ]
        return [*([place.worker] if place.worker else []), *takers]

    @staticmethod
    def _is_queued(place: Place) -> bool:
        return place.state is State.CLAIMED and not place.hidden

    def _whom(self, place: Place) -> str:
        known = [
            beat
            for beat in self.observer.last.values()
            if self.observer.life(beat.worker) is not Life.DEAD
        ]
        moving = [beat for beat in known if not self.observer.standing(beat.worker)]
        watched = any(beat.role == "intake" for beat in moving)
        if place.state is State.INBOX or place.hidden:
            return self._too_large(place, moving) if watched else "nobody watches inbox/"
        if place.state is State.CLAIMED:
            if not any(place.queue in beat.queues for beat in moving):
                return f"no live worker serves {place.queue}"
            return self._too_large(place, moving)
        gone = place.state is State.PROCESSING and all(
            beat.worker != place.worker for beat in known
        )
        return (
            f"{place.worker}, which ran it, is gone and nobody takes it over"
            if gone and not watched
            else ""
        )

    def _too_large(self, place: Place, beats: list[Heartbeat]) -> str:
        """In words, that no live worker has the memory; judged when its queue or they change."""
        now = (place.queue, *((beat.worker, beat.memory) for beat in beats))
        if now != self._judged[0]:
            job = job_view.job_at(self.atlas, place) if place.id else None
            told = capacity.told_at_submission(self.atlas, job, beats, place.queue) if job else ""
            self._judged = now, told
        return self._judged[1]


class OwnFleet:
    """A fleet for as long as one job takes; it ends with this process, however that ends."""

    def __init__(self, atlas: Atlas, settings: Settings) -> None:
        self.atlas, self.log = atlas, settings.host.scratch / "once.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0

    def start(self, why: str) -> None:
        from pipeline.gpu.sandbox import die_with_parent

        self.started += 1
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "up",
            "--atlas",
            str(self.atlas.root),
            "--name",
            f"once-{nonce()}",
            "--listen",
            "off",
            "--gives-up",
        ]
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                preexec_fn=lambda: die_with_parent(15),
            )
        click.echo(f"{why}: starting one for this job (its log: {self.log})", err=True)

    def keep(self) -> None:
        """Start it again where somebody killed it; a fleet that ends again and again ends the
        command, the job stays."""
        code = self.process.poll() if self.process else None
        if code is None:
            return
        self.process = None
        if self.started >= MOST_FLEETS:
            fail(
                f"the workers started for this job ended with code {code}, {self.started} times.",
                FAILED,
                f"{self.log} says why; the job stays and waits for a worker.",
            )
        self.start(f"The workers started here ended with code {code}")

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


class Waiting:
    """What this command does and says at every look at its job."""

    def __init__(
        self,
        atlas: Atlas,
        serving: Serving,
        fleet: OwnFleet,
        able: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """ABLE: in words, what this host lacks for the job, or ""."""
        self.atlas, self.serving, self.fleet, self.able, self.clock = (
            atlas,
            serving,
            fleet,
            able,
            clock,
        )
        self.halt: str | None = None
        self._said, self._at, self._halts = "", clock(), float("-inf")
        # the worker that holds the job and stands still, and when that was said
        self.still, self._still_at = "", clock()

    def look(self, place: Place) -> None:
        """Take over where nobody serves the job, and say what it waits for."""
        self._look_for_halt()
        self.fleet.keep()
        still = self.serving.standing(place)
        lacking = "" if self.halt or self.fleet.process else self.serving.lacking(place)
        if still or self.still:
            self._tell_standing(place, still)
        if lacking and not (unable := self.able()):
            again = "" if "memory" in lacking else " any more"
            self.fleet.start(f"{lacking[0].upper()}{lacking[1:]}{again}")
        elif lacking:
            self._say(
                f"{lacking}, and this host cannot: {unable} The job waits until a host that can"
                " runs `inbox3d up`."
            )
        elif not still and place.state is not State.PROCESSING and not self.halt:
            self._say(
                f"waiting in {place.state.value}/"
                + (f" for queue {place.queue}" if place.queue else ""),
                at_once=False,
            )

    def _look_for_halt(self) -> None:
        if self.clock() - self._halts < JUDGE:
            return
        self._halts, before = self.clock(), self.halt
        self.halt = self.atlas.halted()
        if self.halt:
            self._say(
                f"The line is halted by {self.halt}: the job waits until `inbox3d resume --atlas"
                f" {self.atlas.root}`."
            )
        elif before:
            self._say("HALT is gone: going on.")

    def _tell_standing(self, place: Place, still: str) -> None:
        """STILL at once and every half minute, with the seconds as they are then; that the worker
        goes on, where it does."""
        if still and (not self.still or self.clock() - self._still_at >= SAY):
            self._still_at = self.clock()
            self._echo(still)
        elif not still and place.worker == self.still:
            self._echo(f"{self.still} goes on.")
        self.still = (place.worker or "somebody") if still else ""

    def _say(self, words: str, at_once: bool = True) -> None:
        """A line when the reason is new, and again every half minute; AT_ONCE false: only then."""
        new, now = words != self._said, self.clock()
        if new and not at_once:
            self._said, self._at = words, now
        elif new or now - self._at >= SAY:
            self._said, self._at = words, now
            self._echo(words)

    @staticmethod
    def _echo(words: str) -> None:
        click.echo(("\n" if sys.stderr.isatty() else "") + words, err=True)
