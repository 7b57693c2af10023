"""The placeholder: a rounded box in the pictures' mean colour. It shows that the line works and
says so everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipeline.backends.protocol import Effort, Picture, Reconstruction
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.surface import Surface

GRID, HALF, ROUND = 48, 0.4, 0.1


class Placeholder:
    def lacks(self, views: int, models: Path | None) -> str | None:
        return None

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction:
        """Looks at the pictures' colours only."""
        axis = np.linspace(-0.5, 0.5, GRID)
        beyond = np.maximum(
            np.abs(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"))) - (HALF - ROUND), 0
        )
        vertices, faces = marching_cubes(ROUND - np.linalg.norm(beyond, axis=0), 0.0)
        opaque = [picture.rgba[picture.rgba[..., 3] > 127][:, :3] for picture in pictures]
        pixels = np.concatenate([np.full((1, 3), 160.0), *opaque])
        colors = np.tile(
            pixels[1:].mean(0) if len(pixels) > 1 else pixels[0], (len(vertices), 1)
        ).astype(np.uint8)
        surface = Surface(vertices / (GRID - 1) - 0.5, faces, colors=colors)
        return Reconstruction(
            surface, label="placeholder", used=tuple(picture.name for picture in pictures)
        )
