"""What the scan tests share: a figure scanned by the virtual scanner, run through the stages once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.artefacts import Alignment, Artefact, Dropped, Features, Mesh, PointCloud, Scans
from pipeline.demo import virtual_figure, virtual_scanner
from pipeline.jobs import parse
from pipeline.recipes import call, stage_function
from pipeline.workspace import StageWorkspace, Workspace

STAGES = ("read_passes", "orient", "align", "fuse", "find_features", "mesh", "measure")


@dataclass(frozen=True)
class Job:
    """What the stages of one drop returned."""

    ws: Workspace
    bag: list[Artefact]

    def _newest(self, kind: type[Any]) -> Any:
        return next(one for one in reversed(self.bag) if isinstance(one, kind))

    @property
    def scans(self) -> Scans:
        return self._newest(Scans)

    @property
    def alignment(self) -> Alignment:
        return self._newest(Alignment)

    @property
    def cloud(self) -> PointCloud:
        return self._newest(PointCloud)

    @property
    def features(self) -> Features:
        return self._newest(Features)

    @property
    def mesh(self) -> Mesh:
        return self._newest(Mesh)


def run_stages(
    drop: Path,
    root: Path,
    last: str = "measure",
    names: tuple[str, ...] | None = None,
    **options: Any,
) -> Job:
    """Run the scan stages up to and with LAST on the files of DROP, in a workspace at ROOT."""
    root.mkdir(parents=True, exist_ok=True)
    ws = StageWorkspace(root, drop, options=parse({"kind": "scan", **options}))
    bag: list[Artefact] = [
        Dropped(names=names or tuple(sorted(path.name for path in drop.iterdir())))
    ]
    for stage in STAGES[: STAGES.index(last) + 1]:
        bag.append(call(stage_function(f"scan.{stage}"), bag, ws))
    return Job(ws, bag)


@dataclass(frozen=True)
class Scanned:
    """A drop of the virtual scanner and its truth."""

    drop: Path
    truth: dict[str, Any]


@pytest.fixture(scope="session")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Scanned:
    """Eight small passes around the figure on its turntable, scrambled."""
    folder = tmp_path_factory.mktemp("figure")
    virtual_scanner.make_drop(
        virtual_figure.make(2.0),
        folder / "drop",
        folder / "truth.json",
        passes=8,
        pixels=100,
        seed=3,
    )
    return Scanned(folder / "drop", json.loads((folder / "truth.json").read_text()))


@pytest.fixture(scope="session")
def job(scanned: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The whole chain on the scanned figure."""
    return run_stages(scanned.drop, tmp_path_factory.mktemp("job"))


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Job]:
    """A function that writes files into a drop and reads it, or of it what is USED: read({"a.ply": bytes}, unit="mm")."""

    def reader(files: dict[str, bytes], used: tuple[str, ...] = (), **options: Any) -> Job:
        drop = tmp_path / "drop"
        drop.mkdir(exist_ok=True)
        for name, content in files.items():
            (drop / name).parent.mkdir(parents=True, exist_ok=True)
            (drop / name).write_bytes(content)
        return run_stages(
            drop, tmp_path / "work", "read_passes", used or tuple(sorted(files)), **options
        )

    return reader
