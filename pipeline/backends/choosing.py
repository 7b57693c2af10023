"""Choosing what makes a mesh from views. One factory; callers never compare names."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from pipeline.backends.protocol import Effort, Reconstructor
from pipeline.errors import BackendUnavailable, SubmitRefused
from pipeline.weights import cards
from pipeline.weights.catalogue import size

GROUP = "inbox3d.backends"
OWN = ("triposg", "triposr", "instantmesh", "visual-hull", "placeholder")
POSED = 4  # views from which on the backend that looks at several is the best


def reconstructor(name: str) -> Reconstructor:
    """The reconstruction backend NAME; SubmitRefused where there is none."""
    match name:
        case "triposg":
            from pipeline.backends.triposg import TripoSGBackend

            return TripoSGBackend()
        case "triposr":
            from pipeline.backends.triposr import TripoSRBackend

            return TripoSRBackend()
        case "instantmesh":
            from pipeline.backends.instantmesh import InstantMeshBackend

            return InstantMeshBackend()
        case "visual-hull":
            from pipeline.backends.visual_hull import VisualHull

            return VisualHull()
        case "placeholder":
            from pipeline.backends.placeholder import Placeholder

            return Placeholder()
    for entry in entry_points(group=GROUP, name=name):
        made: Reconstructor = entry.load()()
        return made
    raise SubmitRefused(
        f"backend: there is no backend {name!r}.",
        remedy=f"Use auto or one of {', '.join(names())}.",
    )


def names() -> tuple[str, ...]:
    """All backends: our own and those added by entry points."""
    return (
        *OWN,
        *sorted(entry.name for entry in entry_points(group=GROUP) if entry.name not in OWN),
    )


def loaded_by(backend: Reconstructor, views: int, models: Path | None) -> tuple[str, ...]:
    """Names of the models that BACKEND loads for so many views; none of a plug-in that does not
    say."""
    loads: Callable[[int, Path | None], tuple[str, ...]] | None = getattr(backend, "loads", None)
    return loads(views, models) if loads else ()


def best_first(views: int) -> tuple[str, ...]:
    """The backends that auto chooses from, for so many views."""
    several, one = ("instantmesh",), ("triposg",)
    return (*(several + one if views >= POSED else one + several), "triposr", "visual-hull")


def lack_of(name: str, views: int, models: Path | None, effort: Effort | None = None) -> str | None:
    """Why the backend NAME cannot serve, in words: it lacks something, or would need more time or
    memory than EFFORT allows, or the GPU has."""
    backend = reconstructor(name)
    if lack := backend.lacks(views, models) or (effort and _beyond_gpu(name, effort)):
        return lack
    told: Callable[[Path | None, Effort], str | None] | None = getattr(backend, "beyond", None)
    try:
        return told(models, effort) if told and effort else None
    except BackendUnavailable as error:  # its files are of another kind than it looked
        return error.message.removesuffix(".")


def _beyond_gpu(name: str, effort: Effort) -> str | None:
    from pipeline.backends import memory

    need, has = cards.least(name, effort.grid), memory.card() if name in cards.LEAST else None
    if has is None or need <= has:
        return None
    return f"it needs about {size(need)} of a GPU's memory, and this one has {size(has)}"


def passed_over(
    name: str, views: int, models: Path | None, effort: Effort | None = None
) -> dict[str, str]:
    """Why each backend that is better than NAME cannot serve."""
    order = best_first(views)
    better = order[: order.index(name)] if name in order else ()
    found = {each: lack_of(each, views, models, effort) for each in better}
    return {each: lack for each, lack in found.items() if lack}


def choose(
    name: str, views: int, models: Path | None, effort: Effort | None = None
) -> tuple[str, Reconstructor]:
    """The backend for NAME, its name first; ``auto`` is the best that can serve. A named one that
    cannot raises BackendUnavailable."""
    if name == "auto":
        order = best_first(views)
        name = next(each for each in order if lack_of(each, views, models, effort) is None)
        return name, reconstructor(name)
    if lack := lack_of(name, views, models, effort):
        raise BackendUnavailable(
            f"backend {name}: {lack}.",
            remedy="Use backend=auto, or run `inbox3d models list` to see what is missing.",
        )
    return name, reconstructor(name)
