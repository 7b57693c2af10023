"""TripoSG's three networks, from a picture to a mesh.

One after the other, so that each may leave before the next comes: on a CPU always, on a GPU where
it has no room for all.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipeline.backends import Effort, Picture, held, memory, pace
from pipeline.backends.field import REMEDY, shut
from pipeline.backends.grounds import cropped
from pipeline.errors import MeshEmpty
from pipeline.geometry.isosurface import marching_cubes
from pipeline.gpu import fast
from pipeline.networks.lattice import sample
from pipeline.networks.triposg import VAE, Flow, sampling
from pipeline.networks.triposg.cost import Cost, queries
from pipeline.networks.triposg.image import on_white
from pipeline.networks.triposg.vae import HALF

EYE, EYE_PIXELS = "image_encoder_dinov2", "feature_extractor_dinov2"
WIDE = 8  # times as much memory as a query of a plane takes one of this field
EXACT = 'Set [host] precision to "exact" on this host, or ask for backend=triposr.'


def seen(folder: Path, view: Picture) -> Tensor:
    """Image tokens [1,T,D] of the picture."""
    kind = fast.kind(memory.device())
    pixels = held.told(folder, f"{EYE_PIXELS}/preprocessor_config.json", partial(_pixels, view))

    def run(_: int) -> Tensor:
        tokens: Tensor = held.part(folder, EYE, kind)(pixels.to(memory.device(), kind))
        return tokens

    return memory.halving(run, 1)


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


def drawn(folder: Path, tokens: Tensor, effort: Effort, share: float) -> Tensor:
    """Latents [1,M,C] of a shape that looks like what is seen, in float32; SHARE of all the work
    is done then."""
    flow = held.told(folder, "scheduler/scheduler_config.json", Flow.of)
    begun = time.monotonic()

    def each(done: int, latents: Tensor) -> None:
        left = (time.monotonic() - begun) / done * (effort.steps - done)
        ahead = f", {pace.words(left)} of them left" if left > 60 else ""
        effort.progress(
            0.02 + 0.94 * share * done / effort.steps, f"step {done} of {effort.steps}{ahead}"
        )

    def run(halves: int) -> Tensor:
        network = held.part(folder, "transformer", tokens.dtype)
        start = sampling.noise(sampling.TOKENS, network.config.channels, effort.seed)
        velocity = sampling.guided(network, network.look(tokens), together=halves > 1)
        return sampling.sampled(velocity, start.to(tokens.device), effort.steps, flow, each)

    latents = memory.halving(run, 2)
    if not latents.isfinite().all():
        raise MeshEmpty("The flow left the numbers that its precision can hold.", remedy=EXACT)
    return latents


def meshed(
    folder: Path, latents: Tensor, effort: Effort, work: Cost
) -> tuple[NDArray[np.float64], NDArray[np.int32], bool]:
    """Vertices (V,3) in the canonical frame, which is the field's own; faces (F,3) that face
    outside and close it; whether the box cut it."""
    axis = torch.linspace(-HALF, HALF, effort.grid, device=latents.device)
    began, foreseen = 1 - work.queries / work.all, queries(effort.grid)

    def run(chunk: int) -> tuple[NDArray[np.float64], NDArray[np.int32], bool]:
        vae: VAE = held.part(folder, "vae")
        memory_of, asked = vae.memory(latents), 0

        def field(indices: Tensor) -> Tensor:
            nonlocal asked
            values = vae.field(memory_of, axis[indices][None], chunk)[0]
            asked += len(indices)
            share = began + (1 - began) * min(1.0, asked / foreseen)
            effort.progress(0.02 + 0.94 * share, "looking for the surface")
            return values

        effort.progress(0.02 + 0.94 * began, f"evaluating the field on {effort.grid}³ points")
        values = sample(field, effort.grid, 0.0, device=latents.device)
        cut = shut(values, -1.0)
        return (*marching_cubes(values, 0.0), cut)

    vertices, faces, cut = memory.halving(run, max(1, effort.chunk // WIDE))
    if not len(faces):
        raise MeshEmpty("No surface was found in the network's field.", remedy=REMEDY)
    return vertices / (effort.grid - 1) * (2 * HALF) - HALF, faces, cut
