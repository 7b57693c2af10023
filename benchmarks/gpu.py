"""What networks of published sizes, with random weights, cost on a GPU beside how they are usually
run: seconds, memory, ratios.

`make bench-gpu`, or `python benchmarks/gpu.py [--parts triposr,instantmesh,flux] [--rounds 5]
[--into benchmarks/RESULTS.md]`. The section "GPU" of that page is replaced. `--tiny` runs all of it
with tiny networks on whatever is there, to see that it works; its figures mean nothing and are only
printed.

A random field is noise, which has no surface like an object's. So the field is asked, which costs
what it costs, and a torus is answered. FLUX gets random embeddings instead of text encoders, which
are a small share of its work.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pipeline.geometry.isosurface import marching_cubes
from pipeline.gpu import fast
from pipeline.gpu.fast import Way
from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig
from pipeline.networks.instantmesh.cameras import cameras
from pipeline.networks.instantmesh.flexicubes import (
    cube_corners,
    flexicubes,
    grid_positions,
    surface_cubes,
)
from pipeline.networks.instantmesh.surface import mesh_surface
from pipeline.networks.lattice import sample
from pipeline.networks.triposr import TripoSR, TripoSRConfig
from pipeline.networks.vit import ViTConfig

HEADING = "## GPU"
CHUNK = 131_072
PLAIN, BFLOAT16, COMPILED = Way(), Way(bfloat16=True), Way(bfloat16=True, compiled=True)


class Sizes(NamedTuple):
    """What is measured: the published sizes, or tiny ones."""

    triposr: TripoSRConfig
    instantmesh: InstantMeshConfig
    grid: int
    flux: dict[str, Any]
    vae: dict[str, Any]
    picture: int
    views: int


VIT = ViTConfig(hidden=24, layers=1, heads=2, mlp=48, patch=8, native=32)
VAE = {
    "use_quant_conv": False,
    "use_post_quant_conv": False,
    "shift_factor": 0.1159,
    "scaling_factor": 0.3611,
}
PUBLISHED = Sizes(
    TripoSRConfig(),
    InstantMeshConfig(),
    256,
    {"guidance_embeds": False},
    VAE
    | {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": 16,
    },
    1024,
    4,
)
TINY = Sizes(
    TripoSRConfig(
        vit=VIT,
        image=64,
        plane=4,
        channels=32,
        heads=2,
        head=16,
        layers=1,
        features=4,
        neurons=8,
        hidden=2,
    ),
    InstantMeshConfig(vit=VIT, image=32, width=32, layers=1, heads=2, low=4, features=4, grid=16),
    98,
    {
        "patch_size": 1,
        "in_channels": 16,
        "num_layers": 1,
        "num_single_layers": 1,
        "attention_head_dim": 16,
        "num_attention_heads": 2,
        "joint_attention_dim": 32,
        "pooled_projection_dim": 32,
        "guidance_embeds": False,
        "axes_dims_rope": (4, 4, 8),
    },
    VAE
    | {
        "block_out_channels": (8, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
    },
    64,
    2,
)


@dataclass(frozen=True)
class Row:
    """One way of doing one thing. first: seconds of the first call, compiling included. note: what
    else was counted."""

    what: str
    way: str
    seconds: float = float("nan")
    spread: str = ""
    first: float = float("nan")
    gigabytes: float = float("nan")
    note: str = ""
    ratio: float = 1.0


def measured(what: str, way: str, work: Callable[[], str], rounds: int) -> Row:
    """WORK called once to warm up and then ROUNDS times; it returns a note. A card that is too
    small is said in the row."""
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        first = _timed(work)[0]
        seconds, notes = zip(*(_timed(work) for _ in range(rounds)), strict=True)
    except torch.OutOfMemoryError:
        return Row(what, way, note="out of memory")
    peak = torch.cuda.max_memory_allocated() / 2**30 if cuda else float("nan")
    return Row(
        what,
        way,
        statistics.median(seconds),
        f"{min(seconds):.3f}–{max(seconds):.3f}",
        first,
        peak,
        notes[-1],
    )


def _timed(work: Callable[[], str]) -> tuple[float, str]:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    note = work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start, note


def beside(rows: list[Row]) -> list[Row]:
    """Each row with how many times faster it is than the first."""
    return [replace(row, ratio=rows[0].seconds / row.seconds) for row in rows]


def torus(points: Tensor) -> Tensor:
    """[1,N,3] → about the distance to a torus that fills two thirds of the box, positive inside."""
    return 0.18 - torch.hypot(torch.hypot(points[..., 0], points[..., 1]) - 0.45, points[..., 2])


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
        network = fast.prepared(_drawn(TripoSR, sizes.triposr, device), how)
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
    network = _drawn(InstantMesh, sizes.instantmesh, device)
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


def _drawn(network: Callable[[Any], Any], sizes: Any, device: str) -> Any:
    torch.manual_seed(0)
    with torch.device(device):
        made = network(sizes)
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.02)
    return made.eval().requires_grad_(False)


PARTS: dict[str, Callable[[Sizes, str, int], list[Row]]] = {
    "triposr": triposr,
    "instantmesh": instantmesh,
    "flux": flux,
}


def table(rows: list[Row]) -> str:
    lines = [
        (
            "| what | how | s, median (min–max) | first call s | peak GiB | × faster than the first"
            " row | counted |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures = f"{row.seconds:.3f} ({row.spread})" if row.spread else "–"
        lines.append(
            f"| {row.what} | {row.way} | {figures} | {row.first:.2f} | {row.gigabytes:.1f} |"
            f" {row.ratio:.2f} | {row.note} |"
        )
    return "\n".join(lines).replace("nan", "–")


def section(rows: list[Row], device: str, size: str, command: str) -> str:
    card = torch.cuda.get_device_name() if device == "cuda" else "no GPU"
    facts = (
        f"{time.strftime('%Y-%m-%d')}; {card}, torch {torch.__version__}. Random weights of {size}"
        " sizes, one object at a time."
    )
    return f"{HEADING}\n\n{facts} Command: `{command}`\n\n{table(rows)}\n"


def replaced(page: str, new: str) -> str:
    """PAGE with its section of the same heading replaced by NEW, or with NEW at its end."""
    start = page.find(f"{HEADING}\n")
    if start < 0:
        return f"{page.rstrip()}\n\n{new}"
    end = page.find("\n## ", start + 1)
    return page[:start] + new + (page[end:] if end > 0 else "")


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
