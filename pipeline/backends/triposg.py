"""TripoSG as a backend: the front view → a shape drawn by a rectified flow → its mesh, painted with
the picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from pipeline import weights as files
from pipeline.backends import Effort, Picture, Reconstruction, held, memory, pace
from pipeline.backends import triposg_shape as shape
from pipeline.backends.field import front
from pipeline.backends.painting import GUESS, painted
from pipeline.geometry.surface import Surface
from pipeline.networks.triposg import TransformerConfig, VAEConfig, sampling
from pipeline.networks.triposg.cost import Cost, cost
from pipeline.weights.catalogue import size

NAME = "triposg"
ROOM = 1_400_000_000  # bytes of the machine's memory for libraries and work beside a part
CUT = "The shape reaches the edge of the box that the network can describe, and is cut flat there."


class TripoSGBackend:
    def lacks(self, views: int, models: Path | None) -> str | None:
        trouble = files.problem(models, NAME)
        return f"model {NAME} {trouble}" if trouble else None

    def loads(self, views: int, models: Path | None) -> tuple[str, ...]:
        return (NAME,)

    def beyond(self, models: Path | None, effort: Effort) -> str | None:
        """Why it would not come to its end on a CPU, in words: it may take hours, and its largest
        part lies in the machine's memory."""
        if memory.device() != "cpu":
            return None
        folder = files.require(models, NAME)
        needed = ROOM + held.size(folder, "transformer")
        if effort.memory is not None and needed > effort.memory:
            return (
                f"it needs {size(needed)} of memory on a CPU, and a stage may use"
                f" {size(effort.memory)} ([worker] memory_gb)"
            )
        foreseen = _cost(folder, effort).all / pace.operations()
        if effort.deadline is None or foreseen <= effort.deadline:
            return None
        return (
            f"it would take {pace.words(foreseen)} on this CPU, and a stage may take"
            f" {pace.words(effort.deadline).removeprefix('about ')}: a host with a GPU can, or one"
            " with a longer [worker] deadline"
        )

    def reconstruct(
        self, pictures: Sequence[Picture], models: Path | None, effort: Effort
    ) -> Reconstruction:
        """Uses the view nearest to the front. The shape stands as the network sees its front,
        whatever azimuth that view has.

        MeshEmpty where the field is negative everywhere; OutOfGpuMemory; BackendUnavailable names
        what does not load.
        """
        folder, view = files.require(models, NAME), front(pictures)
        work = _cost(folder, effort)
        if memory.device() == "cpu":
            foreseen = pace.words(work.all / pace.operations())
            effort.progress(0.01, f"{effort.steps} steps on this CPU: {foreseen}")
        with torch.inference_mode():
            tokens = shape.seen(folder, view)
            latents = shape.drawn(folder, tokens, effort, work.sampling / work.all)
            vertices, faces, cut = shape.meshed(folder, latents, effort, work)
        effort.progress(0.97, "painting it with the picture")
        return Reconstruction(
            Surface(vertices, faces, colors=painted(vertices, faces, view)),
            used=(view.name,),
            models=(NAME,),
            facts={"steps": effort.steps, "seed": effort.seed, "colours": GUESS},
            notes=(*([CUT] if cut else []), *_stands(view.azimuth)),
        )


def _stands(azimuth: float) -> list[str]:
    """A word where the picture is not of the front: the network draws every shape from its own."""
    if round(azimuth) % 360 == 0:
        return []
    return [
        f"It stands as the network sees its front; the picture's {azimuth:.0f}° did not turn it."
    ]


def _cost(folder: Path, effort: Effort) -> Cost:
    return cost(
        held.told(folder, "transformer/config.json", TransformerConfig.of),
        held.told(folder, "vae/config.json", VAEConfig.of),
        sampling.TOKENS,
        effort.steps,
        effort.grid,
    )
