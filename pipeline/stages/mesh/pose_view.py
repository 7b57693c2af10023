"""pose_view: where the pictures that a mesh was made of were taken from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Mesh, PosedPicture, PosedView, View, Views
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.units import as_rows, percent
from pipeline.kept.options import PoseView
from pipeline.stages.mesh._one_picture import LEAST, expected, opened, used
from pipeline.stages.mesh._sighting import find, settled
from pipeline.stages.scan import _mirrors
from pipeline.workspace import StageWorkspace

LEVEL = 0.1  # how much the normal of a plane that stands upright may lean


def run(mesh: Mesh, views: Views, ws: StageWorkspace[PoseView]) -> PosedView:
    """Azimuth, elevation and distance under which the mesh (upright) has the picture's outline,
    begun where the backend took the camera to be; and what mirrors the mesh.

    Of a mesh that was made of several, each is expected where its view says, and laid on it where
    the outlines agree. Without a picture where no texture is wanted, a placeholder stands for it,
    or the outlines nowhere agree; the last is said (libraries: Open3D, scipy, Pillow).
    """
    facts = mesh.reconstruction or {}
    made_of = used(mesh, views)
    if len(made_of) > 1 and mesh.image is None and ws.options.texture_edge is not None:
        return _several(mesh, made_of, ws)
    view = made_of[0] if len(made_of) == 1 else None
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
    return PosedView(picture=picture, planes=_upright(surface, found.pose), **told)


def _several(mesh: Mesh, made_of: Sequence[View], ws: StageWorkspace[PoseView]) -> PosedView:
    surface, facts, found = surfaces.load(ws, mesh), mesh.reconstruction or {}, []
    for number, view in enumerate(made_of):
        ws.progress(number / len(made_of), f"laying picture {number + 1} on the shape")
        rgba = opened(view, ws)
        one = settled(rgba[..., 3] > 127, surface, *expected(view, facts))
        if one.agrees >= LEAST:
            found.append(
                (
                    one.agrees,
                    PosedPicture(image=view.image, camera=one.camera, pose=as_rows(one.pose)),
                )
            )
    if len(found) < len(made_of):
        ws.warn(
            f"{len(made_of) - len(found)} of {len(made_of)} pictures do not fit the shape's outline"
            " from where they were taken: their colours were not laid on it."
        )
    if not found:
        return PosedView()
    agrees = float(np.mean([share for share, _ in found]))
    return PosedView(several=tuple(one for _, one in found), agrees=round(agrees, 4))


def _upright(
    surface: Surface, pose: NDArray[np.float64]
) -> tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...]:
    """The upright planes that mirror the surface, the best first: left and right are made alike,
    top and bottom rarely are. Last, where any would (a vase), the one across the line of sight,
    which puts behind what the camera at POSE (surface → camera) sees before it."""
    points, normals = surfaces.scattered(surface, 20_000)
    level = pose[2, :3] * (1.0, 0.0, 1.0)
    symmetry = _mirrors.find(points.astype(np.float64), normals.astype(np.float64), level)
    planes = symmetry.planes if symmetry else ()
    return tuple((one.origin, one.normal) for one in planes if abs(one.normal[1]) < LEVEL)
