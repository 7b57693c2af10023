"""What networks of published sizes, with random weights, cost on a GPU beside how they are usually
run: seconds, memory, ratios.

`make bench-gpu`, or `python benchmarks/gpu.py [--parts triposr,triposg,instantmesh,flux,klein,hot]
[--rounds 5] [--into benchmarks/RESULTS.md]`. The section "GPU" of that page is replaced. `--tiny`
runs all of it with tiny networks on whatever is there, to see that it works; its figures mean
nothing and are only printed.

A random field is noise, which has no surface like an object's. So the field is asked, which costs
what it costs, and a torus is answered. FLUX gets random embeddings instead of text encoders, which
are a small share of its work.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.gpu_hot import held
from benchmarks.gpu_klein import klein
from benchmarks.gpu_measured import Row, beside, drawn, measured, torus
from benchmarks.gpu_page import replaced, section
from benchmarks.gpu_sizes import CHUNK, PUBLISHED, TINY, Sizes
from benchmarks.gpu_triposg import triposg
from pipeline.geometry.isosurface import marching_cubes
from pipeline.gpu import fast
from pipeline.gpu.fast import Way
from pipeline.networks.instantmesh import InstantMesh
from pipeline.networks.instantmesh.cameras import cameras
from pipeline.networks.instantmesh.flexicubes import (
    cube_corners,
    flexicubes,
    grid_positions,
    surface_cubes,
)
from pipeline.networks.instantmesh.surface import mesh_surface
from pipeline.networks.lattice import sample
from pipeline.networks.triposr import TripoSR

PLAIN, BFLOAT16, COMPILED = Way(), Way(bfloat16=True), Way(bfloat16=True, compiled=True)


def triposr(sizes: Sizes, device: str, rounds: int) -> list[Row]:
    """Picture → mesh with colours; the peer asks all of the grid in float32 and lets PyMCubes look
    at all of it."""
    image = torch.rand(1, 3, sizes.triposr.image, sizes.triposr.image, device=device)
    ways = {
        "float32, eager, dense grid": (PLAIN, 1),
        "float32, eager, coarse to fine": (PLAIN, None),
        "bfloat16, eager, coarse to fine": (BFLOAT16, None),
        "bfloat16, compiled, coarse to fine": (COMPILED, None),
    }
    rows, exact = [], None
    for name, (how, step) in _possible(ways, device):
        network = fast.prepared(drawn(TripoSR, sizes.triposr, device), how)
        exact = fast.planes(network, image, how=PLAIN) if exact is None else exact
        off = float((fast.planes(network, image, how=how) - exact).abs().max() / exact.std())
        rows.append(
            measured(
                "TripoSR",
                name,
                lambda n=network, h=how, s=step, o=off: _triposr(n, image, h, s, sizes.grid, o),
                rounds,
            )
        )
    return beside(rows)


@torch.inference_mode()
def _triposr(
    network: TripoSR, image: Tensor, how: Way, step: int | None, grid: int, off: float
) -> str:
    planes, asked = fast.planes(network, image, how=how), 0
    radius = network.config.radius
    axis = (torch.linspace(0, 1, grid) * (2 * radius) - radius).to(planes)

    def field(indices: Tensor) -> Tensor:
        nonlocal asked
        asked += len(indices)
        points = axis[indices][None]
        return (0 * network.density(planes, points, CHUNK) + torus(points))[0]

    values = sample(field, grid, 0.0, step, planes.device)
    vertices, faces = whole_grid(values) if step == 1 else marching_cubes(values, 0.0)
    network.color(
        planes,
        torch.from_numpy(vertices).to(planes)[None] / (grid - 1) * 2 * radius - radius,
        CHUNK,
    ).cpu()
    return (
        f"{asked / 1e6:.2f} M queries, {len(faces)} faces, planes off by {off:.1e} of their spread"
    )


def whole_grid(values: Tensor) -> tuple[Any, Any]:
    """PyMCubes over every cell, as the published extraction does it."""
    import mcubes

    vertices, faces = mcubes.marching_cubes(
        np.ascontiguousarray(values.cpu().numpy().transpose(2, 0, 1)), 0.0
    )
    return vertices[:, [1, 2, 0]].copy(), faces


def instantmesh(sizes: Sizes, device: str, rounds: int) -> list[Row]:
    """Six views → mesh; the peer computes the weights of all cubes at once, as published."""
    network = drawn(InstantMesh, sizes.instantmesh, device)
    surface = lambda planes, points, chunk=0: (  # noqa: E731
        0 * InstantMesh.sdf(network, planes, points, chunk) - torus(points)
    )
    network.sdf = surface
    views = torch.rand(1, 6, 3, sizes.instantmesh.image, sizes.instantmesh.image, device=device)
    inputs = (views, cameras()[None].to(device))
    ways: dict[str, tuple[Way, Any]] = {
        "float32, eager, weights of all cubes": (PLAIN, _all_cubes),
        "float32, eager, surface cubes": (PLAIN, _surface_cubes),
        "bfloat16, eager, surface cubes": (BFLOAT16, _surface_cubes),
        "bfloat16, compiled, surface cubes": (COMPILED, _surface_cubes),
    }
    rows = []
    for name, (how, extract) in _possible(ways, device):
        fast.prepared(network, how)
        rows.append(
            measured(
                "InstantMesh large",
                name,
                lambda h=how, e=extract: e(network, fast.planes(network, *inputs, how=h)),
                rounds,
            )
        )
    return beside(rows)


@torch.inference_mode()
def _surface_cubes(network: InstantMesh, planes: Tensor) -> str:
    return f"{len(mesh_surface(network, planes, network.config.grid, CHUNK)[1])} faces"


@torch.inference_mode()
def _all_cubes(network: InstantMesh, planes: Tensor) -> str:
    grid = network.config.grid
    positions = grid_positions(grid, network.config.scale)
    points = torch.from_numpy(positions).to(planes)[None]
    sdf = network.sdf(planes, points, 0)[0].cpu().numpy().reshape((grid + 1,) * 3)
    corners = torch.from_numpy(cube_corners(np.arange(grid**3), grid)).to(planes.device)
    cubes = surface_cubes(sdf)
    weights = network.weight(planes, points[:, corners], 0)[0].cpu().numpy()[cubes]
    moved = positions + np.tanh(
        network.deformation(planes, points, 0)[0].cpu().numpy()
    ) / np.float32(4 * grid)
    return f"{len(flexicubes(sdf, moved, cubes, weights)[1])} faces"


def flux(sizes: Sizes, device: str, rounds: int) -> list[Row]:
    """Four views of four steps; the peer is one call per view."""
    pipe = _flux(sizes, device)
    rows = [measured("FLUX.1-schnell", "one call per view", lambda: _views(pipe, sizes, 1), rounds)]
    rows.append(
        measured("FLUX.1-schnell", "one batch", lambda: _views(pipe, sizes, sizes.views), rounds)
    )
    if device == "cuda":
        pipe.transformer.compile_repeated_blocks(fullgraph=True, dynamic=True)
        rows.append(
            measured(
                "FLUX.1-schnell",
                "one batch, compiled",
                lambda: _views(pipe, sizes, sizes.views),
                rounds,
            )
        )
    return beside(rows)


def _flux(sizes: Sizes, device: str) -> Any:
    from diffusers import (
        AutoencoderKL,
        FlowMatchEulerDiscreteScheduler,
        FluxPipeline,
        FluxTransformer2DModel,
    )

    kind = torch.bfloat16 if device == "cuda" else torch.float32
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        with torch.device(device):
            transformer, vae = FluxTransformer2DModel(**sizes.flux), AutoencoderKL(**sizes.vae)
    finally:
        torch.set_default_dtype(before)
    parts = dict.fromkeys(("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"))
    pipe = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=1.0),
        vae=vae.eval(),
        transformer=transformer.eval(),
        **parts,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


@torch.inference_mode()
def _views(pipe: Any, sizes: Sizes, batch: int) -> str:
    config, kind, device = pipe.transformer.config, pipe.transformer.dtype, pipe.transformer.device
    words = torch.zeros(sizes.views, 256, config.joint_attention_dim, dtype=kind, device=device)
    pooled = torch.zeros(sizes.views, config.pooled_projection_dim, dtype=kind, device=device)
    for start in range(0, sizes.views, batch):
        part = slice(start, start + batch)
        pipe(
            prompt_embeds=words[part],
            pooled_prompt_embeds=pooled[part],
            width=sizes.picture,
            height=sizes.picture,
            num_inference_steps=4,
            guidance_scale=0.0,
            generator=[torch.Generator("cpu").manual_seed(k) for k in range(start, start + batch)],
            output_type="np",
        )
    return f"{sizes.views} views of {sizes.picture}²"


def _possible(ways: dict[str, Any], device: str) -> Iterator[tuple[str, Any]]:
    """Compiling is for GPUs."""
    return ((name, way) for name, way in ways.items() if device == "cuda" or not way[0].compiled)


PARTS: dict[str, Callable[[Sizes, str, int], list[Row]]] = {
    "triposr": triposr,
    "triposg": triposg,
    "instantmesh": instantmesh,
    "flux": flux,
    "klein": klein,
    "hot": lambda sizes, device, rounds: held(
        sizes,
        device,
        rounds,
        lambda network, image: _triposr(network, image, fast.way(device), None, sizes.grid, 0.0),
    ),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--into", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not given.tiny:
        print(
            "bench-gpu needs a CUDA GPU, and torch sees none here. Run it on a machine with a GPU"
            " and a CUDA build of torch.",
            file=sys.stderr,
        )
        return 2
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = [
        row
        for part in given.parts.split(",")
        for row in PARTS[part](TINY if given.tiny else PUBLISHED, device, given.rounds)
    ]
    written = section(
        rows,
        device,
        "tiny" if given.tiny else "the published",
        " ".join(["python benchmarks/gpu.py", *arguments]),
    )
    print(written)
    if not given.tiny:
        given.into.write_text(replaced(given.into.read_text("utf-8"), written), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
