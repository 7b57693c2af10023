"""What the report says, in plain words: from artefacts to texts, tables and pictures."""

from __future__ import annotations

import html
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Alignment, Features, Mesh, PointCloud, Results
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import WriteReport
from pipeline.stages.finish import _compared, _photos, _rescan
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import palette, picture
from pipeline.stages.finish._distance import distances, scan_points
from pipeline.stages.finish._figures import histogram, link_graph
from pipeline.stages.finish._page import pictures as figures_html
from pipeline.stages.finish._page import table
from pipeline.stages.finish._tables import (
    assist_table,
    count,
    features_table,
    files_table,
    passes_table,
    readable,
)
from pipeline.workspace import StageWorkspace, Workspace

Array = NDArray[Any]


def figures(results: Results, off: tuple[Array, str] | None) -> list[tuple[str, str]]:
    """The link graph and the histogram of distances (OFF the surface, and their unit), as SVG."""
    alignment = results.alignment
    found = []
    if alignment is not None and alignment.links:
        caption = (
            "<figcaption>Thick lines: much overlap. Dashed: seen, but not needed. A hollow dot:"
            " without a place.</figcaption>"
        )
        graph = link_graph(alignment, palette(len(alignment.passes)))
        found.append((f"How the {called(results)} hang together", graph + caption))
    if off is not None:
        caption = (
            f"<figcaption>Distances of {count(len(off[0]))} of their points, but for the farthest"
            " 0.5%.</figcaption>"
        )
        found.append((f"How far the {_lies(results)} from the surface", histogram(*off) + caption))
    return found


def off_surface(results: Results, ws: Workspace) -> tuple[Array, str] | None:
    """How far points of the merged cloud lie from the surface, and in which unit."""
    if results.cloud is None:
        return None
    points = scan_points(results.cloud, results.features, ws)
    return readable(distances(surfaces.load(ws, results.mesh), points), results.mesh.unit)


def how_far(results: Results, off: tuple[Array, str] | None) -> str:
    """The mean of OFF as a sentence: the number that stands in the histogram."""
    if off is None:
        return ""
    return f" The {_lies(results)} {off[0].mean():.3g} {off[1]} from the surface on average."


def called(results: Results) -> str:
    """What the passes are called."""
    return "photographs" if _photos.made_it(results) else "passes"


def _lies(results: Results) -> str:
    return "photographs' points lie" if _photos.made_it(results) else "scan lies"


def sections(results: Results, ws: StageWorkspace[WriteReport]) -> list[tuple[str, str]]:
    """(title, HTML) of every chapter that there is something to say in."""
    mesh, alignment, cloud = results.mesh, results.alignment, results.cloud
    features, dropped = results.features, results.dropped
    found: list[tuple[str, str]] = []
    shown = [
        ("The model", ws.output(results.pictures.preview)),
        ("Turning", ws.output("turntable.webp")),
    ]
    if cloud is not None and alignment is not None:
        shown += _passes_pictures(mesh, cloud, alignment, called(results), ws)
    found.append(("Pictures", figures_html(shown)))
    compared = results.compared
    if compared is not None and compared.reference is not None:
        found.append((f"Against {compared.reference}", _compared.chapter(compared, mesh, ws)))
    if alignment is not None:
        if _photos.made_it(results) and results.posed is not None:
            names = [item.name for item in alignment.passes]
            found.append(("The photographs", _photos.chapter(results.posed, mesh, ws, names)))
        else:
            found.append(("The passes", passes_table(alignment)))
    elif dropped is not None:
        found.append(
            ("What was dropped", table([(html.escape(name),) for name in dropped.names[:200]]))
        )
    if features is not None and recognised(features):
        found.append(("What was recognised", features_table(features)))
    if mesh.gaps is not None and mesh.gaps.holes:
        seen = "What no photograph showed" if _photos.made_it(results) else "What no scanner saw"
        found.append((seen, _rescan.chapter(mesh, mesh.gaps, ws, _photos.made_it(results))))
    if mesh.assisted is not None:
        found.append(("What the assist service said", assist_table(mesh.assisted)))
    found.append(("Files", files_table(results.exported, mesh, ws)))
    rows = [
        (
            html.escape(str(key)),
            html.escape(_said(value)),
        )
        for key, value in sorted(ws.options.asked.items())
    ]
    found.append(("What was asked for", table(rows)))
    return found


def _said(value: object) -> str:
    """The value of an option as a person writes it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _passes_pictures(
    mesh: Mesh, cloud: PointCloud, alignment: Alignment, called: str, ws: Workspace
) -> list[tuple[str, Any]]:
    with np.load(ws.path(cloud.arrays)) as arrays:
        if "source" not in arrays:
            return []
        step = max(1, len(arrays["points"]) // 400_000)
        points, source = arrays["points"][::step], arrays["source"][::step].astype(int)
    frame = as_matrix(mesh.frame)
    upright = points @ frame[:3, :3].T + frame[:3, 3]
    found = []
    for words, camera in (
        (f"The aligned {called}, each in its colour", Camera()),
        ("The same from behind", Camera(215.0, 22.0)),
    ):
        path = ws.path(f"report/passes-{camera.azimuth:.0f}.webp")
        Image.fromarray(picture(upright, source, palette(len(alignment.passes)), camera, 480)).save(
            path, quality=82, method=4
        )
        found.append((words, path))
    return found


def recognised(features: Features) -> bool:
    """Whether there is more to tell than which way is up."""
    symmetry = features.symmetry
    return bool(
        features.planes
        or features.cylinders
        or (symmetry is not None and (symmetry.axes or symmetry.planes))
    )
