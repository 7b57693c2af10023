"""Bakes a colour source into a texture: rasterise, ask the source, fill what stays empty."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.surface import Surface, smooth_normals
from pipeline.stages.finish._raster import places, rasterise
from pipeline.stages.finish.sources import ColourSource

Array = NDArray[Any]
BLOCK = 1 << 18  # texels asked at once by each thread


def bake(surface: Surface, source: ColourSource, edge: int) -> Array:
    """Texture (EDGE, EDGE, 3) uint8 sRGB, row 0 on top, for SURFACE's uv. Every texel gets a
    colour: those of the charts from SOURCE, those between them from their surroundings, so that
    smaller mip levels stay clean."""
    texels = rasterise(surface, edge)
    surface = replace(surface, normals=smooth_normals(surface))
    image = np.zeros((edge * edge, 3), np.float32)
    known = np.zeros(edge * edge, bool)

    def ask(start: int) -> None:
        part = texels.part(start, start + BLOCK)
        colors = source.colors_at(*places(surface, part))
        sure = np.isfinite(colors).all(axis=1)
        image[part.at[sure]] = colors[sure]
        known[part.at[sure]] = True

    # every block has texels of its own
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(ask, range(0, len(texels.at), BLOCK)))
    filled = _filled(image.reshape(edge, edge, 3), known.reshape(edge, edge))
    return np.asarray((np.clip(filled, 0, 1) * 255 + 0.5).astype(np.uint8))


def _filled(image: Array, known: Array) -> Array:
    """Unknown pixels from coarser and coarser means of the known ones (push-pull)."""
    if known.all() or min(known.shape) < 2 or known.shape[0] % 2 or known.shape[1] % 2:
        return np.where(known[..., None], image, image[known].mean(axis=0) if known.any() else 0.5)
    height, width = known.shape
    blocks = (height // 2, 2, width // 2, 2)
    count = known.reshape(blocks).sum(axis=(1, 3), dtype=np.int32)
    total = np.where(known[..., None], image, 0).reshape(*blocks, 3).sum(axis=(1, 3))
    coarse = _filled(total / np.maximum(count, 1)[..., None].astype(np.float32), count > 0)
    return np.where(known[..., None], image, coarse.repeat(2, axis=0).repeat(2, axis=1))
