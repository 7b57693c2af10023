"""Colours from the one picture that a mesh was made of: where it shows the surface, where its
mirror image serves, and how much of it all is a guess."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, PosedView
from pipeline.geometry.surface import Surface, scattered
from pipeline.geometry.units import percent
from pipeline.stages.finish.sources import ColourSource, FirstThatKnows
from pipeline.stages.finish.sources.one_view import Marks, Mirrored, OneView
from pipeline.stages.finish.sources.points import Points
from pipeline.workspace import Workspace

SAMPLES = 100_000  # places that tell the shares, and the nearest colour elsewhere


class Painting(NamedTuple):
    """sources: the best first; marks: tells seen, mirrored and guessed places apart; facts: shares
    of the surface; said: the same in a sentence."""

    sources: list[ColourSource]
    marks: ColourSource
    facts: dict[str, Any]
    said: str


def painting(posed: PosedView, mesh: Mesh, surface: Surface, ws: Workspace) -> Painting | None:
    """How the picture paints SURFACE; None where there is none. A shape with colours of its own
    keeps them where the picture does not show it."""
    if posed.picture is None:
        return None
    with Image.open(ws.path(posed.picture.image)) as image:
        rgba = np.asarray(image.convert("RGBA"))
    seen = OneView(rgba, posed.picture.camera, np.asarray(posed.picture.pose, np.float64), surface)
    bare = "colours" in (mesh.reconstruction or {})
    mirrored = [Mirrored(seen, *plane) for plane in posed.planes] if bare else []
    marks, (points, normals) = Marks(seen, mirrored), scattered(surface, SAMPLES)
    level = marks.colors_at(points, normals)[:, 0]
    if not (level == 0).any():
        return None
    sources: list[ColourSource] = [seen, *mirrored]
    if bare:
        known = level < 1
        colors = FirstThatKnows(sources).colors_at(points[known], normals[known])
        sources.append(Points(points[known], colors * 255))
    shares = [float((level == value).mean()) for value in (0, 0.5, 1)]
    facts = dict(
        zip(("seen", "mirrored", "guessed"), (round(one, 4) for one in shares), strict=True)
    )
    place = {"azimuth": round(posed.azimuth, 1), "elevation": round(posed.elevation, 1)}
    return Painting(sources, marks, facts | place | {"agrees": posed.agrees}, _said(shares, bare))


def _said(shares: list[float], bare: bool) -> str:
    said = [f"{percent(shares[0])} of the surface seen in the picture"]
    if shares[1]:
        said.append(f"{percent(shares[1])} has its mirror image, as the shape is symmetric")
    rest = "the nearest of these colours" if bare else "the colours that the backend gave it"
    said.append(f"{percent(shares[2])} has {rest}, a guess")
    return "; ".join(said) + ": guessed.png shows where."
