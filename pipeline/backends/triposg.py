"""TripoSG as a backend: the front view → a shape drawn by a rectified flow → its mesh, painted with
the picture.

One part of the model after the other, so that each may leave before the next comes: on a CPU
always, on a GPU where it has no room for all.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline import weights as files
from pipeline.backends import Effort, Picture, Reconstruction, held, memory, pace
from pipeline.backends.field import REMEDY, front, shut
from pipeline.backends.grounds import cropped
from pipeline.backends.painting import painted
from pipeline.errors import MeshEmpty
from pipeline.geometry.isosurface import marching_cubes
from pipeline.geometry.surface import Surface
from pipeline.gpu import fast
from pipeline.networks.lattice import sample
from pipeline.networks.triposg import VAE, Flow, TransformerConfig, VAEConfig, sampling
from pipeline.networks.triposg.cost import Cost, cost, queries
from pipeline.networks.triposg.image import on_white
from pipeline.networks.triposg.vae import HALF
from pipeline.weights.catalogue import size

NAME = "triposg"
EYE, EYE_PIXELS = "image_encoder_dinov2", "feature_extractor_dinov2"
ROOM = 1_400_000_000  # bytes of the machine's memory for libraries and work beside a part
WIDE = 8  # times as much memory as a query of a plane takes one of this field
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
            f" {pace.words(effort.deadline).removeprefix('about ')} ([worker] deadline)"
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
            tokens = _seen(folder, view)
            latents = _drawn(folder, tokens, effort, work.sampling / work.all)
            vertices, faces, cut = _meshed(folder, latents, effort, work)
        effort.progress(0.97, "painting it with the picture")
        paint = painted(vertices, faces, view)
        return Reconstruction(
            Surface(vertices, faces, colors=paint.colors),
            used=(view.name,),
            models=(NAME,),
            facts={"steps": effort.steps, "seed": effort.seed, **paint.facts},
            notes=(*paint.notes, *([CUT] if cut else []), *_stands(view.azimuth)),
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


def _seen(folder: Path, view: Picture) -> Tensor:
    """Image tokens [1,T,D] of the picture."""
    kind = fast.kind(memory.device())
    pixels = held.told(folder, f"{EYE_PIXELS}/preprocessor_config.json", partial(_pixels, view))
    tokens: Tensor = held.part(folder, EYE, kind)(pixels.to(memory.device(), kind))
    return tokens


def _pixels(view: Picture, said: dict[str, Any]) -> Tensor:
    edge, crop = said["size"]["shortest_edge"], said["crop_size"]["height"]
    return cropped(
        on_white(view.rgba),
        edge,
        crop,
        said["image_mean"],
        said["image_std"],
        said.get("resample", 3),
    )


def _drawn(folder: Path, tokens: Tensor, effort: Effort, share: float) -> Tensor:
    """Latents [1,M,C] of a shape that looks like what is seen, in float32; SHARE of all the work
    is done then."""
    network = held.part(folder, "transformer", tokens.dtype)
    flow = held.told(folder, "scheduler/scheduler_config.json", Flow.of)
    start = sampling.noise(sampling.TOKENS, network.config.channels, effort.seed)
    begun = time.monotonic()

    def each(done: int, latents: Tensor) -> None:
        left = (time.monotonic() - begun) / done * (effort.steps - done)
        ahead = f", {pace.words(left)} of them left" if left > 60 else ""
        effort.progress(
            0.02 + 0.94 * share * done / effort.steps, f"step {done} of {effort.steps}{ahead}"
        )

    def run(halves: int) -> Tensor:
        velocity = sampling.guided(network, network.look(tokens), together=halves > 1)
        return sampling.sampled(velocity, start.to(tokens.device), effort.steps, flow, each)

    return memory.halving(run, 2)


def _meshed(
    folder: Path, latents: Tensor, effort: Effort, work: Cost
) -> tuple[NDArray[np.float64], NDArray[np.int32], bool]:
    """Vertices (V,3) in the canonical frame, which is the field's own; faces (F,3) that face
    outside and close it; whether the box cut it."""
    vae: VAE = held.part(folder, "vae")
    axis = torch.linspace(-HALF, HALF, effort.grid, device=latents.device)
    began, foreseen = 1 - work.queries / work.all, queries(effort.grid)

    def run(chunk: int) -> Tensor:
        seen, asked = vae.memory(latents), 0

        def field(indices: Tensor) -> Tensor:
            nonlocal asked
            values = vae.field(seen, axis[indices][None], chunk)[0]
            asked += len(indices)
            share = began + (1 - began) * min(1.0, asked / foreseen)
            effort.progress(0.02 + 0.94 * share, "looking for the surface")
            return values

        effort.progress(0.02 + 0.94 * began, f"evaluating the field on {effort.grid}³ points")
        return sample(field, effort.grid, 0.0, device=latents.device)

    values = memory.halving(run, max(1, effort.chunk // WIDE))
    cut = shut(values, -1.0)
    vertices, faces = marching_cubes(values, 0.0)
    if not len(faces):
        raise MeshEmpty("No surface was found in the network's field.", remedy=REMEDY)
    return vertices / (effort.grid - 1) * (2 * HALF) - HALF, faces, cut
