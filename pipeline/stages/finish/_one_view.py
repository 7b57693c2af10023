"""Colours from the pictures that a mesh was made of: where it shows the surface, where its
mirror image serves, where a side was drawn after it, and how much of it all is a guess."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, PosedPicture, PosedView
from pipeline.geometry.surface import Surface, scattered
from pipeline.geometry.units import percent
from pipeline.stages.finish.sources import ColourSource, FirstThatKnows
from pipeline.stages.finish.sources.one_view import CutOut, CutOuts, Marks, Mirrored
from pipeline.stages.finish.sources.points import Points
from pipeline.workspace import Workspace

SAMPLES = 100_000  # places that tell the shares, and the nearest colour elsewhere
SEEN, MIRRORED, DRAWN, GUESSED = 0.0, 0.5, 0.75, 1.0  # levels of the mask


class Painting(NamedTuple):
    """sources: the best first; marks: tells seen, mirrored, drawn and guessed places apart; facts:
    shares of the surface; said: the same in a sentence."""

    sources: list[ColourSource]
    marks: ColourSource
    facts: dict[str, Any]
    said: str


def painting(posed: PosedView, mesh: Mesh, surface: Surface, ws: Workspace) -> Painting | None:
    """How the pictures paint SURFACE; None where there are none. A shape with colours of its own
    keeps them where neither a picture nor a drawn side shows it."""
    pictures = posed.several or ((posed.picture,) if posed.picture else ())
    if not pictures:
        return None
    seen = CutOuts([_opened(one, ws) for one in pictures], surface)
    bare = "colours" in (mesh.reconstruction or {})
    known: list[tuple[ColourSource, float]] = [(seen, SEEN)]
    if bare:
        known += [(Mirrored(seen, *plane), MIRRORED) for plane in posed.planes]
    if mesh.sides:
        known.append((CutOuts([_opened(one, ws) for one in mesh.sides], surface), DRAWN))
    marks, (points, normals) = Marks(known), scattered(surface, SAMPLES)
    level = marks.colors_at(points, normals)[:, 0]
    if not (level == SEEN).any():
        return None
    sources = [source for source, _ in known]
    if bare:
        told = level < GUESSED
        colors = FirstThatKnows(sources).colors_at(points[told], normals[told])
        sources.append(Points(points[told], colors * 255))
    names = {"seen": SEEN, "mirrored": MIRRORED, "drawn": DRAWN, "guessed": GUESSED}
    if not mesh.sides:
        del names["drawn"]
    shares = {name: float((level == value).mean()) for name, value in names.items()}
    facts = {name: round(share, 4) for name, share in shares.items()}
    place = {"azimuth": round(posed.azimuth, 1), "elevation": round(posed.elevation, 1)}
    facts |= {"pictures": len(pictures)} if posed.several else place
    said = _said(shares, bare, len(pictures))
    return Painting(sources, marks, facts | {"agrees": posed.agrees}, said)


def _opened(picture: PosedPicture, ws: Workspace) -> CutOut:
    with Image.open(ws.path(picture.image)) as image:
        rgba = np.asarray(image.convert("RGBA"))
    return CutOut.of(rgba, picture.camera, np.asarray(picture.pose, np.float64))


def _said(shares: dict[str, float], bare: bool, pictures: int) -> str:
    whose = "the picture" if pictures == 1 else f"{pictures} pictures"
    said = [f"{percent(shares['seen'])} of the surface seen in {whose}"]
    if shares["mirrored"]:
        said.append(
            f"{percent(shares['mirrored'])} has its mirror image, as the shape is symmetric"
        )
    if shares.get("drawn"):
        said.append(f"{percent(shares['drawn'])} was drawn after shape and picture, a guess")
    rest = "the nearest of these colours" if bare else "the colours that the backend gave it"
    said.append(f"{percent(shares['guessed'])} has {rest}, a guess")
    return "; ".join(said) + ": guessed.png shows where."
