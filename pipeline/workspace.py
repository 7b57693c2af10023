"""Workspace: the only thing a stage may write to. It lies in scratch on the compute host and knows
nothing of Atlas.

A stage that has options gets them with it: ``ws: StageWorkspace[Decimate]``, a model of
pipeline/kept/options.py.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from layout import names, tree

O_co = TypeVar("O_co", covariant=True)


def _silent(fraction: float, message: str) -> None:
    return None


@dataclass
class Workspace:
    """One leg's directory.

    root      where the stage's files go; input  the local copy of what was dropped (read only)
    models    the local model folder, or None
    warnings  what was said so far, by earlier stages too; said  what this stage said
    fetched   address → SHA-256 of what this stage took from outside the job
    assist    (address, seconds) of the assist service, or None; lan  hosts and networks of the LAN
    that pictures may be fetched from
    deadline  seconds that a stage may take, memory  bytes that it may use; None: as it likes
    """

    root: Path
    input: Path
    models: Path | None = None
    say: Callable[[float, str], None] = _silent
    warnings: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    fetched: dict[str, str] = field(default_factory=dict)
    assist: tuple[str, float] | None = None
    lan: tuple[str, ...] = ()
    deadline: float | None = None
    memory: int | None = None

    @functools.cached_property
    def _resolved(self) -> Path:
        return self.root.resolve()

    def path(self, name: str) -> Path:
        """Path of the workspace file NAME ("mesh/mesh.npz"); its folder is made. Refuses to leave
        the workspace."""
        target = (self.root / name).resolve()
        if not target.is_relative_to(self._resolved):
            raise ValueError(f"{name!r} leaves the workspace")
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def output(self, name: str) -> Path:
        """Path of the result file NAME; what lies there when the last leg ends is promoted as
        output/."""
        return self.path(f"output/{name}")

    def progress(self, fraction: float, message: str) -> None:
        """Say how far this stage is: fraction in 0..1 and a few words."""
        self.say(min(max(fraction, 0.0), 1.0), message)

    def lying(self) -> list[str]:
        """Names of all files of the drop but those that systems put beside people's own, and those
        that speak to the pipeline."""
        below = (path for path in self.input.rglob("*") if path.is_file())
        found = sorted(path.relative_to(self.input).as_posix() for path in below)
        return [name for name in found if not names.left_out(name) and not tree.is_ours(name)]

    def warn(self, text: str) -> None:
        """Note something the person should know; it ends up in the report, scan.json and
        job.json."""
        for sentences in (self.said, self.warnings):
            if text not in sentences:
                sentences.append(text)


@dataclass
class StageWorkspace(Workspace, Generic[O_co]):
    """A workspace with the options that its stage declares."""

    options: O_co = field(kw_only=True)
