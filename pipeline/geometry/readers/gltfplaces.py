"""Where glTF's nodes stand, and the triangles of its lists, strips and fans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.readers.parts import Part, damaged

Array = NDArray[Any]


def own(node: dict[str, Any]) -> Array:
    """The node's own transform, 4×4."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = (
        np.array(turn, np.float64) / (np.linalg.norm(turn) or 1.0)
        if (turn := node.get("rotation"))
        else (0.0, 0.0, 0.0, 1.0)
    )
    own = np.eye(4)
    own[:3, :3] = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]) * np.array(node.get("scale", (1, 1, 1)), np.float64)  # fmt: skip
    own[:3, 3] = node.get("translation", (0, 0, 0))
    return own


def moved(part: Part, world: Array) -> Part:
    """PART in the world: normals by the inverse transpose, faces turned where the transform
    mirrors."""
    if np.array_equal(world, np.eye(4)):
        return part
    linear = world[:3, :3]
    mirrored, flat = np.linalg.det(linear) < 0, abs(np.linalg.det(linear)) < 1e-30
    normals = None
    if part.normals is not None and not flat:
        normals = part.normals @ np.linalg.inv(linear)
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    faces = part.faces[:, ::-1] if mirrored else part.faces
    return replace(
        part, vertices=part.vertices @ linear.T + world[:3, 3], normals=normals, faces=faces
    )


def triangles(name: str, order: Array, mode: int) -> Array:
    """Triangles of a list (4), a strip (5) or a fan (6)."""
    if mode == 4:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode not in (5, 6):
        raise damaged(name, f"it has a primitive of the unknown mode {mode}")
    if len(order) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == 6:
        return np.stack([np.repeat(order[:1], len(order) - 2), order[1:-1], order[2:]], axis=1)
    made = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
    made[1::2, :2] = made[1::2, 1::-1]
    return np.asarray(
        made[(made[:, 0] != made[:, 1]) & (made[:, 1] != made[:, 2]) & (made[:, 2] != made[:, 0])]
    )
