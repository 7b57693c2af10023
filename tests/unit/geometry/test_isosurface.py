"""Our marching cubes gives PyMCubes' triangles, wherever they come from."""

from __future__ import annotations

from typing import Any

import mcubes
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pipeline.geometry.isosurface import marching_cubes

Array = NDArray[Any]


def triangles(vertices: Array, faces: Array) -> set[tuple[tuple[float, ...], ...]]:
    """Each triangle as its three places, the smallest first."""
    found = set()
    for places in np.round(vertices, 6)[faces].tolist():
        first = places.index(min(places))
        found.add(tuple(map(tuple, places[first:] + places[:first])))
    return found


def pymcubes(values: Array, level: float) -> tuple[Array, Array]:
    vertices, faces = mcubes.marching_cubes(
        np.ascontiguousarray(values.transpose(2, 0, 1)) - level, 0.0
    )
    return vertices[:, [1, 2, 0]], faces


def fields() -> dict[str, Array]:
    random = np.random.default_rng(0)
    return {
        "noise": random.standard_normal((15, 12, 13)).astype(
            np.float32
        ),  # every case of signs occurs
        "whole numbers, many of them at the level": random.integers(-2, 3, (11, 11, 11)).astype(
            np.float64
        ),
        "nothing": np.full((4, 5, 6), -1.0),
        "everything": np.full((4, 5, 6), 1.0),
    }


@pytest.mark.parametrize("name", fields())
@pytest.mark.parametrize("level", [0.0, 0.3])
def test_the_triangles_are_those_of_pymcubes_up_to_their_order(name: str, level: float) -> None:
    values = fields()[name]
    ours, theirs = marching_cubes(values, level), pymcubes(values, level)
    assert (ours[0].shape, ours[1].shape) == (theirs[0].shape, theirs[1].shape)
    assert triangles(*ours) == triangles(*theirs)
    assert (ours[0].dtype, ours[1].dtype) == (np.float64, np.int32)


def test_a_tensor_gives_what_its_array_gives() -> None:
    values = fields()["noise"]
    for ours, same in zip(
        marching_cubes(torch.from_numpy(values), 0.1), marching_cubes(values, 0.1), strict=True
    ):
        np.testing.assert_array_equal(ours, same)
