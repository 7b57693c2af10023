"""Where the one picture was taken from is found by its outline; what it shows is painted with it, and what it does not is marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Mesh, PosedView, View, Views
from pipeline.backends import Picture, silhouettes
from pipeline.backends.painting import GUESS
from pipeline.backends.silhouettes import axes_of
from pipeline.geometry import surface as surfaces
from pipeline.geometry.raycasting import sized
from pipeline.geometry.surface import Surface
from pipeline.stages.finish import texture
from pipeline.stages.finish._raster import places, rasterise
from pipeline.stages.mesh import pose_view
from pipeline.workspace import Workspace
from tests.support import textured

Make = Callable[..., Workspace]
EDGE = 512


def made_of(
    ws: Workspace, surface: Surface, photo: textured.Photo, **facts: Any
) -> tuple[Mesh, Views]:
    """A mesh as TripoSG leaves it, and the picture that it was made of, from a side that nobody told."""
    ws.path("views/000.png").parent.mkdir(exist_ok=True)
    Image.fromarray(photo.rgba).save(ws.path("views/000.png"))
    grey = np.full(surface.vertices.shape, 128, np.uint8)
    told = {"backend": "triposg", "views": ["000"], "models": {}, "colours": GUESS} | facts
    told = {key: value for key, value in told.items() if value is not None}
    mesh = surfaces.store(
        ws, "mesh/made.npz", Surface(surface.vertices, surface.faces, colors=grey),
        {"watertight": True, "manifold": True, "reconstruction": told},
    )  # fmt: skip
    return mesh, Views(views=(View(image="views/000.png", azimuth=0.0, source="a.png"),), cut=True)


def off(posed: PosedView, photo: textured.Photo) -> float:
    """Degrees between the line of sight that was found and the true one."""
    found, true = (axes_of(one.azimuth, one.elevation)[2] for one in (posed, photo))
    return float(np.degrees(np.arccos(np.clip(found @ true, -1, 1))))


def judged(ws: Workspace, mesh: Mesh, photo: textured.Photo) -> tuple[float, float, float]:
    """Decibels of what the picture shows, the share of the area that is marked wrongly, and the share that it shows."""
    surface = surfaces.load(ws, mesh)
    texels = rasterise(surface, EDGE)
    points, normals = places(surface, texels)
    shown = textured.shown(surface, photo.eye, points, normals, 0.1)
    with Image.open(ws.path(str(mesh.image))) as image:
        wrong = np.asarray(image).reshape(-1, 3)[texels.at] / 255 - textured.paint(points)
    with Image.open(ws.path(str(mesh.guessed))) as image:
        marked = np.asarray(image).ravel()[texels.at] == 0
    corners = surface.vertices[surface.faces]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    weight = (area / np.maximum(np.bincount(texels.face[texels.inside], minlength=len(area)), 1))[
        texels.face
    ] * texels.inside
    both = shown & marked & texels.inside
    decibels = -10 * np.log10(np.mean(wrong[both] ** 2))
    return (
        float(decibels),
        float(weight @ (shown != marked) / weight.sum()),
        float(weight @ shown / weight.sum()),
    )


def run(
    ws: Workspace, surface: Surface, photo: textured.Photo, **facts: Any
) -> tuple[PosedView, Mesh]:
    mesh, views = made_of(ws, surface, photo, **facts)
    posed = pose_view.run(mesh, views, ws)
    return posed, texture.run(mesh, None, None, None, None, ws, posed)


@pytest.mark.slow(7)
@pytest.mark.parametrize(("name", "azimuth", "elevation", "fov"), [("arrow", 140.0, 25.0, 35.0), ("organic", 20.0, -10.0, 20.0)])  # fmt: skip
def test_a_picture_from_anywhere_lies_where_it_was_taken_and_the_rest_is_marked(
    workspace: Make, name: str, azimuth: float, elevation: float, fov: float
) -> None:
    ws = workspace(kind="images", texture_size=EDGE)
    surface = textured.body(name)
    photo = textured.photo(surface, azimuth, elevation, fov)
    posed, mesh = run(ws, surface, photo)
    assert off(posed, photo) < 5
    decibels, wrong, seen = judged(ws, mesh, photo)
    assert decibels > 30
    assert wrong < 0.02
    told = (mesh.reconstruction or {})["picture"]
    assert told["seen"] == pytest.approx(seen, abs=0.02)
    assert told["seen"] + told["mirrored"] + told["guessed"] == pytest.approx(1, abs=1e-3)
    assert any(f"{int(100 * told['seen'])}% of the surface seen in the picture" in text for text in ws.warnings)  # fmt: skip


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_eight_bodies_from_random_views(workspace: Make) -> None:
    rng, near = np.random.default_rng(19), []
    for name in textured.NAMES:
        surface = textured.body(name)
        for k in range(2):
            ws = workspace(f"{name} {k}", kind="images", texture_size=EDGE)
            photo = textured.photo(surface, rng.uniform(0, 360), rng.uniform(-15, 50), rng.uniform(15, 45))  # fmt: skip
            posed, mesh = run(ws, surface, photo)
            near.append(posed.picture is not None and off(posed, photo) < 5)
            found = judged(ws, mesh, photo) if near[-1] else None
            print(name, round(photo.azimuth), round(photo.elevation), round(off(posed, photo), 2), found)  # fmt: skip
            if found is not None:
                assert found[0] > 30, name
                assert found[1] < 0.02, name
    assert np.mean(near) >= 0.9


@pytest.mark.slow(7)
def test_a_symmetric_body_has_its_mirror_image_and_says_so(workspace: Make) -> None:
    """Seen from its left, the arrow-less animal's right has the mirror image of it."""
    ws = workspace(kind="images", texture_size=EDGE)
    surface = textured.body("animal")
    posed, mesh = run(ws, surface, textured.photo(surface, 60.0, 10.0, 30.0))
    assert any(abs(normal[0]) > 0.99 for _, normal in posed.planes)
    told = (mesh.reconstruction or {})["picture"]
    assert told["mirrored"] > 0.15
    assert any("mirror image, as the shape is symmetric" in text for text in ws.warnings)
    with Image.open(ws.path(str(mesh.guessed))) as image:
        assert {0, 128, 255} <= set(np.unique(np.asarray(image)))


@pytest.mark.slow(7)
def test_a_body_of_revolution_has_behind_what_it_shows_before_but_a_handle_has_no_image(
    workspace: Make,
) -> None:
    """Any plane through its axis mirrors a vase: the one across the line of sight is taken."""
    ws = workspace(kind="images", texture_size=EDGE)
    surface = textured.body("mug")
    posed, mesh = run(ws, surface, textured.photo(surface, 30.0, 30.0, 30.0))
    assert (mesh.reconstruction or {})["picture"]["mirrored"] > 0.25
    beside, wrong = mirrored(ws, mesh, posed)
    assert beside < 0.03
    assert wrong < 0.1


def mirrored(ws: Workspace, mesh: Mesh, posed: PosedView) -> tuple[float, float]:
    """Of the places that are marked to have a mirror image, the farthest of these from the surface,
    in sizes, and the mean difference of colour."""
    surface = surfaces.load(ws, mesh)
    texels = rasterise(surface, EDGE)
    points, _ = places(surface, texels)
    with (
        Image.open(ws.path(str(mesh.image))) as image,
        Image.open(ws.path(str(mesh.guessed))) as marks,
    ):
        at = (np.asarray(marks).ravel()[texels.at] == 128) & texels.inside
        colors = np.asarray(image).reshape(-1, 3)[texels.at][at] / 255
    flat, beside, wrong = sized(surface), [], []
    for origin, normal in np.array(posed.planes):
        behind = points[at] - 2 * np.outer((points[at] - origin) @ normal, normal)
        beside.append(flat.scene.compute_distance(flat.placed(behind)).numpy())
        wrong.append(np.abs(textured.paint(behind) - colors).max(1))
    return float(np.min(beside, 0).max()), float(np.min(wrong, 0).mean())


@pytest.mark.slow(7)
def test_a_picture_of_something_else_is_not_laid_on_it_and_that_is_said(workspace: Make) -> None:
    ws = workspace(kind="images", texture_size=EDGE)
    photo = textured.photo(textured.body("chair"), 20.0, 10.0, 30.0)
    posed, mesh = run(ws, textured.body("organic"), photo)
    assert posed.picture is None and posed.agrees is not None and posed.agrees < 0.9
    assert mesh.guessed is None and "picture" not in (mesh.reconstruction or {})
    assert any("was not laid on it" in text and "a guess" in text for text in ws.warnings)


@pytest.mark.slow(7)
def test_a_shape_with_colours_of_its_own_keeps_them_where_the_picture_does_not_see_it(
    workspace: Make,
) -> None:
    ws = workspace(kind="images", texture_size=EDGE)
    surface = textured.body("arrow")
    photo = textured.photo(surface, 0.0, 0.0, 30.0)
    _, mesh = run(ws, surface, photo, backend="triposr", colours=None)
    assert judged(ws, mesh, photo)[0] > 30
    with (
        Image.open(ws.path(str(mesh.image))) as image,
        Image.open(ws.path(str(mesh.guessed))) as marks,
    ):
        texels = rasterise(surfaces.load(ws, mesh), EDGE)
        rest = np.asarray(marks).ravel()[texels.at] == 255
        assert np.abs(np.asarray(image).reshape(-1, 3)[texels.at][rest] - 128.0).max() <= 1
    assert any("colours that the backend gave it" in text for text in ws.warnings)


AROUND = (0.0, 90.0, 180.0, 270.0)


def made_of_several(ws: Workspace, surface: Surface, name: str) -> tuple[Mesh, Views]:
    """A mesh as a hull of four level views leaves it, coloured at its vertices by the same pictures; the last is of the body NAME."""
    views, pictures = [], []
    for azimuth in AROUND:
        body = surface if azimuth < 270 else textured.body(name)
        rgba = textured.photo(body, azimuth, 0.0, 30.0).rgba
        path = f"views/{azimuth:03.0f}.png"
        Image.fromarray(rgba).save(ws.path(path))
        views.append(View(image=path, azimuth=azimuth, source="a.png"))
        pictures.append(Picture(f"{azimuth:03.0f}", rgba, azimuth, 0.0, 30.0))
    middle = (surface.vertices.min(0) + surface.vertices.max(0)) / 2
    placed = (surface.vertices - middle) * 8 * np.tan(np.radians(15)) / 1.05 / surface.size
    own = silhouettes.colors(
        placed, surface.faces, [silhouettes.shot(one, 30.0) for one in pictures]
    )
    told = {
        "backend": "visual-hull",
        "models": {},
        "views": [one.name for one in pictures],
        "fov": 30.0,
    }
    mesh = surfaces.store(
        ws, "mesh/made.npz", Surface(surface.vertices, surface.faces, colors=own),
        {"watertight": True, "manifold": True, "label": "draft", "reconstruction": told},
    )  # fmt: skip
    return mesh, Views(views=tuple(views), cut=True)


def off_true(ws: Workspace, mesh: Mesh) -> float:
    """Decibels of the baked colours, where any picture or the mesh itself had some."""
    surface = surfaces.load(ws, mesh)
    texels = rasterise(surface, EDGE)
    points, _ = places(surface, texels)
    with Image.open(ws.path(str(mesh.image))) as image:
        wrong = np.asarray(image).reshape(-1, 3)[texels.at] / 255 - textured.paint(points)
    with Image.open(ws.path(str(mesh.guessed))) as marks:
        seen = (np.asarray(marks).ravel()[texels.at] == 0) & texels.inside
    return float(-10 * np.log10(np.mean(wrong[seen] ** 2)))


@pytest.mark.slow(7)
def test_several_pictures_lie_on_what_was_made_of_them_sharper_than_its_own_colours(
    workspace: Make,
) -> None:
    ws = workspace(kind="images", texture_size=EDGE)
    mesh, views = made_of_several(ws, textured.body("animal"), "animal")
    posed = pose_view.run(mesh, views, ws)
    assert len(posed.several) == 4 and posed.picture is None and (posed.agrees or 0) > 0.95
    made = texture.run(mesh, None, None, None, None, ws, posed)
    told = (made.reconstruction or {})["picture"]
    assert told["pictures"] == 4 and 0.6 < told["seen"] < 1 and "azimuth" not in told
    assert any("% of the surface seen in 4 pictures" in text for text in ws.warnings)
    with_pictures = off_true(ws, made)
    plain = texture.run(mesh, None, None, None, None, ws, PosedView())
    without = off_true(ws, plain.model_copy(update={"guessed": made.guessed}))
    print(f"{with_pictures:.1f} dB laid on, {without:.1f} dB of its own")
    assert with_pictures > 30 and with_pictures > without + 3


@pytest.mark.slow(7)
def test_a_picture_among_several_that_shows_something_else_is_left_out_and_told(
    workspace: Make,
) -> None:
    ws = workspace(kind="images", texture_size=EDGE)
    mesh, views = made_of_several(ws, textured.body("animal"), "organic")
    assert len(pose_view.run(mesh, views, ws).several) == 3
    assert any("1 of 4 pictures do not fit the shape's outline" in text for text in ws.warnings)


@pytest.mark.slow
def test_where_no_texture_is_wanted_nothing_is_sought(workspace: Make) -> None:
    surface = textured.body("arrow")
    photo = textured.photo(surface, 0.0, 0.0, 30.0, 64)
    ws = workspace("bare", kind="images", texture=False)
    assert pose_view.run(*made_of(ws, surface, photo), ws) == PosedView()
    assert any("came without colours" in text and "a guess" in text for text in ws.warnings)
