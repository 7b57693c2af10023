"""What is to be done with a folder in processing/ that somebody left behind, told from what stands
in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path

from layout import names, tree
from layout.copies import is_copy
from layout.manifest import JobFile, Unreadable, read_job
from layout.mend import has_input, input_is_gone, job_is_gone
from layout.move import gone, holding
from layout.promote import key_of, started_by, verify
from layout.tree import Atlas, Place


class Due(StrEnum):
    """What is to be done with a folder in processing/ that nobody works on."""

    DELETED = "deleted"  # fail: a person took job.json or input/ away
    FINISH = "finish"
    POISON = "poison"  # fail: it crashed too often
    RELEASE = "release"
    # accepted anew: job.json is damaged beside a whole input/, or the folder is a copy of another
    ANEW = "anew"


def keyless(place: Place, job: JobFile) -> str:
    """The key of a result that was promoted without one."""
    return ""


def due(
    atlas: Atlas,
    place: Place,
    max_crashes: int,
    ended: bool,
    key: Callable[[Place, JobFile], str] = keyless,
) -> tuple[Due, JobFile | None]:
    """The verdict on PLACE, in the order of lifecycle's table. ENDED: start n is over (a reaper
    asks), else it only begins.

    "Deleted" is tried, not only looked at; Gone where looks and trial disagree.

    KEY tells what a result of the job as it stands must have been promoted with.
    """
    try:
        job = read_job(atlas.disk, place.path)
    except Unreadable:
        return (Due.ANEW if _has_input(atlas, place) else Due.DELETED), None
    if job is None:
        _demand(job_is_gone, atlas, place)
        return Due.DELETED, None
    # an empty one too: it must not fail under the id of the job that it was copied from
    if is_copy(atlas, place, job):
        return Due.ANEW, job
    if not _has_input(atlas, place):
        return Due.DELETED, job
    # a refused drop, dragged here, was never accepted as anything
    if job.kind is None:
        return Due.ANEW, job
    if _has_result(atlas, place, job, key):
        return Due.FINISH, job
    if job.crashes(place.n if ended else place.n - 1) >= max_crashes:
        return Due.POISON, job
    return Due.RELEASE, job


def _has_input(atlas: Atlas, place: Place) -> bool:
    if has_input(atlas, place.path):
        return True
    _demand(input_is_gone, atlas, place)
    return False


def _demand(tried: Callable[[Atlas, Path], bool], atlas: Atlas, place: Place) -> None:
    """Gone unless what no look showed is TRIED to be away: nothing is known, the next look
    decides."""
    with holding(atlas, place):
        if not tried(atlas, place.path):
            raise gone(atlas, place.path)


def _has_result(
    atlas: Atlas, place: Place, job: JobFile, key: Callable[[Place, JobFile], str]
) -> bool:
    """Does output/ stand whole, made by a start of this very run from what stands in input/ and
    job.json now?

    An earlier run's result, or one of another input, must not pass for this one's.
    """
    output, base = place.path / tree.OUTPUT, job.accepted.n if job.accepted else 0
    made = names.parse_processing(started_by(atlas.disk, output) or "")
    ours = made is not None and made.id == place.id and base < made.n <= place.n
    return ours and key_of(atlas.disk, output) == key(place, job) and verify(atlas.disk, output)


def first_leg(atlas: Atlas, place: Place, keys: Mapping[str, str]) -> str:
    """The queue after the last one whose artefacts stand in work/, whole and under their key; a
    leg's hold those of the legs before.

    KEYS: queue → key, in the order of the recipe.
    """
    queues = list(keys)
    for at in range(len(queues) - 1, 0, -1):
        parcel = place.path / tree.WORK / queues[at - 1]
        if key_of(atlas.disk, parcel) == keys[queues[at - 1]] and verify(atlas.disk, parcel):
            return queues[at]
    return queues[0]
