"""TripoSR as a backend: the front view → density field → mesh with the field's colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline import models as files
from pipeline.backends import Effort, Picture, Reconstruction, hot, memory
from pipeline.backends.field import finished, iso_mesh
from pipeline.networks.triposr import TripoSR, image

NAME = "triposr"


class TripoSRBackend:
    def lacks(self, views: int, models: Path | None) -> str | None:
        trouble = files.problem(models, NAME)
        return f"model {NAME} {trouble}" if trouble else None

    def reconstruct(self, pictures: Sequence[Picture], models: Path | None, effort: Effort) -> Reconstruction:
        """Uses the view nearest to the front. MeshEmpty where no density reaches the threshold; OutOfGpuMemory."""
        network: TripoSR = hot.network(files.require(models, NAME))
        front = min(pictures, key=lambda picture: abs((picture.azimuth + 180) % 360 - 180))
        condition = image.conditioning(image.on_grey(image.crop_and_pad(front.rgba)), network.config.image)

        def run(chunk: int) -> Reconstruction:
            with torch.inference_mode():
                effort.progress(0.1, "encoding the front view")
                planes = network(condition.to(memory.device()))
                effort.progress(0.3, f"evaluating the field on {effort.grid}³ points")
                config = network.config
                vertices, faces = iso_mesh(
                    lambda points: network.density(planes, points, chunk), planes, config.radius, effort.grid, config.threshold
                )
                return finished(vertices, faces, lambda points: network.color(planes, points, chunk), planes, (front.name,))

        return memory.halving(run, effort.chunk)
