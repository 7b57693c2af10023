"""The pictures that a mesh was made of: which they are, and where their cameras are expected."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, View, Views
from pipeline.backends.painting import FOV
from pipeline.stages.mesh._outline import FARTHEST, Sight
from pipeline.workspace import Workspace

LEAST = 0.9  # common share of the two outlines below which nothing is painted with the picture


def alone(mesh: Mesh, views: Views) -> View | None:
    """The one picture that the mesh was made of; None where it was made of several."""
    found = used(mesh, views)
    return found[0] if len(found) == 1 else None


def used(mesh: Mesh, views: Views) -> tuple[View, ...]:
    """The pictures that the mesh was made of; none where a placeholder stands for it or them."""
    names = (mesh.reconstruction or {}).get("views", ())
    if "placeholder" in (mesh.label, views.label):
        return ()
    found = tuple(view for view in views.views if f"{view.azimuth:03.0f}" in names)
    return found if len(found) == len(names) else ()


def expected(view: View, facts: dict[str, Any]) -> tuple[Sight, bool]:
    """Where the backend took the camera to be, and whether its distance is to be sought. A shape
    that came without colours stands as its network sees its front."""
    if facts.get("projection") == "orthographic":
        return Sight(view.azimuth, 0.0, FARTHEST), False
    azimuth = 0.0 if "colours" in facts else view.azimuth
    near = float(np.tan(np.radians((view.fov or facts.get("fov") or FOV) / 2)))
    return Sight(azimuth, view.elevation, near), True


def opened(view: View, ws: Workspace) -> Any:
    """RGBA (H,W,4) uint8."""
    with Image.open(ws.path(view.image)) as image:
        return np.asarray(image.convert("RGBA"))
