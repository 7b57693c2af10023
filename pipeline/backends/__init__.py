"""Backends: what makes views, and what makes a mesh from views. One factory; callers never compare names.

A third party adds one by an entry point in the group ``inbox3d.backends`` that names a class without arguments, see docs/extending.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from pipeline.errors import BackendUnavailable, SubmitRefused
from pipeline.geometry.surface import Surface

GROUP = "inbox3d.backends"
BEST_FIRST = ("instantmesh", "triposr", "visual-hull")
OWN = ("triposr", "instantmesh", "visual-hull", "placeholder")


class Picture(NamedTuple):
    """A cut-out view in memory: rgba (S,S,4) uint8; degrees as in artefacts.View."""

    name: str
    rgba: NDArray[Any]
    azimuth: float
    elevation: float
    fov: float | None


@dataclass(frozen=True)
class Effort:
    """How much work a backend may put in: points along a grid's edge, and points per query."""

    grid: int = 256
    chunk: int = 131_072
    seed: int = 0
    progress: Callable[[float, str], None] = field(default=lambda fraction, message: None)


@dataclass(frozen=True)
class Reconstruction:
    """A mesh in the canonical frame: Y up, front +Z, right-handed; a field's unit counts as a metre.

    label: "draft" or "placeholder" where that is the honest word. used: names of the views. facts: numbers for the report. drawn: views
    that the backend made itself. models: names of the models whose weights it used.
    """

    surface: Surface
    label: str | None = None
    used: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    drawn: tuple[Picture, ...] = ()
    models: tuple[str, ...] = ()


class Reconstructor(Protocol):
    """A backend that makes a mesh from views. ``lacks`` loads nothing: it says in words why it cannot serve, or None."""

    def lacks(self, views: int, models: Path | None) -> str | None: ...

    def reconstruct(self, pictures: Sequence[Picture], models: Path | None, effort: Effort) -> Reconstruction: ...


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
    raise SubmitRefused(f"backend: there is no backend {name!r}.", remedy=f"Use auto or one of {', '.join(names())}.")


def names() -> tuple[str, ...]:
    """All backends: our own and those added by entry points."""
    return (*OWN, *sorted(entry.name for entry in entry_points(group=GROUP) if entry.name not in OWN))


def loaded_by(backend: Reconstructor, views: int, models: Path | None) -> tuple[str, ...]:
    """Names of the models that BACKEND loads for so many views; none of a plug-in that does not say."""
    loads: Callable[[int, Path | None], tuple[str, ...]] | None = getattr(backend, "loads", None)
    return loads(views, models) if loads else ()


def passed_over(name: str, views: int, models: Path | None) -> dict[str, str]:
    """Why each backend that is better than NAME cannot serve."""
    better = BEST_FIRST[: BEST_FIRST.index(name)] if name in BEST_FIRST else ()
    return {each: lack for each in better if (lack := reconstructor(each).lacks(views, models))}


def choose(name: str, views: int, models: Path | None) -> tuple[str, Reconstructor]:
    """The backend for NAME, its name first; ``auto`` is the best that can serve. A named one that cannot raises BackendUnavailable."""
    if name == "auto":
        offers = ((each, reconstructor(each)) for each in BEST_FIRST)
        return next((each, backend) for each, backend in offers if backend.lacks(views, models) is None)
    backend = reconstructor(name)
    if lack := backend.lacks(views, models):
        raise BackendUnavailable(
            f"backend {name}: {lack}.", remedy="Use backend=auto, or run `inbox3d models list` to see what is missing."
        )
    return name, backend
