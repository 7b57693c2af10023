"""Thin parts that photographs show and the model lacks are told; of a model that is right nothing is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ImageEnhance

from pipeline.artefacts import PosedPicture, PosedPictures
from pipeline.geometry import rigid
from pipeline.geometry.surface import Surface
from pipeline.stages.scan import _thin
from pipeline.workspace import Workspace
from tests.support import photographs
from tests.unit.photos.conftest import run_stages

Make = Callable[..., Workspace]
UP = np.array([0.0, 0.0, 1.0, 0.0])


def surface_of(scene: photographs.Scene) -> Surface:
    return Surface(np.asarray(scene.body.vertices), np.asarray(scene.body.triangles))


@pytest.fixture(scope="module")
def taken() -> list[tuple[Any, Any]]:
    """A body without a table, from half around: poses and photographs."""
    scene = photographs.Scene(table=False)
    poses = photographs.ring(16)[:8]
    return [(pose, scene.photo(pose, (320, 240))) for pose in poses]


def posed(taken: list[tuple[Any, Any]], ws: Workspace, darker: float = 1.0) -> PosedPictures:
    focal = 160 / np.tan(np.radians(photographs.FOV / 2))
    pictures = []
    for number, (pose, photo) in enumerate(taken):
        file = f"photos/straight/{number}.png"
        light = 1.0 if number % 2 else darker
        ImageEnhance.Brightness(photo).enhance(light).save(ws.path(file))
        pictures.append(
            PosedPicture(
                image=file, camera=(focal, focal, 160, 120), pose=rigid.to_matrix(pose), name=file
            )
        )
    return PosedPictures(pictures=tuple(pictures), sparse="x", about=(0, 0, 0, 1))


@pytest.mark.parametrize("darker", [1.0, 0.4])
def test_of_a_model_that_is_as_photographed_nothing_is_said(
    taken: list[tuple[Any, Any]], workspace: Make, darker: float
) -> None:
    """Though half of the photographs are darker."""
    ws, scene = workspace(kind="scan"), photographs.Scene()
    surface = surface_of(scene)
    _thin.say(surface, UP, surface.vertices[::3], posed(taken, ws, darker), ws)
    assert ws.warnings == []


def test_a_lump_that_no_two_photographs_show_alike_is_told(
    taken: list[tuple[Any, Any]], workspace: Make
) -> None:
    """With its place: it is the upper half."""
    ws, surface = workspace(kind="scan"), surface_of(photographs.Scene())
    vertices = surface.vertices.copy()
    upper = vertices[:, 2] > 0.11
    middle = np.array([0.0, 0.0, 0.2])
    vertices[upper] = middle + 1.25 * (vertices[upper] - middle)
    _thin.say(Surface(vertices, surface.faces), UP, vertices[:1], posed(taken, ws), ws)
    (said,) = ws.warnings
    low, high = (int(part.split()[-1]) for part in said.split("%")[1:3])
    assert "do not agree about" in said and low > 20 and high > 80


@pytest.mark.parametrize("around", [True, False])
def test_measured_pieces_that_are_not_in_the_model_are_told(
    taken: list[tuple[Any, Any]], workspace: Make, around: bool
) -> None:
    """Where they are, too; but not of a scene, which ends in loose pieces."""
    ws, surface = workspace(kind="scan"), surface_of(photographs.Scene())
    rod = np.array([-0.03, 0, 0.2]) + np.linspace(0.14, 0.2, 400)[:, None] * [0, 0, 1]
    points = np.concatenate([np.repeat(surface.vertices, 2, axis=0), rod])
    pictures = posed(taken, ws)
    if not around:
        pictures = pictures.model_copy(update={"about": None})
    _thin.say(surface, UP, points, pictures, ws)
    assert [
        text.partition(" is not in the model: loose pieces from 100%")[1] != ""
        for text in ws.warnings
    ] == ([True] if around else [])


@pytest.mark.slow
def test_rods_of_two_pixels_that_are_lost_are_told(tmp_path: Path) -> None:
    """The whole way: what is left of them hangs on nothing and is cleaned away."""
    scene = photographs.Scene(rods=40)
    poses = photographs.ring(20, 18)[:9] + photographs.ring(20, 42, start=9)[:8:2]
    photos = {f"{k:02}.jpg": scene.photo(pose, (400, 300)) for k, pose in enumerate(poses)}
    drop = photographs.drop(tmp_path / "drop", photos)
    job = run_stages(drop, tmp_path / "work", "scan.measure")
    (said,) = [text for text in job.ws.warnings if "loose pieces" in text]
    assert float(said.partition("%")[0]) > 2
