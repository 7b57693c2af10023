"""The protocol of what makes a mesh from views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from pipeline.geometry.surface import Surface


class Picture(NamedTuple):
    """A cut-out view in memory: rgba (S,S,4) uint8; degrees as in artefacts.View."""

    name: str
    rgba: NDArray[Any]
    azimuth: float
    elevation: float
    fov: float | None


@dataclass(frozen=True)
class Effort:
    """How much work a backend may put in: points along a grid's edge, points per query, steps of a
    flow; seconds that it may take and bytes of the machine's memory, or None."""

    grid: int = 256
    chunk: int = 131_072
    seed: int = 0
    steps: int = 50
    deadline: float | None = None
    memory: int | None = None
    progress: Callable[[float, str], None] = field(default=lambda fraction, message: None)


@dataclass(frozen=True)
class Reconstruction:
    """A mesh in the canonical frame: Y up, front +Z, right-handed; a field's unit counts as a
    metre.

    label: "draft" or "placeholder" where that is the honest word. used: names of the views. facts:
    numbers for the report. drawn: views that the backend made itself. models: names of the models
    whose weights it used. notes: sentences that the person should know.
    """

    surface: Surface
    label: str | None = None
    used: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    drawn: tuple[Picture, ...] = ()
    models: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Reconstructor(Protocol):
    """A backend that makes a mesh from views. ``lacks`` loads nothing: it says in words why it
    cannot serve, or None."""

    def lacks(self, views: int, models: Path | None) -> str | None: ...

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction: ...
