"""Unwrapping uses the square well; baking shows the colours that were there; seams do not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Mesh, PosedPicture, PosedPictures
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import edges, weld
from pipeline.stages.finish import texture
from pipeline.stages.finish._bake import bake
from pipeline.stages.finish._raster import places, rasterise
from pipeline.stages.finish._unwrap import Unwrapped, unwrap
from pipeline.stages.finish.sources import ColourSource, Field, FirstThatKnows, sampled
from pipeline.stages.finish.sources.painted import Painted
from pipeline.stages.finish.sources.pictures import Picture, Pictures
from pipeline.stages.finish.sources.points import Points
from pipeline.workspace import Workspace
from tests.unit.finish.shapes import ball, box, cloud_of, finished, pattern, samples, stored

Make = Callable[..., Workspace]


@pytest.fixture(scope="module")
def globe() -> Unwrapped:
    return unwrap(ball(5), 512)


@pytest.fixture(scope="module")
def large() -> Unwrapped:
    """The same ball for a texture of the largest usual size."""
    return unwrap(ball(5), 2048)


def psnr(image: Any, surface: Surface, edge: int) -> float:
    """Decibels between the texture and the pattern at the texels that faces cover."""
    texels = rasterise(surface, edge)
    points, _ = places(surface, texels)
    wrong = image.reshape(-1, 3)[texels.at] / 255 - pattern(points / surface.size)
    return float(-10 * np.log10(np.mean(wrong[texels.inside] ** 2)))


@pytest.mark.slow
def test_unwrapping_keeps_faces_and_uses_the_square(globe: Unwrapped, large: Unwrapped) -> None:
    """Faces keep their order and place; at least 60 % of a 2048² texture is covered, and no texel twice."""
    before = ball(5)
    surface = globe.surface
    assert np.allclose(surface.vertices[surface.faces], before.vertices[before.faces])
    assert surface.uv is not None
    assert surface.uv.min() >= 0
    assert surface.uv.max() <= 1
    assert large.use >= 0.60
    # if charts lay on top of each other the texels seen from above would be fewer than the charts' areas together
    assert rasterise(surface, 512).inside.sum() / 512**2 == pytest.approx(globe.use, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["points", "field", "painted"])
def test_every_source_shows_the_pattern(globe: Unwrapped, source: str) -> None:
    """Baked from 100 k points, from a function of place, from finely painted vertices: all come close to the known pattern."""
    fine = ball(6)
    colors = (pattern(fine.vertices / fine.size) * 255 + 0.5).astype(np.uint8)
    made: dict[str, ColourSource] = {
        "points": Points(*samples(ball(5), 100_000)),
        "field": Field(lambda points: pattern(points / globe.surface.size)),
        "painted": Painted(replace(fine, colors=colors), None),
    }
    least = {"points": 38, "field": 50, "painted": 38}
    assert psnr(bake(globe.surface, made[source], 512), globe.surface, 512) >= least[source]


@pytest.mark.slow
def test_seams_do_not_show(globe: Unwrapped) -> None:
    """Read with bilinear filtering just left and right of every seam, the colour jumps no more than it does inside the charts."""
    image = bake(globe.surface, Points(*samples(ball(5), 200_000)), 512)
    surface = globe.surface
    assert surface.uv is not None
    here, there = _edge_uv(surface, seams=True)
    jump = np.abs(_read(image, here) - _read(image, there)).max(axis=1)
    one, other = _edge_uv(surface, seams=False)
    step = np.abs(_read(image, one) - _read(image, other + np.float32(1 / 512))).max(axis=1)
    assert len(jump) > 300
    assert np.percentile(jump, 99) <= max(np.percentile(step, 99), 2 / 255)
    assert jump.max() < 0.05


def _edge_uv(surface: Surface, seams: bool) -> tuple[Any, Any]:
    """uv of edge midpoints as seen from either face; only SEAMS, or only edges inside charts."""
    assert surface.uv is not None
    faces = weld(surface.vertices, 1e-9)[surface.faces]
    table = edges(faces)
    order = table.order[table.uses[table.order] == 2]
    corner = surface.faces.ravel()
    ahead = surface.faces[:, [1, 2, 0]].ravel()
    middle = (surface.uv[corner] + surface.uv[ahead]) / 2
    left, right = order[0::2], order[1::2]
    apart = np.linalg.norm(middle[left] - middle[right], axis=1) > 1e-4
    chosen = apart if seams else ~apart
    return middle[left][chosen], middle[right][chosen]


def _read(image: Any, uv: Any) -> Any:
    return sampled(image[::-1], uv * image.shape[0] - 0.5)


def test_points_behind_a_thin_wall_do_not_shine_through() -> None:
    """A sheet that is red in front and blue behind keeps both sides apart."""
    grid = np.stack(
        np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 40), [0.0, 0.001]), axis=-1
    ).reshape(-1, 3)
    front = grid[:, 2] > 0
    colors = np.where(front[:, None], [255, 0, 0], [0, 0, 255]).astype(np.uint8)
    normals = np.where(front[:, None], [0, 0, 1.0], [0, 0, -1.0])
    source = Points(grid, colors, normals)
    seen = source.colors_at(
        np.array([[0.5, 0.5, 0.0005]] * 2), np.array([[0, 0, 1.0], [0, 0, -1.0]])
    )
    assert seen.round(2).tolist() == [[1, 0, 0], [0, 0, 1]]


def test_pictures_colour_what_they_see_and_nothing_else() -> None:
    """A camera in front sees the front of the ball, not its back, and a box in between hides what lies behind it."""
    surface = ball(4)
    pose = np.array(
        [[1.0, 0, 0, 0], [0, -1, 0, 0], [0, 0, -1, 5], [0, 0, 0, 1]]
    )  # at z = +5, looking down -z
    image = np.zeros((200, 200, 3), np.uint8)
    image[:, :100] = [255, 0, 0]
    image[:, 100:] = [0, 255, 0]
    source = Pictures([Picture(image, (300.0, 300.0, 100.0, 100.0), pose)], surface)
    points = np.array([[-0.5, 0, 0.866], [0.5, 0, 0.866], [0, 0, -1.0]])
    seen = source.colors_at(points, points)
    assert seen[:2].tolist() == [[1, 0, 0], [0, 1, 0]]
    assert np.isnan(seen[2]).all()
    complete = FirstThatKnows([source, Field(lambda asked: np.full((len(asked), 3), 0.25))])
    assert complete.colors_at(points, points)[2].tolist() == [0.25, 0.25, 0.25]


@pytest.mark.slow
def test_the_stage_bakes_a_scan_cloud(workspace: Make) -> None:
    """A mesh and a coloured cloud become a mesh with uv, a texture of the asked size and coloured vertices."""
    ws = workspace(kind="scan", texture_size=256)
    mesh = finished(ws, stored(ws, ball(4)), cloud_of(ws, ball(4)), until="finish.texture")[-1]
    assert isinstance(mesh, Mesh)
    assert mesh.image is not None
    surface = surfaces.load(ws, mesh)
    with Image.open(ws.path(mesh.image)) as image:
        assert image.size == (256, 256)
        assert psnr(np.asarray(image), surface, 256) > 30
    assert surface.colors is not None
    assert np.abs(surface.colors / 255 - pattern(surface.vertices / surface.size)).mean() < 0.02


def test_without_any_colour_the_mesh_passes_unchanged(workspace: Make) -> None:
    """No colours, no invented ones; texture=false is obeyed as well."""
    ws = workspace("plain")
    mesh = stored(ws, ball())
    assert texture.run(mesh, None, None, None, None, ws) == mesh
    ws = workspace("off", kind="scan", texture=False)
    mesh = stored(ws, ball())
    assert texture.run(mesh, cloud_of(ws, ball()), None, None, None, ws) == mesh


@pytest.mark.slow
def test_posed_pictures_go_before_points(workspace: Make) -> None:
    """Where a picture sees the surface it is used; elsewhere the points are."""
    ws = workspace(kind="scan", texture_size=256)
    surface = ball(4)
    ws.path("front.png")
    Image.new("RGB", (200, 200), (255, 255, 255)).save(ws.path("front.png"))
    pose = ((1.0, 0, 0, 0), (0, -1.0, 0, 0), (0, 0, -1.0, 5.0), (0, 0, 0, 1.0))
    shots = PosedPictures(
        pictures=(PosedPicture(image="front.png", camera=(300, 300, 100, 100), pose=pose),)
    )
    mesh = texture.run(stored(ws, surface), cloud_of(ws, surface), None, None, shots, ws)
    done = surfaces.load(ws, mesh)
    assert done.colors is not None
    front, back = done.vertices[:, 2] > 0.5, done.vertices[:, 2] < -0.5
    assert done.colors[front].min() == 255
    assert (
        np.abs(done.colors[back] / 255 - pattern(done.vertices[back] / surface.size)).mean() < 0.05
    )


def test_beyond_the_limit_vertices_carry_the_colours(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mesh too fine to unwrap keeps its vertices and gets its colours there."""
    monkeypatch.setattr(texture, "UNWRAPPED", 1000)
    ws = workspace(kind="scan")
    mesh = texture.run(stored(ws, ball(4)), cloud_of(ws, ball(4)), None, None, None, ws)
    assert mesh.image is None
    assert surfaces.load(ws, mesh).colors is not None


def test_a_box_of_twelve_faces_can_be_unwrapped() -> None:
    """The smallest models go the same way."""
    done = unwrap(box(), 128)
    assert len(done.surface.faces) == 12
    assert done.use > 0.3


@pytest.mark.slow(20)
def test_two_million_samples_give_38_decibels_at_2048(large: Unwrapped) -> None:
    """The goal for scans: a known pattern, 2 M coloured points, a 2048² texture on 20 k faces, 60 % of it used."""
    assert large.use >= 0.60
    image = bake(large.surface, Points(*samples(large.surface, 2_000_000)), 2048)
    assert psnr(image, large.surface, 2048) >= 38
