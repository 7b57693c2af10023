"""Sides that are drawn after a shape lie where their cameras were; what does not show the shape is not used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import weights
from pipeline.backends import sides
from pipeline.geometry import surface as surfaces
from pipeline.stages.finish import texture
from pipeline.stages.finish._raster import places, rasterise
from pipeline.stages.mesh import draw_sides, pose_view
from pipeline.stages.mesh._side import cut_out, side
from pipeline.workspace import Workspace
from tests.support import textured
from tests.unit.mesh.test_pose_view import made_of

Make = Callable[..., Workspace]
EDGE = 256
Drawn = Callable[..., Any]


def truth(surface: Any, azimuth: float, elevation: float) -> Any:
    """What a painter who knows the body would draw into the side's own camera, on plain grey."""
    looks = side(surface, azimuth, elevation, EDGE)
    fx, fy, cx, cy = looks.camera
    rows, columns = np.nonzero(looks.inside)
    ahead = np.stack([(columns + 0.5 - cx) / fx, (rows + 0.5 - cy) / fy, np.ones(len(rows))], 1)
    turn, eye = looks.pose[:3, :3], -looks.pose[:3, :3].T @ looks.pose[:3, 3]
    import open3d as o3d

    from pipeline.geometry.raycasting import scene_of

    rays = np.concatenate([np.broadcast_to(eye, ahead.shape), ahead @ turn], 1).astype(np.float32)
    far = (
        scene_of(surface.vertices, surface.faces).cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
    )
    rgb = np.full((EDGE, EDGE, 3), 225, np.uint8)
    rgb[rows, columns] = 255 * textured.paint(eye + far[:, None] * (ahead @ turn)) + 0.5
    return rgb


@pytest.fixture
def klein(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A host that draws with klein, its weights aside; (side, references) of what was drawn."""
    asked: list[tuple[str, int]] = []
    monkeypatch.setenv("FLUX_MODEL", "flux2-klein")
    monkeypatch.setattr(sides, "EDGE", EDGE)
    monkeypatch.setattr(sides, "lacks", lambda *_: None)
    monkeypatch.setattr(draw_sides, "fingerprint", lambda models, name: f"hash of {name}")

    def draw(models: Path, words: str, references: Any, seed: int, tell: Any) -> Any:
        asked.append((words, len(references)))
        tell(1.0)
        turn = next(turn for turn, said in draw_sides.TURNS.items() if said == words)
        return truth(textured.body("arrow"), 140.0 + turn, 25.0)

    monkeypatch.setattr(sides, "drawn", draw)
    return asked


@pytest.mark.slow
def test_drawn_sides_colour_what_the_picture_does_not_show_and_are_marked(
    workspace: Make, klein: list[tuple[str, int]]
) -> None:
    ws = workspace(kind="images", texture_size=256)
    surface = textured.body("arrow")
    mesh, views = made_of(ws, surface, textured.photo(surface, 140.0, 25.0, 35.0))
    assert draw_sides.weights(mesh, views, ws) == {name: f"hash of {name}" for name in sides.NAMES}
    drawn = draw_sides.run(mesh, views, ws)
    assert klein == [("left side view", 2), ("right side view", 3), ("back view", 3)]
    assert [round(view.azimuth / 5) * 5 for view in drawn.drawn] == [230, 50, 320]
    assert (drawn.reconstruction or {})["models"][
        "flux2-klein-depth"
    ] == "hash of flux2-klein-depth"
    posed = pose_view.run(mesh, views, ws)
    bare = texture.run(mesh, None, None, None, None, ws, posed)
    told = (bare.reconstruction or {})["picture"]
    made = texture.run(drawn, None, None, None, None, ws, posed)
    better = (made.reconstruction or {})["picture"]
    assert better["seen"] == told["seen"] and better["drawn"] > 0.2
    assert better["guessed"] < told["guessed"] / 2
    assert any("was drawn after shape and picture, a guess" in text for text in ws.warnings)
    texels = rasterise(surfaces.load(ws, made), 256)
    points, _ = places(surfaces.load(ws, made), texels)
    with Image.open(ws.path(str(made.image))) as image, Image.open(ws.path(str(made.guessed))) as marks:  # fmt: skip
        level = np.asarray(marks).ravel()[texels.at]
        off = np.asarray(image).reshape(-1, 3)[texels.at] / 255 - textured.paint(points)
    assert -10 * np.log10(np.mean(off[(level == 191) & texels.inside] ** 2)) > 28


@pytest.mark.slow
def test_what_does_not_show_the_shape_is_left_out_and_why_is_said(
    workspace: Make, klein: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of the depth, another object, a background with things in it."""
    surface = textured.body("arrow")
    photo = textured.photo(surface, 140.0, 25.0, 35.0)
    looks = side(surface, 50.0, 25.0, EDGE)
    right = truth(surface, 50.0, 25.0)
    assert cut_out(right, looks, photo.rgba)[0] is not None
    depth = np.where(looks.inside, looks.depth, 225).astype(np.uint8).repeat(3).reshape(right.shape)
    noise = np.random.default_rng(0).integers(0, 255, right.shape, np.uint8)
    wrong = {
        "depth and not the object": depth,
        "fits the shape to": truth(textured.body("organic"), 50.0, 25.0),
        "background is not even": noise,
    }
    for words, rgb in wrong.items():
        made, why = cut_out(rgb, looks, photo.rgba)
        assert made is None and words in why
    grey = photo.rgba.copy()
    grey[..., :3] = 128
    assert cut_out(depth, looks, grey)[0] is None, "the object may be grey itself"
    ws = workspace(kind="images", texture_size=512)
    monkeypatch.setattr(sides, "drawn", lambda *_: noise)
    drawn = draw_sides.run(*made_of(ws, surface, photo), ws)
    assert drawn.sides == ()
    assert sum("that was drawn is not used" in text for text in ws.warnings) == 3


def test_where_nobody_draws_with_klein_or_it_lacks_something_the_mesh_passes(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface = textured.body("arrow")
    photo = textured.photo(surface, 0.0, 0.0, 30.0, 64)
    monkeypatch.delenv("FLUX_MODEL", raising=False)
    ws = workspace("none", kind="images", texture_size=64)
    mesh, views = made_of(ws, surface, photo)
    assert draw_sides.run(mesh, views, ws) is mesh and not ws.warnings
    assert draw_sides.weights(mesh, views, ws) == {}
    monkeypatch.setenv("FLUX_MODEL", "flux2-klein")
    assert draw_sides.run(mesh, views, ws) is mesh
    assert ws.warnings == ["Its other sides were not drawn: model flux2-klein-base is not in the models folder."]  # fmt: skip
    assert weights.problem(ws.models, "flux2-klein-base")
    ws = workspace("plain", kind="images", texture=False)
    assert draw_sides.run(*made_of(ws, surface, photo), ws).sides == () and not ws.warnings


@pytest.mark.parametrize("asked", [True, False])
def test_a_job_may_ask_for_them_or_forbid_them_whatever_the_host_usually_does(
    workspace: Make, monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    """Asked for where they cannot be drawn, it is said."""
    surface = textured.body("arrow")
    photo = textured.photo(surface, 0.0, 0.0, 30.0, 64)
    monkeypatch.setenv("FLUX_MODEL", "schnell" if asked else "flux2-klein")
    ws = workspace(kind="images", texture_size=64, draw_sides=asked)
    mesh, views = made_of(ws, surface, photo)
    assert draw_sides.run(mesh, views, ws) is mesh
    assert any("sides were not drawn" in text for text in ws.warnings) == asked
    monkeypatch.setattr(sides, "lacks", lambda *_: None)
    monkeypatch.setattr(draw_sides, "fingerprint", lambda models, name: f"hash of {name}")
    assert bool(draw_sides.weights(mesh, views, ws)) == asked
