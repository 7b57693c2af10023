"""What STATUS.txt says: what arrives and what it waits for, what waits, what runs, what failed
lately."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from layout import names, strangers
from layout.attention import words as words_of
from layout.disk import Entry, LineFault
from layout.liveness import Observer
from layout.tree import Atlas, Place, State
from pipeline import queues
from pipeline.drops.verdict import Wait
from pipeline.formats import signatures
from pipeline.progress import words
from pipeline.submission import job_view
from pipeline.text import plain
from pipeline.watchers.failures import Failures

SHOWN = 200


class StatusText:
    """The text for one tree, as it stands at each call of ``text``."""

    def __init__(self, atlas: Atlas) -> None:
        self.atlas = atlas
        self._names: dict[str, str] = {}
        self._jobs: dict[State, set[str]] = {state: set() for state in State}
        self._failures = Failures(atlas)

    def text(
        self,
        waiting: Mapping[str, Wait],
        halt: str | None,
        observer: Observer,
        attention: Sequence[str] = (),
    ) -> str:
        places = self.atlas.places(State.CLAIMED)
        claimed, shells = (
            [place for place in places if place.hidden is hidden] for hidden in (False, True)
        )
        arriving = {name: wait.reason for name, wait in waiting.items()} | {
            self._name(shell): "is being accepted" for shell in shells
        }
        parts = [
            (
                "Drop a folder with scan passes, a mesh, images or a prompt here. Results appear in"
                " done/, problems in failed/. To try again, mend what is named and move the folder"
                " from failed/ back here.\n"
            ),
            (
                f"HALTED: nothing is claimed or started while {halt} exists. Take it away to go on;"
                " drops need another name.\n"
                if halt
                else ""
            ),
            section("Arriving", [f"{name}: {reason}" for name, reason in sorted(arriving.items())]),
            section(
                "Waiting",
                [
                    f"{self._name(place)}: for queue {place.queue}{self._more(place)}"
                    for place in claimed
                ],
            ),
            section(
                "Needs attention",
                [
                    *self._unserved(claimed, observer),
                    *told(observer, (*attention, *self._strangers())),
                ],
            ),
            section(
                "Running",
                self._of(
                    State.PROCESSING,
                    lambda: [
                        self._running(place, observer)
                        for place in self.atlas.places(State.PROCESSING)
                    ],
                ),
            ),
            section(
                "Failed lately", self._of(State.FAILED, lambda: self._failures.lines(self._name))
            ),
        ]
        return "\n".join(part for part in parts if part)

    def _name(self, place: Place) -> str:
        if place.id not in self._names:
            job = job_view.job_at(self.atlas, place)
            if job is None:
                return place.id
            self._names[place.id] = f"{job.source.name} ({place.id})"
        return self._names[place.id]

    def _more(self, place: Place) -> str:
        """Between two legs: how much is done. Why the last worker that took it gave it back, where
        that was for something it lacks."""
        progress = job_view.progress_of(self.atlas, place) if place.n else None
        lack = job_view.lack_of(job_view.job_at(self.atlas, place)) if place.n else None
        return (f", {words.percent(progress.fraction)}% done" if progress else "") + (
            f". {lack}" if lack else ""
        )

    def _running(self, place: Place, observer: Observer) -> str:
        """How far it is; where its worker stands still, the time that was left means nothing."""
        worker, progress = str(place.worker), job_view.progress_of(self.atlas, place)
        if observer.standing(worker):
            done = f" at {words.percent(progress.fraction)}%" if progress else ""
            return f"{self._name(place)}: stands still{done} on {worker} (see Needs attention)"
        return (
            f"{self._name(place)}: {words.line(progress) if progress else 'starting'} on {worker}"
        )

    def _unserved(self, claimed: list[Place], observer: Observer) -> list[str]:
        served = {queue for beat in observer.live() for queue in beat.queues}
        due = sorted({str(place.queue) for place in claimed} - served)
        unknown = [queue for queue in due if queue not in queues.QUEUES]
        return [
            f"no live worker serves {queue}; run inbox3d up on a host with the extra"
            f" {queues.QUEUES[queue].extra} installed"
            for queue in due
            if queue not in unknown
        ]

    def _strangers(self) -> list[str]:
        beside = (self._beside(entry) for entry in self.atlas.disk.scandir(self.atlas.root))
        return [*filter(None, beside)] + [
            line for state in State for line in self._of(state, partial(self._strange, state))
        ]

    def _beside(self, entry: Entry) -> str | None:
        """What ENTRY of the tree's root is, where a person might think that it does something."""
        if entry.is_dir and names.is_halt(entry.name):
            return (
                f"{entry.name} is a folder, and only a file of that name halts; or run inbox3d halt"
            )
        if self.atlas.root / entry.name in self.atlas.folders() or names.ignored(*entry):
            return None
        if entry.is_dir or signatures.suffix(entry.name) in signatures.NEVER_EMPTY:
            return (
                f"{entry.name} stands beside inbox/, where nobody looks: move it into inbox/ to"
                " have it worked on"
            )
        return None

    def _strange(self, state: State) -> list[str]:
        found = self.atlas.strangers(state, self._jobs[state])[:SHOWN]
        return [
            f"{state.value}/{name} {strangers.words(self.atlas, state, name)}" for name in found
        ]

    def _of(self, state: State, lines: Callable[[], list[str]]) -> list[str]:
        """LINES of what stands in STATE's folder. One that may not be listed is told as such: it
        keeps nothing else from being told."""
        try:
            return lines()
        except LineFault:
            raise
        except OSError as error:
            return [f"{state}: {words_of(error, self.atlas.root / state)}"]


def told(observer: Observer, own: Sequence[str]) -> list[str]:
    """What processes found that waits for a person, each thing once: two of them may have tried the
    same folder."""
    return sorted({*own, *observer.needs()})


def section(title: str, lines: list[str]) -> str:
    """A titled list of at most 200 lines and a count of the rest; no line can hold another,
    whatever a drop is called."""
    if not lines:
        return ""
    shown = lines[:SHOWN] + ([f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])
    return f"{title} ({len(lines)})\n" + "".join(f"  {plain(line)}\n" for line in shown)
