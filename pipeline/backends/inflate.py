"""One silhouette, inflated: as thick as a membrane over the outline would bulge. A draft, and far
from the truth of most objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.protocol import Picture, Reconstruction
from pipeline.errors import MeshEmpty
from pipeline.geometry.colour import spread
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.rigid import turned
from pipeline.geometry.surface import Surface

Array = NDArray[Any]
EDGE = 128  # points across the picture
HALF = 1.0  # the picture's half edge in metres


def inflated(picture: Picture) -> Reconstruction:
    """The solid |z| ≤ sqrt(u) over the silhouette, laplace u = -4, facing the picture's azimuth;
    MeshEmpty without a silhouette."""
    from PIL import Image

    small = np.asarray(Image.fromarray(picture.rgba).resize((EDGE, EDGE), Image.Resampling.BOX))
    inside = small[..., 3] > 127
    if not inside.any():
        raise MeshEmpty(
            "The picture has no silhouette to inflate.",
            remedy="Give a picture of one whole object on a plain background.",
        )
    u = np.pad(_membrane(inside), 1)
    axis = np.linspace(-HALF, HALF, EDGE + 2) * (EDGE + 1) / EDGE
    values = u[..., None] - axis**2  # rows downwards, columns, depth
    values = np.where(np.pad(inside, 1)[..., None], values, -np.abs(axis) - 2 * HALF / EDGE)
    vertices, faces = marching_cubes(np.ascontiguousarray(values.transpose(1, 0, 2)[:, ::-1]), 0.0)
    points = axis[0] + vertices * (axis[1] - axis[0])
    pixel = np.clip(((points[:, :2] * [1, -1] / HALF + 1) / 2 * EDGE).astype(int), 0, EDGE - 1)
    # the solid's rim may lie on pixels just outside
    colors = spread(small[..., :3], inside)[pixel[:, 1], pixel[:, 0]]
    surface = Surface(turned(points, picture.azimuth), faces, colors=np.ascontiguousarray(colors))
    facts = {"method": "one silhouette, inflated", "projection": "orthographic"}
    return Reconstruction(surface, "draft", (picture.name,), facts)


def _membrane(inside: Array) -> Array:
    """u (R,C) with laplace u = -4 inside and 0 outside, lengths in metres (library: scipy)."""
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import spsolve

    number = np.full(np.array(inside.shape) + 2, -1)
    number[1:-1, 1:-1][inside] = np.arange(inside.sum())
    own = number[1:-1, 1:-1][inside]
    rows, columns, entries = [own], [own], [np.full(len(own), 4.0)]
    for part in (number[:-2, 1:-1], number[2:, 1:-1], number[1:-1, :-2], number[1:-1, 2:]):
        other = part[inside]
        rows, columns = [*rows, own[other >= 0]], [*columns, other[other >= 0]]
        entries.append(np.full((other >= 0).sum(), -1.0))
    matrix = coo_array(
        (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))
    ).tocsc()
    u = np.zeros(inside.shape)
    u[inside] = spsolve(matrix, np.full(len(own), 4.0 * (2 * HALF / inside.shape[0]) ** 2))
    return u
