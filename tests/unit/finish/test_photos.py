"""The report of photographs: where each stood, what it coloured, how many show a place, and where more are needed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Exported, Mesh, Pictures, PosedPicture, PosedPictures, Results, Scans
from pipeline.geometry import arrays, rigid
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.recipes import call, stage_function
from pipeline.stages.finish import _first_words, _inspect, _photos
from pipeline.stages.finish._cloud_picture import palette
from pipeline.stages.finish._figures import css
from pipeline.workspace import Workspace
from tests.support import photographs
from tests.unit.finish.shapes import ball, stored

Make = Callable[..., Workspace]
CAMERA = (300.0, 300.0, 100.0, 100.0)


def photographed(ws: Workspace, body: Surface) -> tuple[Mesh, PosedPictures]:
    """A body and three photographs of it, from the right, above it, and a step beside that."""
    eyes = np.array([[5.0, 0, 0.1], [0.1, 0, 5.0], [0.1, 2.0, 4.6]])
    shots = []
    for number, eye in enumerate(eyes):
        image = np.full((200, 200, 3), 60 * number + 60, np.uint8)
        Image.fromarray(image).save(ws.path(f"photos/{number}.png"))
        shots.append(
            PosedPicture(
                image=f"photos/{number}.png",
                camera=CAMERA,
                pose=rigid.to_matrix(photographs.look(eye, np.zeros(3))),
                name=f"<{number}>.jpg",
                points=40,
                residual=0.4,
            )
        )
    seen = np.array([(0, number) for number in range(3)], np.int32)
    arrays.save(ws.path("photos/sparse.npz"), points=np.zeros((1, 3)), seen=seen)
    posed = PosedPictures(
        pictures=tuple(shots), sparse="photos/sparse.npz", left_out=(("stray.jpg", "blurred"),)
    )
    return stored(ws, body, unit="m"), posed


@pytest.fixture
def made(workspace: Make) -> tuple[Mesh, PosedPictures, Workspace]:
    """The ball with the photographs' colours."""
    ws = workspace(kind="scan", texture_size=128)
    mesh, posed = photographed(ws, ball(4))
    return call(stage_function("finish.texture"), [mesh, posed], ws), posed, ws


def test_the_texture_tells_which_photograph_shows_what(made: Any) -> None:
    """The one that looks straight at a place; nobody where none does."""
    mesh, _, ws = made
    told = arrays.load(ws.path(mesh.textured_by))
    places = surfaces.load(ws, mesh).vertices
    right, top, under = (
        int((places @ way).argmax()) for way in np.array([[1.0, 0, 0], [0, 0, 1], [0, 0, -1]])
    )
    assert (told["best"][right], told["count"][right]) == (0, 1)
    assert (told["best"][top], told["count"][top]) == (1, 2)
    assert (told["best"][under], told["count"][under]) == (-1, 0)


@pytest.mark.slow
def test_the_chapter_has_pictures_and_a_row_for_each_photograph(made: Any) -> None:
    """Cameras, colours and counts from two sides each; shares; what no photograph shows, in words."""
    mesh, posed, ws = made
    names = ["stray.jpg", *(f"<{number}>.jpg" for number in range(3))]
    page = _photos.chapter(posed, mesh, ws, names)
    assert page.count("<img ") == 6
    for words in ("&lt;0&gt;.jpg", "stray.jpg", "blurred", "0.40", "Where the photographs were"):
        assert words in page
    assert '<span class="whole"><span class="dot"' in page  # short names are not broken
    dots = re.findall(r"background:(#\w+)", page)
    assert dots == [css(colour) for colour in palette(4)[1:]], "as the viewer colours them"
    assert "Colour: no photograph shows" in page and "More photographs would help" in page
    assert "Shape:" not in page  # nothing was measured of this one


def test_what_was_not_measured_and_what_is_not_shown_well_are_told_apart(made: Any) -> None:
    """Two shares of the surface, of which one may be large where the other is small: each says of what."""
    mesh, _, _ = made
    told = _photos._said(
        mesh.model_copy(update={"unsupported_area": 0.004}), np.array([0] * 21 + [3] * 79)
    )
    assert "Shape: 0.4% of the surface has no measured points; there it is a guess." in told
    assert "Colour: no photograph shows 21% of the surface well" in told
    assert "the points measured there" in told
    whole = _photos._said(mesh, np.full(100, 3))
    assert whole == "<p>Colour: three photographs or more show nearly all of the surface well.</p>"


@pytest.mark.slow
def test_a_mesh_without_their_colours_still_shows_the_cameras(made: Any) -> None:
    """With texture=false there is nothing to tell of colours."""
    mesh, posed, ws = made
    page = _photos.chapter(posed, mesh.model_copy(update={"textured_by": None}), ws)
    assert page.count("<img ") == 2 and "Colour:" not in page


def test_the_viewer_speaks_of_photographs_and_says_that_they_tell_no_size(made: Any) -> None:
    mesh, posed, ws = made
    results = Results(
        mesh,
        Exported(files_written=(), faces=1),
        Pictures(preview=""),
        posed=posed,
        scans=Scans(passes=(), unit="m", unit_guessed=True),
    )
    sizes = {guess: _first_words.numbers(_guessed(results, guess), ws) for guess in (True, False)}
    assert "Size, arbitrary (wide × tall × deep)" in sizes[True]
    assert "Size (wide × tall × deep)" in sizes[False]
    said = _inspect.facts(results, {}, "scan")
    assert said["photographs"] is True
    assert said["scale"] == "Photographs tell no size: lengths are arbitrary."


def _guessed(results: Results, guess: bool) -> Results:
    return replace(results, scans=Scans(passes=(), unit="m", unit_guessed=guess))
