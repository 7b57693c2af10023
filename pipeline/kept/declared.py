"""What each stage depends on, where processes that run no stage can read it: its options, its
version, what it takes and gives.

Whatever is declared here counts when a kept result is compared with what is asked now
(pipeline/kept/keys.py).
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.artefacts import (
    Alignment,
    Artefact,
    Comparison,
    Dropped,
    Exported,
    Features,
    Mesh,
    Pictures,
    PointCloud,
    PosedPictures,
    PosedView,
    Report,
    Scans,
    Shots,
    Views,
)
from pipeline.jobs.common import Common
from pipeline.kept.options import (
    Align,
    Assist,
    Clean,
    Compare,
    Decimate,
    Declared,
    Densify,
    DrawSides,
    Export,
    FetchImages,
    FindCameras,
    FindFeatures,
    Fuse,
    GenerateViews,
    Measure,
    MeshScan,
    NormalizeViews,
    Orient,
    PoseView,
    ReadMesh,
    ReadPasses,
    Reconstruct,
    Texture,
    WriteReport,
)


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
    "photos.find_cameras": Stage(FindCameras, (Dropped,), PosedPictures, version=16),
    "photos.densify": Stage(Densify, (PosedPictures,), Scans, version=7),
    "scan.read_passes": Stage(ReadPasses, (Dropped, Scans), Scans, version=14),
    "scan.orient": Stage(Orient, (Scans,), Scans, version=6),
    "scan.align": Stage(Align, (Scans, PosedPictures), Alignment, version=18),
    "scan.pose_pictures": Stage(Declared, (Scans, Alignment, PosedPictures), PosedPictures),
    "scan.fuse": Stage(Fuse, (Scans, Alignment), PointCloud, version=3),
    "scan.find_features": Stage(FindFeatures, (PointCloud, Scans, Alignment), Features, version=6),
    "scan.mesh": Stage(MeshScan, (PointCloud, Features, Scans, PosedPictures), Mesh, version=3),
    "scan.measure": Stage(
        Measure,
        (Mesh, PointCloud, Features, Alignment, Scans, PosedPictures),
        Mesh,
        version=2,
    ),
    "scan.compare": Stage(
        Compare, (Mesh, PointCloud, Features, Alignment, Scans), Comparison, version=2
    ),
    "mesh.read_mesh": Stage(ReadMesh, (Dropped,), Mesh, version=7),
    "mesh.reconstruct": Stage(Reconstruct, (Views,), Mesh, version=2, weights=True),
    "mesh.draw_sides": Stage(DrawSides, (Mesh, Views), Mesh, weights=True),
    "mesh.clean": Stage(Clean, (Mesh,), Mesh, version=2),
    "mesh.decimate": Stage(Decimate, (Mesh,), Mesh, version=3),
    "mesh.pose_view": Stage(PoseView, (Mesh, Views), PosedView, version=3),
    "views.fetch_images": Stage(FetchImages, (Dropped,), Views, version=5),
    "views.generate_views": Stage(GenerateViews, (Dropped, Shots), Views, version=2, weights=True),
    "views.normalize_views": Stage(NormalizeViews, (Views,), Views, version=3, weights=True),
    "finish.assist": Stage(Assist, (Mesh, PointCloud, Alignment, Scans, Features), Mesh),
    "finish.texture": Stage(
        Texture, (Mesh, PointCloud, Scans, Alignment, PosedPictures, PosedView), Mesh, version=7
    ),
    "finish.export": Stage(
        Export, (Mesh, PointCloud, Scans, Comparison, Alignment), Exported, version=3
    ),
    "finish.preview": Stage(Declared, (Mesh,), Pictures, version=2),
    "finish.report": Stage(
        WriteReport,
        (
            Mesh,
            Exported,
            Pictures,
            Alignment,
            Scans,
            PointCloud,
            Features,
            Dropped,
            Views,
            PosedPictures,
            Comparison,
        ),
        Report,
        version=11,
    ),
}


WEIGHED = frozenset(name for name, stage in STAGES.items() if stage.weights)


def options_for(stage: str, options: Common) -> Declared | Common:
    """The option model of STAGE, made from the job's OPTIONS; one that declares nothing
    (``module:function``) gets the job's own."""
    if stage not in STAGES:
        return options
    model = STAGES[stage].options
    return model.model_validate(options, from_attributes=True)
