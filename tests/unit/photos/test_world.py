"""The frame of photographs: up is what the cameras were level by, however far they were tipped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipeline.stages.photos._world import Shot, framed
from tests.support.photographs import Array, look, ring

TILT = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]])  # of the world that mapping chose


def shots(poses: list[Array], ups: list[tuple[int, int]] | None = None) -> list[Any]:
    """Shots from POSES, of photographs whose up in the picture is that of UPS."""
    return [
        Shot(
            SimpleNamespace(name=str(k), up=up),  # type: ignore[arg-type]
            (300.0, 160.0, 120.0, 0.0),
            pose[:3, :3] @ TILT.T,
            pose[:3, 3],
            np.arange(3, dtype=np.int32),
        )
        for k, (pose, up) in enumerate(zip(poses, ups or [(0, -1)] * len(poses), strict=True))
    ]


def lean(seen: list[Any], poses: list[Array]) -> float:
    """Degrees between the frame's z and the true one."""
    moved, _, _ = framed(seen, np.eye(3) * 0.01)
    turn = moved[0].rotation.T @ poses[0][:3, :3]
    return float(np.degrees(np.arccos(np.clip(turn[2, 2], -1, 1))))


@pytest.mark.parametrize("height", [-20.0, 0.0, 35.0, 60.0])
def test_up_does_not_lean_with_the_cameras(height: float) -> None:
    """Photographs along a facade, tipped up to its roof, or down at a thing from one side, made a model that leans as far; each camera
    may be a degree out of level."""
    rng = np.random.default_rng(1)
    poses = [
        look(np.linalg.inv(pose)[:3, 3], np.array([0, 0, 0.1]), roll)
        for pose, roll in zip(ring(16, height)[:6], rng.normal(0, 1, 6), strict=True)
    ]
    assert lean(shots(poses), poses) < 2.5


def test_photographs_held_upright_and_across_agree() -> None:
    """By what EXIF says of each."""
    poses = [
        look(np.linalg.inv(p)[:3, 3], np.array([0, 0, 0.1]), 90.0 * (k % 2))
        for k, p in enumerate(ring(16, 30)[:6])
    ]
    ups = [(0, -1) if k % 2 == 0 else _up_of(pose) for k, pose in enumerate(poses)]
    assert lean(shots(poses, ups), poses) < 0.5


def _up_of(pose: Array) -> tuple[int, int]:
    x, y, _ = np.round(pose[:3, :3] @ np.array([0, 0, 1.0])).astype(int)
    return int(x), int(y)


def test_where_edges_tell_nothing_the_pictures_own_up_counts() -> None:
    """All cameras side by side, or turned at will."""
    beside = [look(np.array([x, -1.0, 0.1]), np.array([x, 0, 0.1])) for x in (-0.2, 0, 0.2)]
    assert lean(shots(beside), beside) < 0.5
    turned = [
        look(np.linalg.inv(p)[:3, 3], np.array([0, 0, 0.1]), roll)
        for p, roll in zip(ring(6, 0), (60, -60, 40, -40, 50, -50), strict=True)
    ]
    assert lean(shots(turned), turned) < 20


@pytest.mark.parametrize(("count", "towards"), [(5, 2), (16, 0)])
def test_the_front_is_where_they_were_taken_from(count: int, towards: int) -> None:
    """The middle of the side that five neighbours were taken from, or the place of the first of sixteen all around: that is what a preview
    shows. A facade was shown from the side, or from behind."""
    moved, _, _ = framed(shots(ring(16, 20)[:count]), np.eye(3) * 0.01)
    x, y, _ = moved[towards].centre
    assert y < 0 and abs(x) < 0.05 * abs(y)
