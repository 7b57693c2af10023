"""Points spread evenly over a triangle mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.topology import face_normals

Array = NDArray[Any]


def spread(vertices: Array, faces: Array, many: int, seed: int = 0) -> tuple[Array, Array, Array]:
    """MANY places (N,3) by area, the face (N,) of each, ascending, and its shares of that face's
    corners (N,3)."""
    area = face_normals(vertices, faces)[1]
    rng = np.random.default_rng(seed)
    face = np.sort(rng.choice(len(faces), many, p=area / max(float(area.sum()), 1e-300)))
    u, v = np.sqrt(rng.random(many)), rng.random(many)
    weight = np.stack([1 - u, u * (1 - v), u * v], 1)
    return np.einsum("nk,nkc->nc", weight, vertices[faces[face]]), face, weight
