"""Two hosts of different versions of inbox3d that do not agree about what a leg makes.

The host of a later leg asks for other work than the host of an earlier one makes and takes for
right. Sending the job back changes nothing then: it waits, with words, until both are of one
version.
"""

from __future__ import annotations

from layout import promote, tree
from layout.liveness import heartbeats
from layout.manifest import JobFile, Outcome
from layout.tree import Atlas, Place
from pipeline.errors import BackendUnavailable
from pipeline.kept.store import Kept
from pipeline.kept.versions import versions
from pipeline.recipes import Leg
from pipeline.runner import handover

REMEDY = "Bring both hosts to one version of inbox3d; the job goes on by itself."


class Disagreement(BackendUnavailable):
    """What another host makes for an earlier leg is not what this one asks for. QUEUE: where the
    job waits for a host that agrees."""

    def __init__(self, message: str, queue: str) -> None:
        super().__init__(message, remedy=REMEDY)
        self.queue = queue


def between(
    atlas: Atlas, place: Place, job: JobFile, leg: Leg, first: Kept, queue: str
) -> Disagreement | None:
    """The disagreement about LEG of the job at PLACE, due for QUEUE here; None where its work is
    only missing, damaged, or of an input that has changed since. FIRST is what the job begins
    with."""
    other = _asked_before(job)
    folder = place.path / tree.WORK / leg.queue
    if other is None or not promote.verify(atlas.disk, folder):
        return None
    if first.key not in {one.key for one in handover.records(atlas.disk, folder) if not one.stage}:
        return None
    ours = versions().get("inbox3d", "")
    beat = heartbeats(atlas).get(other)
    theirs = beat.version if beat else ""
    return Disagreement(
        f"{place.worker}{_of(ours)} and {other}{_of(theirs)} do not agree on what queue"
        f" {leg.queue} makes. {REMEDY}",
        queue,
    )


def _of(version: str) -> str:
    return f" (inbox3d {version})" if version else ""


def _asked_before(job: JobFile) -> str | None:
    """The worker that handed the job on after it had been sent back; None where that was not so
    since it last waited."""
    base = job.accepted.n if job.accepted else 0
    other, was_sent = None, False
    for start in (start for start in job.starts if start.n > base):
        if start.outcome in (Outcome.SENT_BACK, Outcome.LACKING):
            other, was_sent = None, start.outcome is Outcome.SENT_BACK
        elif start.outcome is Outcome.HANDED_ON and was_sent:
            other = start.worker
    return other
