"""Photographs of a small scene, and the stages that make a scan of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray
from PIL import ImageFilter

from pipeline.artefacts import Alignment, Artefact, Dropped, Mesh, PosedPictures, Scans
from pipeline.jobs import parse
from pipeline.recipes import call, stage_function, stages
from pipeline.workspace import StageWorkspace
from tests.support import photographs

SIZE = (360, 270)


@dataclass
class Job:
    """The stages up to one, run on a drop."""

    ws: StageWorkspace[Any]
    bag: list[Artefact]

    def newest(self, kind: type[Any]) -> Any:
        return next(one for one in reversed(self.bag) if isinstance(one, kind))

    @property
    def posed(self) -> PosedPictures:
        return next(one for one in self.bag if isinstance(one, PosedPictures))

    @property
    def scans(self) -> Scans:
        return self.newest(Scans)

    @property
    def alignment(self) -> Alignment:
        return self.newest(Alignment)

    @property
    def mesh(self) -> Mesh:
        return self.newest(Mesh)


def run_stages(drop: Path, root: Path, last: str, **options: Any) -> Job:
    """Run the stages of a scan up to and with LAST on the files of DROP."""
    root.mkdir(parents=True, exist_ok=True)
    ws = StageWorkspace(root, drop, options=parse({"kind": "scan", **options}))
    names = sorted(path.relative_to(drop).as_posix() for path in drop.rglob("*") if path.is_file())
    bag: list[Artefact] = [Dropped(names=tuple(names))]
    order = stages("scan")
    for stage in order[: order.index(last) + 1]:
        bag.append(call(stage_function(stage), bag, ws))
    return Job(ws, bag)


@dataclass
class Shot:
    """A scene and its photographs; truth: pose (world → camera) by name."""

    scene: photographs.Scene
    photos: dict[str, Any]
    truth: dict[str, NDArray[Any]] = field(default_factory=dict)


@pytest.fixture(scope="session")
def shot() -> Shot:
    """Eleven photographs from half around, from two heights."""
    scene = photographs.Scene()
    poses = photographs.ring(20)[:8] + photographs.ring(20, 48, start=10)[1:7:2]
    truth = {f"IMG_{number:02}.jpg": pose for number, pose in enumerate(poses)}
    return Shot(scene, {name: scene.photo(pose, SIZE) for name, pose in truth.items()}, truth)


@pytest.fixture(scope="session")
def with_strays(shot: Shot) -> dict[str, Any]:
    """These with photographs that do not belong to them: of another scene, blurred beyond use, one file twice, one mirrored."""
    other = photographs.Scene(seed=5)
    poses = list(shot.truth.values())
    first = photographs.jpeg(shot.photos["IMG_00.jpg"])
    return shot.photos | {
        "IMG_00.jpg": first,
        "copy.jpg": first,
        "other_a.jpg": other.photo(poses[2], SIZE),
        "other_b.jpg": other.photo(poses[3], SIZE),
        "blurred.jpg": shot.photos["IMG_03.jpg"].filter(ImageFilter.GaussianBlur(14)),
        "mirrored.jpg": shot.photos["IMG_05.jpg"].transpose(0),
    }


@pytest.fixture(scope="session")
def job(with_strays: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The scan of the photographs, strays and all, up to its mesh."""
    drop = photographs.drop(tmp_path_factory.mktemp("photos") / "drop", with_strays)
    return run_stages(drop, tmp_path_factory.mktemp("work"), "scan.mesh")
