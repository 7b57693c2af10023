"""The whole way from a drop of photographs to its report, measured."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scale
from benchmarks.photos_compare import Model, likeness, picture_of
from benchmarks.photos_truth import Truth
from pipeline.artefacts import Artefact, Dropped, Mesh, PosedPictures
from pipeline.jobs import parse
from pipeline.recipes import call, stage_function, stages
from pipeline.workspace import StageWorkspace

HELD = (5, 14, 22, 31)  # photographs, in the order of their names, that are kept out of a texture


def whole(photos: Path, root: Path, truth: Truth | None) -> dict[str, Any]:
    """Run all stages on PHOTOS in ROOT; figures by name."""
    from benchmarks.photos import pictures_in

    bag: list[Artefact] = [Dropped(names=tuple(pictures_in(photos)))]
    ws = StageWorkspace(root, photos, options=parse({"kind": "scan"}))
    peak, costs = 0.0, {}
    wall = time.monotonic()
    for stage in stages("scan"):
        scale.forget_peak()
        began = scale.cpu()
        bag.append(call(stage_function(stage), bag, ws))
        costs[stage], peak = scale.cpu() - began, max(peak, scale.peak())
    rows: dict[str, Any] = {
        "CPU s": sum(costs.values()),
        "wall s": time.monotonic() - wall,
        "peak GB": peak / 1000,
        "dearest stages, CPU s": dearest(costs),
    }
    posed = next(one for one in bag if isinstance(one, PosedPictures))
    rows |= {
        "placed": f"{len(posed.pictures)} of {len(posed.pictures) + len(posed.left_out)} dropped",
        "residual, px": float(np.mean([one.residual or 0.0 for one in posed.pictures])),
        "left out": ", ".join(name for name, _ in posed.left_out) or "none",
        "faces": next(one for one in reversed(bag) if isinstance(one, Mesh)).faces,
    }
    return rows | (judged(bag, ws, posed, truth) if truth else {})


def judged(bag: list[Artefact], ws: Any, posed: PosedPictures, truth: Truth) -> dict[str, Any]:
    mesh = [one for one in bag if isinstance(one, Mesh)][-2]  # before its texture
    model = model_of(mesh, posed, ws)
    rows = truth.cameras(model) | truth.surface(model)
    sharp = [one for one in posed.pictures if one.name not in truth.marred]
    held = [sharp[number] for number in HELD if number < len(sharp)]
    kept = tuple(one for one in posed.pictures if one not in held)
    return rows | {"texture, dB": texture(bag, ws, mesh, posed, (held, kept), truth)}


def model_of(mesh: Mesh, posed: PosedPictures, ws: Any) -> Model:
    from PIL import Image

    from pipeline.geometry import surface as surfaces

    stored = surfaces.load(ws, mesh)
    paint = None
    if mesh.image is not None and stored.uv is not None:
        with Image.open(ws.path(mesh.image)) as opened:
            paint = stored.uv[stored.faces], np.asarray(opened.convert("RGB"), np.float32) / 255
    poses = {one.name: np.asarray(one.pose) for one in posed.pictures}
    return Model(stored.vertices, stored.faces, poses, paint)


def texture(
    bag: list[Artefact], ws: Any, mesh: Mesh, posed: PosedPictures, parts: Any, truth: Truth
) -> str:
    """Of each photograph held out, how like it the texture is that the others give."""
    from PIL import Image

    held, kept = parts
    others = numbered(posed, kept, ws)
    made = call(stage_function("finish.texture"), [*bag, mesh, others], ws)
    model = model_of(made, posed, ws)
    found = []
    for one in held:
        with Image.open(ws.path(one.image)) as opened:
            photograph = np.asarray(opened.convert("RGB"), np.float32) / 255
        picture, hit = picture_of(
            model, one.camera, np.asarray(one.pose), (photograph.shape[0], photograph.shape[1])
        )
        found.append(likeness(picture, photograph, hit & truth.shows(one.name)))
    each = ", ".join(f"{value:.1f}" for value in found)
    return f"{np.mean(found):.1f} ({each})"


def numbered(posed: PosedPictures, kept: Any, ws: Any) -> PosedPictures:
    """POSED with the KEPT pictures alone: what they see is numbered anew."""
    from pipeline.geometry import arrays

    stored = arrays.load(ws.path(str(posed.sparse)))
    new = {posed.pictures.index(one): number for number, one in enumerate(kept)}
    seen = np.array([(p, new[k]) for p, k in stored["seen"] if k in new], np.int32)
    file = "photos/kept.npz"
    arrays.save(ws.path(file), points=stored["points"], seen=seen)
    return posed.model_copy(update={"pictures": tuple(kept), "sparse": file})


def dearest(costs: dict[str, float]) -> str:
    first = sorted(costs.items(), key=lambda item: -item[1])[:6]
    return ", ".join(f"{name.rpartition('.')[2]} {value:.0f}" for name, value in first)
