"""Coarse-to-fine sampling gives the dense grid's mesh with a fraction of the queries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pipeline.geometry.isosurface import marching_cubes
from pipeline.networks import lattice
from pipeline.networks.lattice import coarsest_step

Array = NDArray[Any]
Solid = Callable[[Array], Array]  # points (N,3) in [-1,1]³ → values, positive inside


def ball(centre: tuple[float, float, float], radius: float) -> Solid:
    return lambda p: radius - np.linalg.norm(p - np.asarray(centre), axis=1)


def box(half: tuple[float, float, float]) -> Solid:
    return lambda p: -(np.abs(p) - np.asarray(half)).max(axis=1)


def torus(p: Array) -> Array:
    return 0.2 - np.hypot(np.hypot(p[:, 0], p[:, 1]) - 0.6, p[:, 2])


def union(*solids: Solid) -> Solid:
    return lambda p: np.max([solid(p) for solid in solids], axis=0)


SOLIDS: dict[str, Solid] = {
    "ball": ball((0, 0, 0), 0.6),
    "torus": torus,
    "box": box((0.5, 0.25, 0.75)),
    "two balls": union(ball((0.5, 0.5, 0.5), 0.2), ball((-0.4, -0.4, -0.4), 0.3)),
    "ball that leaves the grid": ball((1, 0, 0), 0.5),
    "ball with a thin fin": union(ball((0, 0, 0), 0.3), box((0.8, 0.8, 0.005))),
}


def sample(
    field: Callable[[Array], Array], res: int, level: float, step: int | None = None
) -> Array:
    """lattice.sample of a field in numpy."""
    return lattice.sample(lambda i: torch.from_numpy(field(i.numpy())), res, level, step).numpy()


def meshed(solid: Solid, res: int, step: int | None) -> tuple[Array, Array, int]:
    """Vertices, faces and number of queries."""
    asked = 0

    def field(indices: Array) -> Array:
        nonlocal asked
        asked += len(indices)
        return solid(indices / (res - 1) * 2 - 1).astype(np.float32)

    return *marching_cubes(sample(field, res, 0.0, step), 0.0), asked


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("res", [49, 58])  # coarse cells that fit, and that do not
def test_the_mesh_is_the_dense_grids_mesh(name: str, res: int) -> None:
    dense, fine = meshed(SOLIDS[name], res, 1), meshed(SOLIDS[name], res, 4)
    assert len(dense[1]) > 0
    np.testing.assert_array_equal(fine[0], dense[0])
    np.testing.assert_array_equal(fine[1], dense[1])
    assert dense[2] == res**3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torus"])
def test_at_256_fewer_than_a_fifth_of_the_points_are_asked_for(name: str) -> None:
    _, faces, asked = meshed(SOLIDS[name], 256, None)
    assert len(faces) > 10_000
    assert asked * 5 < 256**3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "res"),
    # 193 is the smallest lattice with the step of 256; there stands what is hardest to find
    [(name, 256 if name == "ball with a thin fin" else 193) for name in SOLIDS],
)
def test_with_the_step_of_256_the_mesh_is_the_dense_grids_mesh(name: str, res: int) -> None:
    assert coarsest_step(res) == coarsest_step(256)
    dense, fine = meshed(SOLIDS[name], res, 1), meshed(SOLIDS[name], res, None)
    np.testing.assert_array_equal(fine[0], dense[0])
    np.testing.assert_array_equal(fine[1], dense[1])
    assert fine[2] * 5 < dense[2]


def test_no_point_is_asked_for_twice() -> None:
    seen: list[Array] = []

    def field(indices: Array) -> Array:
        seen.append(indices)
        return torus(indices / 96 * 2 - 1).astype(np.float32)

    sample(field, 97, 0.0, 4)
    asked = np.concatenate(seen)
    assert len(np.unique(asked, axis=0)) == len(asked)


@pytest.mark.slow
def test_of_parts_thinner_than_a_coarse_cell_only_whole_ones_between_lattice_points_are_lost() -> (
    None
):
    """Many specks with a radius of 1.2 grid cells, where a coarse cell has 4: what is lost are whole specks, and the share is stated."""
    generator = np.random.default_rng(5)
    tree = cKDTree(generator.uniform(-0.9, 0.9, (60, 3)))

    def specks(p: Array) -> Array:
        return 1.2 * 2 / 96 - tree.query(p)[0]

    def clipped(p: Array) -> Array:  # far from the specks the values say nothing of them
        return np.maximum(specks(p), -0.03)

    dense, fine = meshed(clipped, 97, 1), meshed(clipped, 97, 4)
    lost = 1 - len(fine[1]) / len(dense[1])
    assert 0 < lost < 0.9
    kept = {tuple(v) for v in np.round(dense[0], 6)}
    assert {tuple(v) for v in np.round(fine[0], 6)} <= kept
    assert (
        meshed(specks, 97, 4)[1].shape == dense[1].shape
    )  # where distances tell of them none is lost


def test_an_empty_field_and_a_full_one_give_no_surface() -> None:
    for value in (-1.0, 1.0):
        _, faces, asked = meshed(lambda p, value=value: np.full(len(p), value), 129, None)  # type: ignore[misc]
        assert len(faces) == 0
        assert asked == 65**3


@pytest.mark.parametrize(("res", "step"), [(24, 1), (96, 1), (97, 2), (129, 2), (256, 4), (385, 8)])
def test_small_grids_are_sampled_whole(res: int, step: int) -> None:
    assert coarsest_step(res) == step


def test_the_goldens_meshes_do_not_change(testdata: Path) -> None:
    """At the recorded resolutions the automatic step gives the recorded mesh."""
    recorded = np.load(testdata / "goldens" / "triposr" / "marching_cubes.npz")
    for res in (24, 33):
        density = recorded[f"density_{res}"]
        values = sample(lambda i, d=density: d[tuple(i.T)], res, 25.0)  # type: ignore[misc]
        np.testing.assert_array_equal(values, density)
        stepped = sample(lambda i, d=density: d[tuple(i.T)], res, 25.0, step=4)  # type: ignore[misc]
        np.testing.assert_array_equal(
            marching_cubes(stepped, 25.0)[1], marching_cubes(density, 25.0)[1]
        )
