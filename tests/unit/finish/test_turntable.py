"""Frames of a turning model look like the studio's pictures, and show no face through another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.geometry.surface import Surface
from pipeline.stages.finish import _lighting as light
from pipeline.stages.finish._camera import MIDDLE, Camera, rays
from pipeline.stages.finish._render import Studio
from pipeline.stages.finish._shading import Shared
from pipeline.stages.finish._turntable import Turntable, outward
from tests.unit.finish.shapes import ball, box

EDGE = 96


def painted(surface: Surface) -> Surface:
    """Its upper half red, its lower half blue."""
    colors = np.where(
        surface.vertices[:, 1:2] > 0, np.uint8([200, 20, 20]), np.uint8([20, 20, 200])
    )
    return replace(surface, colors=colors.astype(np.uint8))


def textured() -> tuple[Surface, np.ndarray]:
    quad = Surface(
        np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]), np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
    )  # fmt: skip
    image = np.full((64, 64, 3), [220, 30, 30], np.uint8)
    image[:32, :32] = [30, 30, 220]  # the picture's upper left
    return quad, image


def half() -> Surface:
    whole = ball(4)
    middles = whole.vertices[whole.faces].mean(axis=1)
    return whole.only(whole.faces[middles[:, 2] < 0])


CASES = {
    "closed": (ball(4), None, True),
    "sharp": (box(), None, True),
    "colours": (painted(ball(4)), None, False),
    "texture": (*textured(), False),
    "seen from inside": (half(), None, False),
    "inside out": (replace(ball(4), faces=ball(4).faces[:, ::-1]), None, True),
}  # fmt: skip


def by_rays(studio: Studio, table: Turntable, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """Pixels that show the model, and what a ray through the middle of each brings back in the
    light of a turntable, sRGB 0 to 255."""
    pixel = np.arange(EDGE * EDGE)
    hits = studio._hits(rays(camera, table.frame, EDGE, pixel, MIDDLE), EDGE)
    sky = hits.mixed(Shared(studio).of_vertices[:, None])
    lamps = camera.turn() @ np.stack([light.KEY_LIGHT, light.RIM_LIGHT], axis=1)
    key, rim = np.maximum(hits.normal @ lamps, 0).T[..., None]
    share = np.concatenate([key * (0.35 + 0.65 * np.clip(sky / 0.8, 0, 1)), sky, rim], axis=1)
    return hits.model, light.developed(share @ light.POWERS * hits.albedo).astype(int)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_frames_show_what_rays_meet(case: str) -> None:
    """On the same pixels in the same tones; edges apart, which are mixed with what lies beyond."""
    surface, image, closed = CASES[case]
    studio, cameras = Studio(surface, image), [Camera(35.0), Camera(205.0)]
    table = Turntable(studio, cameras, EDGE, closed)
    for camera in cameras:
        pixel, expected = by_rays(studio, table, camera)
        frame = table.picture(camera)
        assert frame.shape == (EDGE, EDGE, 3)
        off = np.abs(frame.reshape(-1, 3)[pixel] - expected).max(axis=1)
        assert np.median(off) <= 2
        assert np.percentile(off, 85) <= 12
        missed = np.setdiff1d(np.arange(EDGE * EDGE), pixel)
        wall = light.developed(table.wall.reshape(-1, 3)).astype(int)
        assert np.abs(frame.reshape(-1, 3).astype(int) - wall)[missed][: EDGE * 5].max() <= 2


def test_the_shadow_turns_with_the_model() -> None:
    """Of two plates, the one that lies on the ground shades it most: on the right from the front,
    on the left from behind."""
    plate = box((0.2, 0.02, 0.2))
    places = np.array([[0.0, 0.5, 0.0], [1.0, 0.0, 0.0]])
    both = Surface(
        np.concatenate([plate.vertices + place for place in places]),
        np.concatenate([plate.faces, plate.faces + len(plate.vertices)]),
    )
    cameras = [Camera(0.0), Camera(180.0)]
    table = Turntable(Studio(both), cameras, EDGE)
    front, behind = (table._shadow(camera) for camera in cameras)
    middle = EDGE // 2
    assert front[:, middle:].min() < front[:, :middle].min() - 0.1
    assert behind[:, :middle].min() < behind[:, middle:].min() - 0.1


def test_outward() -> None:
    """One part that faces inward is enough to draw backs."""
    one, two = ball(2), ball(2)
    both = Surface(
        np.concatenate([one.vertices, two.vertices + 5.0]),
        np.concatenate([one.faces, two.faces[:, ::-1] + len(one.vertices)]),
    )
    assert outward(one)
    assert not outward(both)
