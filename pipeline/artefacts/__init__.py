"""Artefacts: what a stage returns. Small frozen records that name the workspace files which hold
the arrays.

A field annotated ``File`` is a name relative to the workspace root. Arrays are .npz files without
pickles. Common frame = the frame of the aligned object in the drop's own unit, after ``origin``
(whole numbers, the drop's unit) was subtracted.
"""

from pipeline.artefacts.base import Artefact, File, Matrix, MaybeFile
from pipeline.artefacts.clouds import (
    Axis,
    Cylinder,
    Features,
    Gaps,
    Hole,
    Mirror,
    Plane,
    PointCloud,
    Standpoint,
    Symmetry,
)
from pipeline.artefacts.compared import Beyond, Comparison
from pipeline.artefacts.meshes import Mesh
from pipeline.artefacts.passes import (
    Alignment,
    Dropped,
    Link,
    Pass,
    Placed,
    Reference,
    Scans,
)
from pipeline.artefacts.pictures import (
    PosedPicture,
    PosedPictures,
    PosedView,
    Shots,
    View,
    Views,
)
from pipeline.artefacts.results import Exported, Pictures, Report, Results

__all__ = [
    "Alignment",
    "Artefact",
    "Axis",
    "Beyond",
    "Comparison",
    "Cylinder",
    "Dropped",
    "Exported",
    "Features",
    "File",
    "Gaps",
    "Hole",
    "Link",
    "Matrix",
    "MaybeFile",
    "Mesh",
    "Mirror",
    "Pass",
    "Pictures",
    "Placed",
    "Plane",
    "PointCloud",
    "PosedPicture",
    "PosedPictures",
    "PosedView",
    "Reference",
    "Report",
    "Results",
    "Scans",
    "Shots",
    "Standpoint",
    "Symmetry",
    "View",
    "Views",
]
