"""inspect.glb: the model as pages and report.html show it, with the points of each pass and what
was found out about them, 6.5 MB at the most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.artefacts import Gaps, Mesh, Results
from pipeline.geometry.creases import with_normals
from pipeline.geometry.simplify import presimplify
from pipeline.geometry.units import METRES, as_matrix
from pipeline.stages.finish import _photos
from pipeline.stages.finish._cloud_picture import palette
from pipeline.stages.finish._deviation import Deviation, signed
from pipeline.stages.finish._figures import css
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers.packed import Packed, add_model, add_points

LARGEST = 6_500_000  # bytes
STRAY = 0.02  # share of the extent by which a thinned form may differ
# (faces, texture edge), tried in turn until the file is small enough
FORMS = ((500_000, 2048), (250_000, 2048), (120_000, 1024), (60_000, 1024), (30_000, 512))


def write(
    model: Model,
    results: Results,
    passes: dict[int, Deviation],
    facts: dict[str, Any],
    path: Path,
    scratch: Path,
) -> Path | None:
    """MODEL (Y-up metres) and the points of PASSES to PATH; smaller pictures of its texture to
    SCRATCH. None where even the lightest form stays too large. What was thinned says so, and how
    far it strays from model.glb."""
    frame = as_matrix(results.mesh.frame)
    for faces, edge in FORMS:
        form = _form(model, faces, edge, scratch)
        document = Packed()
        add_model(document, form)
        for number, one in passes.items():
            points = one.points @ frame[:3, :3].T + frame[:3, 3]
            add_points(document, number, points, one.off * METRES[results.mesh.unit])
        document.close(path, facts | {"thinned": _thinned(model, form)})
        if path.stat().st_size <= LARGEST:
            return path
    path.unlink()
    return None


def facts(results: Results, passes: dict[int, Deviation], kind: str) -> dict[str, Any]:
    """What the viewer says beside the model. Places in Y-up metres, lengths in metres; the same
    numbers as in scan.json."""
    mesh, alignment, scans = results.mesh, results.alignment, results.scans
    found: dict[str, Any] = {
        "label": mesh.label,
        "scale": _scale(results, kind),
        "photographs": _photos.made_it(results),
        "passes": [],
        **_gaps(mesh, mesh.gaps or Gaps()),
    }
    if alignment is None:
        return found
    scanners = {item.name: item.scanner for item in scans.passes} if scans else {}
    metre = METRES[mesh.unit]
    for number, (item, colour) in enumerate(
        zip(alignment.passes, palette(len(alignment.passes)), strict=True)
    ):
        place, told = scanners.get(item.name), passes.get(number)
        at = None if place is None or item.pose is None else _moved(as_matrix(item.pose), place)
        found["passes"].append(
            {
                "name": item.name,
                "colour": css(colour),
                "placed": item.placed,
                "ways": item.ways,
                "warning": item.warning,
                "scanner": None if at is None else _moved(as_matrix(mesh.frame), at),
                "deviation": told and {key: value * metre for key, value in told.told().items()},
            }
        )
    return found


def _scale(results: Results, kind: str) -> str | None:
    """Why lengths may be wrong as a whole, in words; None where the unit is known."""
    if kind in ("images", "prompt"):
        return "Pictures tell no scale: lengths are arbitrary."
    if _photos.made_it(results) and results.scans and results.scans.unit_guessed:
        return "Photographs tell no size: lengths are arbitrary."
    if results.scans and results.scans.unit_guessed:
        return f"The unit, {results.scans.unit}, is a guess."
    return None


def _gaps(mesh: Mesh, gaps: Gaps) -> dict[str, Any]:
    frame, metre = as_matrix(mesh.frame), METRES[mesh.unit]
    return {
        "holes": [
            {
                "centre": _moved(frame, hole.centre),
                "width": hole.width * metre,
                "filled": hole.filled,
            }
            for hole in gaps.holes
        ],
        "rescan": [
            {
                "place": _moved(frame, one.place),
                "aim": _moved(frame, one.aim),
                "shows": one.shows,
                "holes": list(one.holes),
            }
            for one in gaps.rescan
        ],
    }


def _moved(matrix: NDArray[Any], place: Any) -> list[float]:
    return [float(value) for value in matrix[:3, :3] @ np.asarray(place) + matrix[:3, 3]]


def _thinned(model: Model, form: Model) -> dict[str, Any] | None:
    """How many faces of how many are shown, and how far (metres) places of the model lie from
    these."""
    if len(form.surface.faces) == len(model.surface.faces):
        return None
    places = model.surface.vertices[:: max(1, len(model.surface.vertices) // 50_000)]
    return {
        "faces": len(form.surface.faces),
        "of": len(model.surface.faces),
        "strays": float(np.abs(signed(form.surface, places)).max()),
    }


def _form(model: Model, faces: int, edge: int, folder: Path) -> Model:
    surface = model.surface
    if len(surface.faces) > faces:
        surface = presimplify(surface, faces, STRAY, max(surface.size, 1e-12))
    image = None
    if model.image is not None:
        image = folder / f"inspect-{edge}.jpg"
        with Image.open(model.image) as opened:
            size = (min(edge, opened.width), min(edge, opened.height))
            small = opened.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.save(image, quality=88, subsampling=0)
    return replace(
        model, surface=with_normals(replace(surface, normals=None)), image=image, normal_map=None
    )
