"""Coarse-to-fine extraction beside the dense grid: queries, whether the mesh is the same, seconds.
`python benchmarks/extraction.py`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import mcubes
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from pipeline.geometry.isosurface import marching_cubes
from pipeline.networks.lattice import coarsest_step, sample

Array = NDArray[Any]
Solid = Callable[[Tensor], Tensor]  # points (N,3) in [-1,1]³ → values (N,), positive inside


def box(x: float, y: float, z: float) -> Solid:
    return lambda p: (torch.tensor([x, y, z]) - p.abs()).amin(dim=1)


def specks(radius: float, count: int = 60, far: float = 0.03) -> Solid:
    """Balls whose distance is told up to FAR only, as a network's field tells it near surfaces
    only."""
    tree = cKDTree(np.random.default_rng(5).uniform(-0.9, 0.9, (count, 3)))
    return lambda p: torch.from_numpy(
        np.maximum(radius - tree.query(p.numpy(), workers=2)[0], -far)
    ).float()


SOLIDS: dict[str, Solid] = {
    "ball": lambda p: 0.6 - p.norm(dim=1),
    "torus": lambda p: 0.2 - torch.hypot(torch.hypot(p[:, 0], p[:, 1]) - 0.6, p[:, 2]),
    "box": box(0.5, 0.25, 0.75),
    "chair": lambda p: torch.stack(
        [
            box(0.5, 0.08, 0.5)(p),
            box(0.5, 0.4, 0.08)(p - torch.tensor([0, 0.4, -0.42])),
            *(
                box(0.07, 0.35, 0.07)(p - torch.tensor([x, -0.4, z]))
                for x in (-0.4, 0.4)
                for z in (-0.4, 0.4)
            ),
        ]
    ).amax(dim=0),
}


def meshed(solid: Solid, res: int, step: int | None) -> tuple[set[bytes], int, float, float]:
    """Triangles, queries, seconds apart from the field's own, seconds of marching cubes among
    them."""
    asked, inside = 0, 0.0

    def field(indices: Tensor) -> Tensor:
        nonlocal asked, inside
        start = time.perf_counter()
        values = solid(indices / (res - 1) * 2 - 1)
        asked, inside = asked + len(indices), inside + time.perf_counter() - start
        return values

    start = time.perf_counter()
    values = sample(field, res, 0.0, step)
    middle = time.perf_counter()
    vertices, faces = marching_cubes(values, 0.0) if step is None else mcubes_whole(values.numpy())
    end = time.perf_counter()
    return triangles(vertices, faces), asked, end - start - inside, end - middle


def mcubes_whole(values: Array) -> tuple[Array, Array]:
    vertices, faces = mcubes.marching_cubes(np.ascontiguousarray(values.transpose(2, 0, 1)), 0.0)
    return vertices[:, [1, 2, 0]], faces


def triangles(vertices: Array, faces: Array) -> set[bytes]:
    """Each triangle by its three places in order."""
    places = np.round(vertices, 5)[faces]
    first = np.lexsort(places.reshape(-1, 3).T[::-1]).argsort().reshape(-1, 3).argmin(axis=1)
    turned = (
        np.take_along_axis(places, ((first[:, None] + np.arange(3)) % 3)[..., None], axis=1) + 0.0
    )
    return {row.tobytes() for row in turned.reshape(-1, 9)}


def main() -> None:
    print(
        "| field | grid | queries | dense : queries | same triangles | lattice and cubes s | dense"
        " grid, PyMCubes s |"
    )
    print("|---|---|---|---|---|---|---|")
    cases = [(name, solid, res) for res in (256, 384) for name, solid in SOLIDS.items()]
    cells = 2 * coarsest_step(256) / 255  # edge of a coarse cell
    cases += [
        (f"60 specks of {share:g} coarse cells across", specks(share * cells / 2), 256)
        for share in (1.0, 0.75, 0.5)
    ]
    meshed(SOLIDS["ball"], 32, None)  # the table is made once
    for name, solid, res in cases:
        fine, dense = meshed(solid, res, None), meshed(solid, res, 1)
        same = (
            "yes"
            if fine[0] == dense[0]
            else (
                f"{1 - len(fine[0] & dense[0]) / len(dense[0]):.0%} lost, {len(fine[0] - dense[0])}"
                " added"
            )
        )
        print(
            f"| {name} | {res}³ | {fine[1]:,} | {dense[1] / fine[1]:.1f} | {same} | {fine[2]:.2f} |"
            f" {dense[2]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
