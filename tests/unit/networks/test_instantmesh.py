"""InstantMesh's cameras, FlexiCubes table and surface extraction."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.networks.instantmesh import InstantMesh, InstantMeshConfig, flexicubes_tables
from pipeline.networks.instantmesh.cameras import AZIMUTHS, cameras, cameras_at
from pipeline.networks.instantmesh.surface import mesh_surface
from pipeline.networks.vit import ViTConfig

TINY = InstantMeshConfig(
    vit=ViTConfig(hidden=24, layers=1, heads=2, mlp=48, patch=8, native=32),
    image=32,
    width=32,
    layers=1,
    heads=2,
    low=4,
    features=4,
)


class Analytic(InstantMesh):
    """A ball of radius 0.6 in the decoder's place, and a count of what was asked."""

    def __init__(self) -> None:
        super().__init__(TINY)
        self.points = self.cubes = 0

    def sdf(self, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
        self.points += points.shape[1]
        return points.norm(dim=-1) - 0.6

    def weight(self, planes: Tensor, corners: Tensor, chunk: int = 0) -> Tensor:
        self.cubes += corners.shape[1]
        return torch.zeros(1, corners.shape[1], 21)

    def deformation(self, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
        return torch.zeros(1, points.shape[1], 3)


def test_the_table_has_at_most_four_patches_and_seven_edges_and_36_checkable_cases() -> None:
    tables = flexicubes_tables.tables()
    counts = tables.patch.max(axis=1) + 1
    assert set(counts) == {0, 1, 2, 3, 4}
    assert max(np.bincount(row[row >= 0]).max() for row in tables.patch if (row >= 0).any()) == 7
    assert (tables.ambiguous >= 0).sum() == 36
    checkable = np.flatnonzero(tables.ambiguous >= 0)
    assert {int(case).bit_count() for case in checkable} == {5, 6}


def test_every_crossed_edge_belongs_to_exactly_one_patch() -> None:
    for case in range(256):
        inside = [bool(case >> corner & 1) for corner in range(8)]
        crossed = [inside[a] != inside[b] for a, b in flexicubes_tables.EDGES]
        np.testing.assert_array_equal(flexicubes_tables.tables().patch[case] >= 0, crossed)


@pytest.mark.slow
def test_the_surface_of_a_ball_is_closed_faces_outwards_and_lies_on_the_ball() -> None:
    import trimesh

    model = Analytic()
    vertices, faces = mesh_surface(model, torch.zeros(1, 3, 4, 8, 8), grid=100)
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.01)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.6).max() < 0.01


@pytest.mark.slow
def test_weights_are_asked_for_surface_cubes_only() -> None:
    model = Analytic()
    mesh_surface(model, torch.zeros(1, 3, 4, 8, 8), grid=128)
    assert 0 < model.cubes < 0.02 * 128**3
    assert model.points * 5 < 129**3


def test_a_field_on_one_side_gives_an_empty_mesh() -> None:
    class Outside(Analytic):
        def sdf(self, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
            return torch.ones(points.shape[:2])

    vertices, faces = mesh_surface(Outside(), torch.zeros(1, 3, 4, 8, 8), grid=16)
    assert (vertices.shape, faces.shape) == ((0, 3), (0, 3))


@pytest.mark.slow
def test_cameras_stand_around_the_object_and_look_at_it() -> None:
    rows = cameras()[:, :12].reshape(6, 3, 4).double()
    for azimuth, pose in zip(AZIMUTHS, rows, strict=True):
        rotation, position = pose[:, :3], pose[:, 3]
        torch.testing.assert_close(
            rotation @ rotation.T, torch.eye(3, dtype=torch.float64), atol=1e-6, rtol=0
        )
        torch.testing.assert_close(rotation[:, 2] * 4, position, atol=1e-6, rtol=0)
        assert torch.atan2(position[1], position[0]).rad2deg() % 360 == pytest.approx(
            azimuth, abs=1e-4
        )
    torch.testing.assert_close(cameras(4), cameras()[[0, 2, 4, 5]])


def test_a_camera_of_azimuth_zero_stands_on_the_x_axis() -> None:
    pose = cameras_at([0.0], [0.0])[0, :12].reshape(3, 4)
    torch.testing.assert_close(pose[:, 3], torch.tensor([4.0, 0.0, 0.0]))
    torch.testing.assert_close(pose[:, 1], torch.tensor([0.0, 0.0, 1.0]))


def test_chunks_do_not_change_the_values() -> None:
    torch.manual_seed(0)
    model = InstantMesh(TINY).requires_grad_(False)
    planes = torch.randn(2, 3, 4, 8, 8)
    points = torch.rand(2, 100, 3) * 2 - 1
    for function in (model.sdf, model.deformation, model.color):
        torch.testing.assert_close(function(planes, points, 7), function(planes, points, 0))


LARGE = """
import torch
from pipeline.networks.instantmesh import InstantMesh
from pipeline.networks.instantmesh.surface import mesh_surface
torch.set_num_threads(2)
torch.manual_seed(0)
with torch.inference_mode():
    model = InstantMesh()
    model.sdf = lambda planes, points, chunk: points.norm(dim=-1) - 0.9
    vertices, faces = mesh_surface(model, torch.randn(1, 3, 80, 64, 64), 128)
print(len(faces))
"""


@pytest.mark.slow
def test_extraction_at_the_large_grid_stays_under_eight_gigabytes(root: Path) -> None:
    """The published size with its true weight and deformation networks; upstream needs 16 GB for the weights' input alone."""
    done = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=root, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 50_000
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 8 * 2**20  # KiB
