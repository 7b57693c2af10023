"""The unit of a mesh and its axes: by the format, by what was asked, else guessed and said."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from pipeline.geometry import surface as surfaces
from tests.unit.mesh.boxes import Make, exported, read


@pytest.mark.parametrize(
    ("kind", "metres", "turned"),
    [
        ("stl", (0.001, 0.003, 0.002), True),
        ("3mf", (0.001, 0.003, 0.002), True),
        ("glb", (1, 2, 3), False),
    ],
)
def test_unit_and_axes_follow_the_format(
    workspace: Make, kind: str, metres: tuple[float, ...], turned: bool
) -> None:
    """STL and 3MF are millimetres with Z up, GLB metres with Y up; frame leads to metres with Y up."""
    ws = workspace()
    mesh = read(ws, {f"box.{kind}": exported(kind)})
    placed = surfaces.load(ws, mesh).transformed(np.array(mesh.frame))
    assert np.ptp(placed.vertices, axis=0).tolist() == pytest.approx(metres)


@pytest.mark.parametrize(
    ("up", "front", "metres"),
    [
        ("z", "auto", (1, 3, 2)),
        ("-y", "auto", (1, 2, 3)),
        ("x", "z", (2, 1, 3)),
        ("-x", "-y", (3, 1, 2)),
        ("auto", "x", (3, 2, 1)),
    ],
)
def test_a_model_is_turned_to_the_axes_that_are_named_and_stands_on_the_ground(
    workspace: Make, up: str, front: str, metres: tuple[float, ...]
) -> None:
    """Width, height and depth of the box come to be what those axes say; nothing is mirrored."""
    ws = workspace(up=up, front=front, stand=True)
    mesh = read(ws, {"box.glb": exported("glb")})
    frame = np.array(mesh.frame)
    low, high = (
        function(surfaces.load(ws, mesh).transformed(frame).vertices, axis=0)
        for function in (np.min, np.max)
    )
    assert high - low == pytest.approx(metres)
    assert (low + high)[[0, 2]] == pytest.approx(0, abs=1e-9)
    assert low[1] == pytest.approx(0, abs=1e-9)
    assert np.linalg.det(frame[:3, :3]) == pytest.approx(1)


def test_an_asked_unit_wins_and_a_guess_is_said(workspace: Make) -> None:
    """OBJ names no unit: it is guessed from the size with a warning, unless the person said it."""
    guessed = workspace("guess")
    assert read(guessed, {"box.obj": exported("obj")}).unit == "m"
    assert "names no unit" in guessed.warnings[0]
    told = workspace("told", unit="cm")
    assert read(told, {"box.obj": exported("obj")}).unit == "cm"
    assert told.warnings == []


def test_a_mesh_far_from_zero_is_moved_and_keeps_its_shape(workspace: Make) -> None:
    """Viewers count in float32: at three million millimetres a 10 mm ball would be blurred. OBJ and PLY get the place back."""
    ball = trimesh.creation.icosphere(3, 5.0)
    ball.apply_translation([3_400_000, 5_800_000, 0])
    ws = workspace()
    mesh = read(ws, {"far.obj": ball.export(file_type="obj", digits=9).encode()})
    assert mesh.origin == (3_400_000, 5_800_000, 0)
    radius = np.linalg.norm(surfaces.load(ws, mesh).vertices.astype(np.float32), axis=1)
    assert radius == pytest.approx(5.0, abs=1e-3)
    assert any("far.obj lies far from zero" in warning for warning in ws.warnings)
    assert read(workspace("near"), {"box.obj": exported("obj")}).origin == (0, 0, 0)
