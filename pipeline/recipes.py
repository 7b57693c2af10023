"""Recipes: what is done for each kind. A leg is a row of stages on one queue; a stage is named
after its file below stages/.

A worker that serves the next queue too goes straight on; otherwise the leg's artefacts are promoted
and the job is handed on.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from pipeline.artefacts import Artefact
from pipeline.workspace import Workspace

T = TypeVar("T")


class Leg(NamedTuple):
    queue: str
    stages: tuple[str, ...]


class Recipe(NamedTuple):
    kind: str
    legs: tuple[Leg, ...]

    def leg(self, queue: str) -> Leg | None:
        return next((leg for leg in self.legs if leg.queue == queue), None)

    def before(self, queue: str) -> tuple[str, ...]:
        """The stages of the legs before QUEUE."""
        return tuple(
            stage
            for leg in self.legs[: [leg.queue for leg in self.legs].index(queue)]
            for stage in leg.stages
        )

    def straight(self, queue: str, served: Iterable[str]) -> tuple[str, ...]:
        """The stages from QUEUE on that whoever serves the queues SERVED runs in one go."""
        queues, found = [leg.queue for leg in self.legs], list[str]()
        for leg in self.legs[queues.index(queue) :] if queue in queues else ():
            if leg.queue not in {queue, *served}:
                break
            found += leg.stages
        return tuple(found)

    def after(self, queue: str) -> Leg | None:
        """The leg that follows QUEUE, or None at the end."""
        queues = [leg.queue for leg in self.legs]
        at = queues.index(queue) + 1
        return self.legs[at] if at < len(queues) else None


FINISH = ("finish.assist", "finish.texture", "finish.export", "finish.preview", "finish.report")

RECIPES: dict[str, Recipe] = {
    recipe.kind: recipe
    for recipe in (
        Recipe(
            "scan",
            (
                Leg(
                    "scan",
                    (
                        "photos.find_cameras",
                        "photos.densify",
                        "scan.read_passes",
                        "scan.orient",
                        "scan.align",
                        "scan.pose_pictures",
                        "scan.fuse",
                        "scan.find_features",
                        "scan.mesh",
                        "mesh.clean",
                        "mesh.decimate",
                        "scan.measure",
                        "scan.compare",
                    ),
                ),
                Leg("finish", FINISH),
            ),
        ),
        Recipe(
            "images",
            (
                Leg("prepare", ("views.fetch_images", "views.normalize_views")),
                Leg("mesh", ("mesh.reconstruct", "mesh.draw_sides")),
                Leg("finish", ("mesh.clean", "mesh.decimate", "mesh.pose_view", *FINISH)),
            ),
        ),
        Recipe(
            "prompt",
            (
                Leg("views", ("views.generate_views",)),
                Leg("mesh", ("views.normalize_views", "mesh.reconstruct", "mesh.draw_sides")),
                Leg("finish", ("mesh.clean", "mesh.decimate", "mesh.pose_view", *FINISH)),
            ),
        ),
        Recipe(
            "convert", (Leg("finish", ("mesh.read_mesh", "mesh.clean", "mesh.decimate", *FINISH)),)
        ),
    )
}


def stages(kind: str | None) -> tuple[str, ...]:
    """All stages of KIND's recipe, leg after leg; none for a kind that this host does not know."""
    recipe = RECIPES.get(kind or "")
    return tuple(stage for leg in recipe.legs for stage in leg.stages) if recipe else ()


def stage_function(name: str, what: str = "run") -> Callable[..., Any]:
    """The ``run`` (or WHAT) of pipeline/stages/NAME, or ``module:function`` of a plug-in; imported
    late."""
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(
        importlib.import_module(module if function else f"pipeline.stages.{module}"),
        function or what,
    )
    return found


def call(function: Callable[..., T], bag: Iterable[Artefact], ws: Workspace) -> T:
    """Call a stage with the newest artefacts of the types it asks for by annotation; ``X | None``
    may be missing. A dataclass of artefacts is filled in the same way."""
    newest = {type(artefact): artefact for artefact in bag}
    return function(**_arguments(_asked(function), newest, ws, function.__module__))


@functools.lru_cache(256)
def _asked(function: Callable[..., Any]) -> dict[str, Any]:
    """What FUNCTION's parameters are annotated with, by name."""
    hints = typing.get_type_hints(function)
    return {name: hints[name] for name in inspect.signature(function).parameters}


def _arguments(
    hints: dict[str, Any], newest: dict[type[Artefact], Artefact], ws: Workspace, asking: str
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, hint in hints.items():
        wanted, optional = _wanted(hint)
        if issubclass(typing.get_origin(wanted) or wanted, Workspace):
            found[name] = ws
        elif isinstance(wanted, type) and dataclasses.is_dataclass(wanted):
            inner = _arguments(typing.get_type_hints(wanted), newest, ws, asking)
            found[name] = wanted(**inner)
        elif wanted in newest or optional:
            found[name] = newest.get(wanted)
        else:
            raise LookupError(
                f"{asking} asks for {wanted.__name__}, which no earlier stage returned"
            )
    return found


def _wanted(hint: Any) -> tuple[Any, bool]:
    if isinstance(hint, types.UnionType):
        kinds = [part for part in typing.get_args(hint) if part is not types.NoneType]
        return kinds[0], True
    return hint, False
