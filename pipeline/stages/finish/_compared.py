"""The report's chapter of a scan against its reference: the verdict, deviations as colours on the
mesh, their histogram, and the places beyond the tolerance."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Comparison, Mesh
from pipeline.geometry import arrays, topology
from pipeline.geometry.spread import spread
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import as_matrix
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import picture
from pipeline.stages.finish._deviations_figure import legend, signed_histogram
from pipeline.stages.finish._page import pictures, table
from pipeline.workspace import Workspace

Array = NDArray[Any]
INSIDE, LEVEL, OUTSIDE = (
    (38, 92, 190),
    (226, 228, 226),
    (196, 44, 40),
)  # too little, right, too much
UNKNOWN = (150, 150, 156)
_STEPS = 21  # colours between the ends
_DRAWN = 240_000  # points of the surface


def scale(compared: Comparison) -> float:
    """The deviation that has the full colour: twice the tolerance, else what one point in a hundred
    goes beyond."""
    return 2 * compared.tolerance if compared.tolerance else max(compared.most, 1e-12)


def painted(compared: Comparison, ws: Workspace) -> Surface:
    """The mesh, in the common frame, with its deviations as colours (sRGB); grey where nothing was
    measured."""
    stored = arrays.load(ws.path(str(compared.arrays)))
    group = groups(stored["off"], scale(compared))
    faces = stored["faces"]
    return Surface(
        stored["vertices"],
        faces,
        palette()[group],
        topology.vertex_normals(stored["vertices"], topology.weld(stored["vertices"])[faces]),
    )


def palette() -> Array:
    """(_STEPS + 1, 3) uint8 from too little to too much; the last is for what is not known."""
    share = np.linspace(-1, 1, _STEPS)[:, None]
    ends = np.where(share < 0, INSIDE, OUTSIDE)
    mixed = np.abs(share) * ends + (1 - np.abs(share)) * np.array(LEVEL)
    return np.round(np.concatenate([mixed, [UNKNOWN]])).astype(np.uint8)


def groups(off: Array, full: float) -> Array:
    """The row of the palette for each deviation; NaN is not known."""
    step = np.clip(np.nan_to_num(off) / full, -1, 1) * (_STEPS // 2) + _STEPS // 2
    return np.where(np.isnan(off), _STEPS, np.round(step)).astype(np.int64)


def chapter(compared: Comparison, mesh: Mesh, ws: Workspace) -> str:
    if compared.pose is None:
        return f"<p>{html.escape(str(compared.why))}.</p>"
    off = arrays.load(ws.path(str(compared.points)))["off"]
    figure = signed_histogram(off, compared.tolerance, mesh.unit, scale(compared), palette()[:-1])
    key = legend(scale(compared), mesh.unit, palette()[:-1])
    return (
        _drawn(compared, mesh, ws)
        + key
        + f"<figure>{figure}<figcaption>Deviations of the measured points, each the median of its"
        " neighbours: outside the reference positive.</figcaption></figure>"
        + table(_rows(compared, mesh.unit))
        + _places(compared, mesh)
    )


def _rows(compared: Comparison, unit: str) -> list[tuple[str, ...]]:
    ways = "" if not compared.ways else f"; it fits in {len(compared.ways) + 1} ways"
    rows: list[tuple[str, ...]] = [
        ("Reference", f"{html.escape(str(compared.reference))}, in {compared.unit}{ways}"),
        ("Of its surface the scan shows", f"{compared.measured:.0%}"),
        ("Mean deviation", f"{compared.mean:+.3g} {unit}"),
        ("Root mean square", f"{compared.rms:.3g} {unit}"),
        ("95 % lie within", f"{compared.p95:.3g} {unit}"),
        ("All but one in a thousand within", f"{compared.most:.3g} {unit}"),
    ]
    if compared.tolerance is None or compared.within is None:
        return rows
    word = "passed" if compared.passed else '<span class="no">not passed</span>'
    return [
        ("Tolerance", f"{compared.tolerance:.3g} {unit}: {word}"),
        *rows,
        ("Within the tolerance", f"{compared.within:.2%} of the points"),
    ]


def _places(compared: Comparison, mesh: Mesh) -> str:
    if not compared.beyond:
        return ""
    rows = [
        (
            f"{one.off:+.3g} {mesh.unit}",
            "too much" if one.off > 0 else "too little",
            f"{one.width:.3g} {mesh.unit}",
            ", ".join(f"{v + o:.4g}" for v, o in zip(one.place, mesh.origin, strict=True)),
        )
        for one in compared.beyond
    ]
    return table(rows, ("Beyond the tolerance", "", "Width", "Where"), frozenset({0, 2}))


def _drawn(compared: Comparison, mesh: Mesh, ws: Workspace) -> str:
    stored, frame = arrays.load(ws.path(str(compared.arrays))), as_matrix(mesh.frame)
    points, face, weight = spread(stored["vertices"], stored["faces"], _DRAWN)
    # not known where a corner is not
    off = (stored["off"][stored["faces"][face]] * weight).sum(1)
    group = groups(off, scale(compared))
    upright = points @ frame[:3, :3].T + frame[:3, 3]
    shown = []
    for words, camera in (
        ("Deviations on the mesh", Camera()),
        ("The same from behind", Camera(215.0, 22.0)),
    ):
        path = ws.path(f"report/deviation-{camera.azimuth:.0f}.webp")
        Image.fromarray(picture(upright, group, palette(), camera, 480)).save(
            path, quality=86, method=4
        )
        shown.append((words, path))
    return pictures(shown)
