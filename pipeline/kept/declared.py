"""What each stage depends on, where processes that run no stage can read it: its options, its
version, what it takes and gives.

A stage gets its own small option model and nothing else of the job's options; each field is an
attribute of the job's option model (pipeline/jobs.py) of the same name. Whatever is declared here
counts when a kept result is compared with what is asked now (pipeline/kept/keys.py), and what is
not declared cannot be read: mypy knows the model by the annotation of ``ws``.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from pipeline.artefacts import (
    Alignment,
    Artefact,
    Dropped,
    Exported,
    Features,
    Mesh,
    Pictures,
    PointCloud,
    PosedPictures,
    Report,
    Scans,
    Shots,
    Views,
)
from pipeline.jobs.common import Common, Format


class Declared(BaseModel):
    """The options of one stage, as they are on their own the options of one that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FindCameras(Declared):
    photo_edge: int
    marker_edge: float | None


class Densify(Declared):
    depth_edge: int


class ReadPasses(Declared):
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"]


class Orient(Declared):
    drops_outliers: bool


class Align(Declared):
    align: Literal["auto", "given", "off"]
    components: Literal["largest", "all"]
    turntable: int | None
    order: Literal["any", "sequence"]


class Fuse(Declared):
    cell: float | None
    cell_share: float
    drops_outliers: bool


class FindFeatures(Declared):
    finds_planes: bool
    plane: Literal["auto", "keep", "remove"]
    up: str
    seed: int


class MeshScan(Declared):
    surface: Literal["observed", "closed"]
    depth: int


class Measure(Declared):
    seed: int


class ReadMesh(Declared):
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"]
    up: Literal["auto", "y", "z"]


class FetchImages(Declared):
    image_urls: tuple[str, ...]
    image_paths: tuple[str, ...]


class GenerateViews(Declared):
    prompt: str
    view_count: int
    steps: int
    seed: int


class NormalizeViews(Declared):
    elevation: float | None
    fov: float | None


class Reconstruct(Declared):
    backend: str
    grid: int
    seed: int


class Clean(Declared):
    kind: str
    cleans: bool
    widest_hole: float


class Decimate(Declared):
    face_budget: int | None


class Assist(Declared):
    seed: int


class Texture(Declared):
    texture_edge: int | None


class Export(Declared):
    output_format: tuple[Format, ...]
    makes_solids: bool


class WriteReport(Declared):
    kind: str
    seed: int
    asked: dict[str, Any]


class Stage(NamedTuple):
    """One stage: its options, the types of the artefacts it takes (those that are there) and the
    one it gives.

    ``version`` is raised whenever the stage's output changes for the same input: results of an
    older one are made again. ``weights``: its file has a function of that name which tells, name →
    SHA-256, the weights that this host would use.
    """

    options: type[Declared]
    takes: tuple[type[Artefact], ...]
    gives: type[Artefact]
    version: int = 1
    weights: bool = False


STAGES: dict[str, Stage] = {
    "photos.find_cameras": Stage(FindCameras, (Dropped,), PosedPictures, version=2),
    "photos.densify": Stage(Densify, (PosedPictures,), Scans),
    "scan.read_passes": Stage(ReadPasses, (Dropped, Scans), Scans, version=8),
    "scan.orient": Stage(Orient, (Scans,), Scans, version=4),
    "scan.align": Stage(Align, (Scans, PosedPictures), Alignment, version=5),
    "scan.pose_pictures": Stage(Declared, (Scans, Alignment, PosedPictures), PosedPictures),
    "scan.fuse": Stage(Fuse, (Scans, Alignment), PointCloud, version=3),
    "scan.find_features": Stage(FindFeatures, (PointCloud, Scans, Alignment), Features, version=4),
    "scan.mesh": Stage(MeshScan, (PointCloud, Features, Scans), Mesh, version=2),
    "scan.measure": Stage(Measure, (Mesh, PointCloud, Features, Alignment, Scans), Mesh),
    "mesh.read_mesh": Stage(ReadMesh, (Dropped,), Mesh, version=4),
    "mesh.reconstruct": Stage(Reconstruct, (Views,), Mesh, weights=True),
    "mesh.clean": Stage(Clean, (Mesh,), Mesh, version=2),
    "mesh.decimate": Stage(Decimate, (Mesh,), Mesh, version=3),
    "views.fetch_images": Stage(FetchImages, (Dropped,), Views, version=2),
    "views.generate_views": Stage(GenerateViews, (Dropped, Shots), Views, version=2, weights=True),
    "views.normalize_views": Stage(NormalizeViews, (Views,), Views, version=3, weights=True),
    "finish.assist": Stage(Assist, (Mesh, PointCloud, Alignment, Scans, Features), Mesh),
    "finish.texture": Stage(
        Texture, (Mesh, PointCloud, Scans, Alignment, PosedPictures), Mesh, version=2
    ),
    "finish.export": Stage(Export, (Mesh, PointCloud, Scans), Exported, version=3),
    "finish.preview": Stage(Declared, (Mesh,), Pictures),
    "finish.report": Stage(
        WriteReport,
        (Mesh, Exported, Pictures, Alignment, Scans, PointCloud, Features, Dropped, Views),
        Report,
        version=4,
    ),
}


WEIGHED = frozenset(name for name, stage in STAGES.items() if stage.weights)


def options_for(stage: str, options: Common) -> Declared | Common:
    """The option model of STAGE, made from the job's OPTIONS; one that declares nothing
    (``module:function``) gets the job's own."""
    if stage not in STAGES:
        return options
    model = STAGES[stage].options
    return model.model_validate({name: getattr(options, name) for name in model.model_fields})
