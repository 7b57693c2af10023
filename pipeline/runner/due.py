"""What a job is due for, by the keys of its result and of its finished legs: asked by whoever holds
its folder, from job.json alone."""

from __future__ import annotations

from layout import lifecycle, tree
from layout.lifecycle import Due
from layout.manifest import JobFile
from layout.tree import Atlas, Place
from pipeline import queues, recipes
from pipeline.kept import keys
from pipeline.runner.failing import DELETED, error_file, poisoned


def verdict(
    atlas: Atlas, place: Place, max_crashes: int, ended: bool
) -> tuple[Due, JobFile | None]:
    """lifecycle.due: a result is finished only if it was made of what stands in input/ and job.json
    now."""
    return lifecycle.due(
        atlas,
        place,
        max_crashes,
        ended,
        lambda place, job: keys.of_result(atlas.disk, place, legs_of(job), job),
    )


def settle(
    atlas: Atlas, place: Place, verdict: Due, job: JobFile | None, ended: bool = True
) -> Place:
    """Act on a verdict: what a worker does with a folder of its own that it is not running, a
    reaper with one that it seized, and a runner with a start that only begins (ENDED is false):
    that one is none of the crashes."""
    if verdict is Due.FINISH:
        return lifecycle.finish(atlas, place)
    if verdict is Due.RELEASE and job is not None:
        lifecycle.set_aside(atlas, place.path, place.n, (tree.OUTPUT,))
        return lifecycle.release(atlas, place, queue_of(atlas, place, job), None)
    if verdict is Due.ANEW:
        return lifecycle.accept_anew(atlas, place)
    crashed = place.n if ended else place.n - 1
    error = DELETED if verdict is Due.DELETED else poisoned(job, crashed)
    return lifecycle.fail(atlas, place, error_file(error, place.n))


def queue_of(atlas: Atlas, place: Place, job: JobFile) -> str:
    """The queue of the first leg that was not finished for this input and these options."""
    legs = legs_of(job)
    return lifecycle.first_leg(atlas, place, keys.of_legs(legs, job)) if legs else queues.FIRST


def legs_of(job: JobFile) -> keys.Legs:
    recipe = recipes.RECIPES.get(job.kind or "")
    return recipe.legs if recipe else ()
