"""Pictures of surfaces: light, shadow, colours and edges, without a GPU or a display."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.geometry.surface import Surface
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._lighting import backdrop, developed, rough
from pipeline.stages.finish._render import Studio
from tests.unit.finish.shapes import ball, box


def test_the_preview_shows_the_model_lit_from_above_with_its_shadow() -> None:
    """512² pixels: background light, the ball in the middle brighter on top than below, darker ground at its foot."""
    image = Studio(ball(5)).picture(Camera(), 256).astype(int)
    assert image.shape == (256, 256, 3)
    grey = image.mean(axis=2)
    assert grey[:12, :12].min() > 180
    assert grey[40:90, 118:138].mean() > grey[165:205, 118:138].mean() + 25
    assert grey[225:240].min() < grey[:12].min() - 25
    # the model touches no border and fills most of the picture
    inside = np.abs(image - np.array([image[0, 0]])).max(axis=2)[100:150]
    assert inside[:, :8].max() < 40


def test_colours_and_textures_show(tmp_path: Path) -> None:
    """A red ball is red, and a textured quad shows its texture the right way up."""
    surface = ball(3)
    red = Surface(
        surface.vertices,
        surface.faces,
        np.tile(np.uint8([200, 20, 20]), (len(surface.vertices), 1)),
    )
    middle = Studio(red).picture(Camera(), 96)[48, 48].astype(int)
    assert middle[0] > 2 * middle[1]
    quad = Surface(
        np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
    )  # fmt: skip
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32] = [30, 30, 220]  # the picture's upper half
    image[32:] = [220, 30, 30]
    seen = Studio(quad, image).picture(Camera(0.0, 0.0), 96).astype(int)
    assert seen[25, 48, 2] > 2 * seen[25, 48, 0]
    assert seen[70, 48, 0] > 2 * seen[70, 48, 2]


def test_a_box_keeps_its_edges_in_the_picture() -> None:
    """Each visible side of a box has one tone: normals are not smoothed across sharp edges."""
    image = Studio(box()).picture(Camera(), 192).astype(int)
    front = image[100:120, 70:90].reshape(-1, 3)
    assert np.ptp(front, axis=0).max() < 30


def test_edges_are_smooth_and_an_even_picture_needs_no_more_rays() -> None:
    """The rim of a dark disc against the wall takes tones in between; the wall alone is as bright as the wall is."""
    surface = ball(5)
    dark = Surface(surface.vertices, surface.faces, np.zeros((len(surface.vertices), 3), np.uint8))
    top = Studio(dark).picture(Camera(), 128)[:40, :, 1]
    assert top.min() == 0
    assert ((top > 40) & (top < 140)).sum() > 20
    far = Studio(box((1.0, 1.0, 1.0)))
    empty = far.picture(Camera(), 64, (np.array([0.0, 50.0, 0.0]), 3.0))
    assert np.abs(empty.astype(int) - developed(backdrop(64)).reshape(64, 64, 3)).max() == 0


def test_rough_pixels_are_those_beside_a_step() -> None:
    """Both sides of an edge, corners included, and nothing else."""
    image = np.full((6, 6, 3), 100, np.uint8)
    image[2, 2, 1] = 120
    assert rough(image, 12).tolist() == [
        row * 6 + column for row in (1, 2, 3) for column in (1, 2, 3)
    ]
    assert rough(image, 20).tolist() == []
