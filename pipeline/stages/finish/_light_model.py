"""preview.glb: a light form of the model for pages, 5 MB at the most."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PIL import Image

from pipeline.geometry.creases import with_normals
from pipeline.geometry.surface import Surface
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers import glb

LARGEST = 5_000_000  # bytes
FACES, TEXTURE = 60_000, 1024


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
    surface = (
        model.surface if len(model.surface.faces) <= faces else _simplified(model.surface, faces)
    )
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


def _simplified(surface: Surface, faces: int) -> Surface:
    """meshoptimizer keeps vertices with all they carry, and seams closed."""
    import meshoptimizer
    import numpy as np

    points = np.ascontiguousarray(
        (surface.vertices - surface.vertices.mean(axis=0)) / max(surface.size, 1e-12),
        dtype=np.float32,
    )
    indices = np.ascontiguousarray(surface.faces.ravel(), dtype=np.uint32)
    target = np.zeros_like(indices)
    count = meshoptimizer.simplify(
        target, indices, points, target_index_count=faces * 3, target_error=0.02
    )
    return surface.only(target[:count].reshape(-1, 3).astype(np.int32))
