"""Depths from pictures with known cameras. Pixels count from the corner: the first one's centre is
at (0.5, 0.5). The modules of this room load torch; this one does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.geometry.rigid import Array


@dataclass
class View:
    """gray: (H, W) float32, 0…255; k: 3×3 pinhole; rotation, translation: common frame → camera."""

    gray: Any
    k: Array
    rotation: Array
    translation: Array

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.gray.shape[0]), int(self.gray.shape[1])

    @property
    def centre(self) -> Array:
        return -self.rotation.T @ self.translation

    def shrunk(self, by: float) -> View:
        """The same at 1/BY of the size."""
        import torch

        if by == 1:
            return self
        height, width = (max(round(edge / by), 8) for edge in self.size)
        gray = torch.nn.functional.interpolate(self.gray[None, None], (height, width), mode="area")
        scale = np.diag([width / self.size[1], height / self.size[0], 1.0])
        return View(gray[0, 0], scale @ self.k, self.rotation, self.translation)


def transfer(view: View, other: View) -> tuple[Array, Array]:
    """A (3×3) and b (3): the pixel x of VIEW at inverse depth q is A x + b q in OTHER, there
    counted from -1 to 1 across the picture."""
    turn = other.rotation @ view.rotation.T
    move = other.translation - turn @ view.translation
    height, width = other.size
    square = np.array([[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1.0]]) @ other.k
    return square @ turn @ np.linalg.inv(view.k), square @ move
