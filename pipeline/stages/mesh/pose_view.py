"""pose_view: where the one picture that a mesh was made of was taken from."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.artefacts import Mesh, PosedPicture, PosedView, Views
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import as_rows, percent
from pipeline.kept.options import PoseView
from pipeline.stages.mesh._one_picture import LEAST, alone, expected, opened
from pipeline.stages.mesh._sighting import find
from pipeline.stages.scan import _mirrors
from pipeline.workspace import StageWorkspace

LEVEL = 0.1  # how much the normal of a plane that stands upright may lean


def run(mesh: Mesh, views: Views, ws: StageWorkspace[PoseView]) -> PosedView:
    """Azimuth, elevation and distance under which the mesh (upright) has the picture's outline,
    begun where the backend took the camera to be; and what mirrors the mesh.

    Without a picture where it was made of several, no texture is wanted, a placeholder stands for
    it, or the outlines nowhere agree; the last is said (libraries: Open3D, scipy, Pillow).
    """
    view = alone(mesh, views)
    facts = mesh.reconstruction or {}
    if view is None or mesh.image is not None or ws.options.texture_edge is None:
        if view is not None and "colours" in facts:
            ws.warn(f"The shape came without colours. It has {facts['colours']}: a guess.")
        return PosedView()
    ws.progress(0.1, "looking where the picture was taken from")
    surface, rgba = surfaces.load(ws, mesh), opened(view, ws)
    found = find(rgba[..., 3] > 127, surface, *expected(view, facts))
    azimuth, elevation = (found.sight.azimuth % 360, found.sight.elevation)
    told: dict[str, Any] = {
        "azimuth": azimuth,
        "elevation": elevation,
        "agrees": round(found.agrees, 4),
    }
    if found.agrees < LEAST:
        kept = f"{facts['colours']}: a guess" if "colours" in facts else "its own colours"
        ws.warn(
            f"The picture's outline fits the shape to {percent(found.agrees)} only, from wherever"
            f" it is seen: the picture was not laid on it. It has {kept}."
        )
        return PosedView(**told)
    if found.ways:
        other = found.ways[0]
        ws.warn(
            f"The picture's outline fits the shape from {azimuth:.0f}° around and {elevation:.0f}°"
            f" above, and as well from {other.azimuth % 360:.0f}° and {other.elevation:.0f}°: its"
            " colours may lie on the wrong side."
        )
    picture = PosedPicture(image=view.image, camera=found.camera, pose=as_rows(found.pose))
    ws.progress(0.7, "looking for what mirrors it")
    return PosedView(picture=picture, planes=_upright(surface), **told)


def _upright(
    surface: Surface,
) -> tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]:
    """The upright planes that mirror the surface, the best first: left and right are made alike,
    top and bottom rarely are."""
    points, normals = surfaces.scattered(surface, 20_000)
    symmetry = _mirrors.find(points.astype(np.float64), normals.astype(np.float64))
    planes = symmetry.planes if symmetry else ()
    return tuple((one.origin, one.normal) for one in planes if abs(one.normal[1]) < LEVEL)
