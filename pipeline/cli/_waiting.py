"""A command that waits for a job: who serves it, judged again while it waits, and a fleet of our
own where nobody does."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click

from layout.disk import LineFault
from layout.tree import Atlas, Place, State
from pipeline.cli._own_fleet import OwnFleet
from pipeline.cli._serving import JUDGE, Serving
from pipeline.submission import job_view

SAY = 30.0  # and between two lines about an unchanged wait


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
        self._away = False

    def away(self, fault: LineFault) -> None:
        """The share does not answer. The job stays where it is, so this command stays too."""
        self._away = True
        self._say(f"The share does not work at present, waiting for it: {fault.message}")

    def look(self, place: Place) -> None:
        """Take over where nobody serves the job, and say what it waits for."""
        if self._away:
            self._away = False
            self._say("The share works again: going on.")
        self._look_for_halt()
        self.fleet.keep()
        still = self.serving.standing(place)
        lacking = "" if self.halt or self.fleet.process else self.serving.lacking(place)
        if still or self.still:
            self._tell_standing(place, still)
        if lacking and not (unable := self.able()):
            again = "" if self.serving.too_large else " any more"
            self.fleet.start(f"{lacking[0].upper()}{lacking[1:]}{again}")
        elif lacking:
            self._say(
                f"{lacking}, and this host cannot: {unable} The job waits until a host that can"
                " runs `inbox3d up`."
            )
        elif not still and place.state is not State.PROCESSING and not self.halt:
            lacked = job_view.lack_of(job_view.job_at(self.atlas, place))
            self._say(
                f"waiting in {place.state.value}/"
                + (f" for queue {place.queue}" if place.queue else "")
                + (f"; {lacked}" if lacked else ""),
                at_once=bool(lacked),
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
