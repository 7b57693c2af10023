"""preview.glb: a light form of the model for pages, 5 MB at the most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from pipeline.geometry.creases import with_normals
from pipeline.geometry.simplify import presimplify
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers import glb

LARGEST = 5_000_000  # bytes
FACES, TEXTURE = 60_000, 1024
STRAY = 0.02  # share of the extent by which the light form may differ


def write_light(model: Model, path: Path) -> Path | None:
    """Write a thinned MODEL (Y-up metres) to PATH; None where even the lightest form stays too
    large."""
    faces, edge = FACES, TEXTURE
    for _ in range(4):
        glb.write(_thinned(model, faces, edge, path.parent), path)
        if path.stat().st_size <= LARGEST:
            return path
        faces, edge = faces // 2, max(256, edge // 2)
    return None


def _thinned(model: Model, faces: int, edge: int, folder: Path) -> Model:
    surface = model.surface
    if len(surface.faces) > faces:
        surface = presimplify(surface, faces, STRAY, max(surface.size, 1e-12))
    image = None
    if model.image is not None:
        image = folder / "preview.jpg"
        with Image.open(model.image) as opened:
            small = opened.convert("RGB").resize(
                (min(edge, opened.width), min(edge, opened.height)), Image.Resampling.LANCZOS
            )
        small.save(image, quality=88, subsampling=0)
    return replace(
        model, surface=with_normals(replace(surface, normals=None)), image=image, normal_map=None
    )
