"""draw_sides: what the one picture does not show of a mesh is drawn after it, from the left, the
right and behind."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, PosedPicture, View, Views
from pipeline.backends import sides
from pipeline.backends.generator_protocol import seed_of
from pipeline.geometry import surface as surfaces
from pipeline.geometry.units import as_rows
from pipeline.kept.options import DrawSides
from pipeline.stages.mesh._one_picture import LEAST, alone, expected, opened
from pipeline.stages.mesh._side import cut_out, side
from pipeline.stages.mesh._sighting import find
from pipeline.weights import fingerprint
from pipeline.workspace import StageWorkspace, Workspace

# degrees around from the picture, in the order in which they are drawn
TURNS = {90.0: "left side view", -90.0: "right side view", 180.0: "back view"}
GROUND = 225  # grey level that the cut-out object is shown on


def run(mesh: Mesh, views: Views, ws: StageWorkspace[DrawSides]) -> Mesh:
    """The mesh with ``sides``: pictures of its other sides from known cameras, drawn by FLUX.2
    klein after the shape and the one picture that it was made of.

    The mesh passes unchanged where the job asks for none, or does not say and this host does not
    draw with FLUX.2 klein; where no texture is wanted, it was made of several pictures, or the
    picture's outline does not fit it. A side that is of no
    use is left out, which is said. Raises OutOfGpuMemory, BackendUnavailable for weights that do
    not load (libraries: diffusers, Open3D).
    """
    view = _picture(mesh, views, ws)
    if view is None:
        return mesh
    if lack := _lack(ws):
        ws.warn(f"Its other sides were not drawn: {lack}.")
        return mesh
    surface, photo = surfaces.load(ws, mesh), opened(view, ws)
    facts = mesh.reconstruction or {}
    found = find(photo[..., 3] > 127, surface, *expected(view, facts))
    if found.agrees < LEAST:
        return mesh
    made, shown = list[PosedPicture](), list[View]()
    shot = _on_ground(photo)
    references = [shot]
    for number, (turn, words) in enumerate(TURNS.items()):
        azimuth = (found.sight.azimuth + turn) % 360
        looks = side(surface, azimuth, found.sight.elevation, sides.EDGE)

        def tell(share: float, number: int = number, words: str = words) -> None:
            ws.progress((number + share) / len(TURNS), f"drawing its {words}")

        depth = Image.fromarray(looks.depth).convert("RGB")
        seed = seed_of(ws.options.seed, azimuth)
        rgb = sides.drawn(ws.models, words, [depth, *references], seed, tell)
        rgba, why = cut_out(rgb, looks, photo)
        if rgba is None:
            ws.warn(f"The {words} that was drawn is not used: {why}.")
            continue
        name = f"views/sides/{azimuth:03.0f}.png"
        Image.fromarray(rgba).save(ws.path(name), compress_level=4)
        made.append(PosedPicture(image=name, camera=looks.camera, pose=as_rows(looks.pose)))
        shown.append(_view(name, azimuth, found.sight.elevation, seed))
        references = [shot, _on_ground(rgba)]
    told = {"models": {**facts["models"], **_models(ws)}}
    return mesh.model_copy(
        update={
            "sides": tuple(made),
            "drawn": (*mesh.drawn, *shown),
            "reconstruction": facts | told,
        }
    )


def weights(mesh: Mesh, views: Views, ws: StageWorkspace[DrawSides]) -> dict[str, str]:
    """Those of what would draw here."""
    return _models(ws) if _picture(mesh, views, ws) and not _lack(ws) else {}


def _picture(mesh: Mesh, views: Views, ws: StageWorkspace[DrawSides]) -> View | None:
    asked = ws.options.draw_sides
    wanted = sides.wanted() if asked is None else asked
    if not wanted or ws.options.texture_edge is None or mesh.image is not None:
        return None
    return alone(mesh, views)


def _lack(ws: Workspace) -> str | None:
    return sides.lacks(ws.models, ws.deadline, ws.memory, len(TURNS))


def _models(ws: Workspace) -> dict[str, str]:
    return {name: fingerprint(ws.models, name) for name in sides.NAMES}


def _view(name: str, azimuth: float, elevation: float, seed: int) -> View:
    return View(image=name, azimuth=azimuth, elevation=elevation, source=sides.NAMES[0], seed=seed)


def _on_ground(rgba: Any) -> Any:
    """The object before plain grey, as a picture of the image library."""
    share = rgba[..., 3:] / 255
    return Image.fromarray((rgba[..., :3] * share + GROUND * (1 - share) + 0.5).astype(np.uint8))
