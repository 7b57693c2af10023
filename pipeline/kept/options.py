"""The options that each stage reads.

A stage gets its own small option model and nothing else of the job's options; each field is an
attribute of the job's option model (pipeline/jobs/) of the same name. What is not declared cannot
be read: mypy knows the model by the annotation of ``ws``.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pipeline.jobs.common import Format


class Declared(BaseModel):
    """The options of one stage, as they are on their own the options of one that has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FindCameras(Declared):
    photo_edge: int
    marker_edge: float | None
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"]
    reference: str | None


class Densify(Declared):
    depth_edge: int


class ReadPasses(Declared):
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"]
    reference: str | None


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
    front: str
    seed: int


class MeshScan(Declared):
    surface: Literal["observed", "closed"]
    depth: int


class Measure(Declared):
    seed: int


class Compare(Declared):
    tolerance: float | None


class ReadMesh(Declared):
    unit: Literal["auto", "mm", "cm", "m", "inch", "ft"]
    up: str
    front: str
    stand: bool


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
    flow_steps: int
    seed: int


class Clean(Declared):
    kind: str
    cleans: bool
    widest_hole: float


class Decimate(Declared):
    face_budget: int | None


class DrawSides(Declared):
    draw_sides: bool | None
    texture_edge: int | None
    seed: int


class PoseView(Declared):
    texture_edge: int | None


class Assist(Declared):
    seed: int


class Texture(Declared):
    texture_edge: int | None


class Export(Declared):
    output_format: tuple[Format, ...]
    makes_solids: bool
    writes_e57: bool


class WriteReport(Declared):
    kind: str
    seed: int
    asked: dict[str, Any]
