"""TripoSR as a backend: the front view → density field → mesh with the field's colours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline import weights as files
from pipeline.backends import Effort, Picture, Reconstruction, hot, memory
from pipeline.backends.field import finished, front, iso_mesh
from pipeline.gpu import fast
from pipeline.networks.triposr import TripoSR, image

NAME = "triposr"


class TripoSRBackend:
    def lacks(self, views: int, models: Path | None) -> str | None:
        trouble = files.problem(models, NAME)
        return f"model {NAME} {trouble}" if trouble else None

    def loads(self, views: int, models: Path | None) -> tuple[str, ...]:
        return (NAME,)

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction:
        """Uses the view nearest to the front; the mesh stands as that view's azimuth says.

        MeshEmpty where no density reaches the threshold; OutOfGpuMemory.
        """
        network: TripoSR = hot.network(files.require(models, NAME))
        view = front(pictures)
        condition = image.conditioning(
            image.on_grey(image.crop_and_pad(view.rgba)), network.config.image
        )

        def run(chunk: int) -> Reconstruction:
            with torch.inference_mode():
                effort.progress(0.1, "encoding the front view")
                planes = fast.planes(network, condition.to(memory.device()))
                effort.progress(0.3, f"evaluating the field on {effort.grid}³ points")
                config = network.config
                vertices, faces = iso_mesh(
                    lambda points: network.density(planes, points, chunk),
                    planes,
                    config.radius,
                    effort.grid,
                    config.threshold,
                )
                surface = finished(
                    vertices,
                    faces,
                    lambda points: network.color(planes, points, chunk),
                    planes,
                    view.azimuth,
                )
                return Reconstruction(surface, used=(view.name,), models=(NAME,))

        return memory.halving(run, effort.chunk)
