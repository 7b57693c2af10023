"""The mesh, from its making to its export."""

from __future__ import annotations

from typing import Any

from pipeline.artefacts.base import Artefact, File, Matrix, MaybeFile
from pipeline.artefacts.clouds import Gaps
from pipeline.artefacts.pictures import PosedPicture, View


class Mesh(Artefact):
    """A triangle mesh. arrays: vertices (V,3) float64, faces (F,3) int32; optional colors (V,3)
    uint8, normals (V,3) float32, uv (V,2) float32. Scan meshes stand in the common frame and the
    drop's unit; ``frame`` maps them to Y-up metres."""

    arrays: File
    vertices: int
    faces: int
    watertight: bool
    manifold: bool
    unit: str = "m"
    frame: Matrix | None = None  # None: the mesh already stands in Y-up metres
    origin: tuple[int, int, int] = (0, 0, 0)
    unsupported_area: float | None = None  # share of the surface that no point supports
    scan_to_mesh: dict[str, float] | None = None  # {"mean", "p95"} as shares of the size
    gaps: Gaps | None = None  # what no scanner saw of it
    label: str | None = None  # "draft" or "placeholder" where that is the honest word
    # of a mesh made from views: backend, models, names of the views used, its numbers
    reconstruction: dict[str, Any] | None = None
    drawn: tuple[View, ...] = ()  # views that the backend made itself, and sides
    # pictures of its sides, RGBA, drawn after it: guesses that fit its outline
    sides: tuple[PosedPicture, ...] = ()
    # base-colour texture (PNG, sRGB) that uv refers to; uv runs from the lower left corner
    image: MaybeFile = None
    # grey levels (PNG) on the same uv: 0 where the one picture it was made of shows the surface,
    # 128 where its mirror image does, 191 where a side that was drawn does, 255 where its colour
    # is a guess
    guessed: MaybeFile = None
    normal_map: MaybeFile = None  # tangent-space normals (PNG) on the same uv, glTF convention
    # of one with colours from photographs, npz: best (V,) int16, the number of the photograph that
    # shows most of each vertex, -1 where none does; count (V,) int16, how many show it
    textured_by: MaybeFile = None
    # what an assist service answered: {"mesh": bool, "features": […]}
    assisted: dict[str, Any] | None = None
    # npz like arrays: an earlier form of this mesh, which still has its colours
    painted: MaybeFile = None
    painted_image: MaybeFile = None  # the texture that painted's uv refers to
