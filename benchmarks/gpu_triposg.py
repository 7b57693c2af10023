"""TripoSG's rows: a picture's tokens → latents → mesh, per quality tier, in half precision beside
the same networks in float32."""

from __future__ import annotations

import gc
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.gpu_measured import Row, beside, drawn, measured, torus
from benchmarks.gpu_sizes import CHUNK, Sizes
from pipeline.backends.triposg_shape import WIDE
from pipeline.geometry.isosurface import marching_cubes
from pipeline.gpu import fast
from pipeline.networks.dinov2 import DINOv2
from pipeline.networks.lattice import sample
from pipeline.networks.triposg import VAE, Flow, Transformer, sampling
from pipeline.networks.triposg.vae import HALF

WAYS = {"float32, eager": torch.float32, "float16, eager": torch.float16}


class Parts(NamedTuple):
    eye: Any
    transformer: Any
    vae: Any


def triposg(sizes: Sizes, device: str, rounds: int) -> list[Row]:
    """Picture → mesh; the field is asked in float32 whichever way."""
    fast.exact_products()
    rows: dict[tuple[str, str], Row] = {}
    exact: dict[str, Tensor] = {}
    vae = drawn(VAE, sizes.triposg.vae, device)
    for way, kind in WAYS.items():
        parts = Parts(
            drawn(DINOv2, sizes.triposg.eye, device).to(kind),
            drawn(Transformer, sizes.triposg.transformer, device).to(kind),
            vae,
        )
        for tier, (steps, grid) in sizes.triposg.tiers.items():
            latents = _latents(parts, sizes, device, steps)
            wanted = exact.setdefault(tier, latents)
            off = float((latents - wanted).abs().max() / wanted.std())

            def work(
                parts: Parts = parts, steps: int = steps, grid: int = grid, off: float = off
            ) -> str:
                faces, asked = _mesh(parts, _latents(parts, sizes, device, steps), grid)
                return (
                    f"{steps} steps, {asked / 1e6:.2f} M queries, {faces} faces, latents off by"
                    f" {off:.1e} of their spread"
                )

            rows[tier, way] = measured(f"TripoSG {tier}", way, work, rounds)
        del parts
        gc.collect()
    tiers = sizes.triposg.tiers
    return [row for tier in tiers for row in beside([rows[tier, way] for way in WAYS])]


@torch.inference_mode()
def _latents(parts: Parts, sizes: Sizes, device: str, steps: int) -> Tensor:
    kind = next(parts.transformer.parameters()).dtype
    edge = sizes.triposg.picture
    picture = torch.rand(1, 3, edge, edge, generator=torch.Generator("cpu").manual_seed(0))
    seen = parts.transformer.look(parts.eye(picture.to(device, kind)))
    start = sampling.noise(sizes.triposg.tokens, parts.transformer.config.channels, 0)
    velocity = sampling.guided(parts.transformer, seen)
    return sampling.sampled(velocity, start.to(device), steps, Flow())


@torch.inference_mode()
def _mesh(parts: Parts, latents: Tensor, grid: int) -> tuple[int, int]:
    """(faces, queries): the field is asked, and a torus is answered."""
    axis, asked = torch.linspace(-HALF, HALF, grid, device=latents.device), 0
    memory = parts.vae.memory(latents)

    def field(indices: Tensor) -> Tensor:
        nonlocal asked
        asked += len(indices)
        points = axis[indices][None]
        return (0 * parts.vae.field(memory, points, CHUNK // WIDE) + torus(points))[0]

    return len(marching_cubes(sample(field, grid, 0.0, device=latents.device), 0.0)[1]), asked
