"""What rays of a picture meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class Hits:
    """What rays meet, by number of the ray. On the model (M,): place, normal, albedo (M,3), corners
    of the face and their weights (M,3). On the ground (G,): place (G,3)."""

    model: Array
    place: Array
    normal: Array
    albedo: Array
    corners: Array
    weight: Array
    ground: Array
    ground_place: Array

    def mixed(self, values: Any) -> Array:
        """Per-vertex VALUES (V,K) where the model was met (M,K)."""
        return mixed(values, self.corners, self.weight)


def mixed(values: Any, corners: Array, weight: Array) -> Array:
    """Per-vertex VALUES (V,K) mixed by barycentric WEIGHT (N,3) of CORNERS (N,3)."""
    return np.asarray(
        sum(values.take(corners[:, i], axis=0) * weight[:, i : i + 1] for i in range(3))
    )
