"""Choosing what makes a mesh from views. One factory; callers never compare names."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path

from pipeline.backends.protocol import Reconstructor
from pipeline.errors import BackendUnavailable, SubmitRefused

GROUP = "inbox3d.backends"
BEST_FIRST = ("instantmesh", "triposr", "visual-hull")
OWN = ("triposr", "instantmesh", "visual-hull", "placeholder")


def reconstructor(name: str) -> Reconstructor:
    """The reconstruction backend NAME; SubmitRefused where there is none."""
    match name:
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


def passed_over(name: str, views: int, models: Path | None) -> dict[str, str]:
    """Why each backend that is better than NAME cannot serve."""
    better = BEST_FIRST[: BEST_FIRST.index(name)] if name in BEST_FIRST else ()
    return {each: lack for each in better if (lack := reconstructor(each).lacks(views, models))}


def choose(name: str, views: int, models: Path | None) -> tuple[str, Reconstructor]:
    """The backend for NAME, its name first; ``auto`` is the best that can serve. A named one that
    cannot raises BackendUnavailable."""
    if name == "auto":
        offers = ((each, reconstructor(each)) for each in BEST_FIRST)
        return next(
            (each, backend) for each, backend in offers if backend.lacks(views, models) is None
        )
    backend = reconstructor(name)
    if lack := backend.lacks(views, models):
        raise BackendUnavailable(
            f"backend {name}: {lack}.",
            remedy="Use backend=auto, or run `inbox3d models list` to see what is missing.",
        )
    return name, backend
