"""Marching cubes by PyMCubes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def marching_cubes(values: NDArray[np.floating[Any]], level: float) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The surface of a grid (R,R,R) where values cross LEVEL: vertices (V,3) in grid indices, triangles (F,3) that face low values."""
    import mcubes

    # The axes are turned so that a cube is cut into the same triangles as by TripoSR's published extraction.
    turned = np.ascontiguousarray(values.transpose(2, 0, 1)) - values.dtype.type(level)
    vertices, faces = mcubes.marching_cubes(turned, 0.0)
    return vertices[:, [1, 2, 0]], faces.astype(np.int32)
