"""What lies below output/, and all that a job came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from pipeline.artefacts.base import Artefact
from pipeline.artefacts.clouds import Features, PointCloud
from pipeline.artefacts.compared import Comparison
from pipeline.artefacts.meshes import Mesh
from pipeline.artefacts.passes import Alignment, Dropped, Scans
from pipeline.artefacts.pictures import PosedPictures, Views


class Exported(Artefact):
    """Files written below output/, in the order the person asked for them."""

    files_written: tuple[str, ...]
    faces: int
    texture: int | None = None  # texture edge, pixels


class Pictures(Artefact):
    """Pictures below output/."""

    preview: str
    extra: tuple[str, ...] = ()


class Report(Artefact):
    """The page a person opens and the facts a program reads, below output/."""

    page: str
    facts: str | None = None  # scan.json
    summary: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Results:
    """All that a job came to, together: what its report tells of. What its kind does not make is
    None."""

    mesh: Mesh
    exported: Exported
    pictures: Pictures
    alignment: Alignment | None = None
    scans: Scans | None = None
    cloud: PointCloud | None = None
    features: Features | None = None
    dropped: Dropped | None = None
    views: Views | None = None
    posed: PosedPictures | None = None
    compared: Comparison | None = None
