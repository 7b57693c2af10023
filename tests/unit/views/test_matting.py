"""What is object in a picture, and what a person is told where that is not sure."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from pipeline.errors import InputRejected
from pipeline.stages.views._matting import Cut, cut

Array = NDArray[Any]
SIZE = 256
V, U = np.mgrid[0:SIZE, 0:SIZE]
RED = np.array([190, 50, 40])


def mask(radius: int = 60, row: int = 120, column: int = 128) -> Array:
    return np.hypot(V - row, U - column) < radius


def painted(inside: Array, ground: Any = 225, ink: Any = RED) -> Array:
    """RGBA (S,S,4), opaque, the object shaded from above."""
    shaded = np.asarray(ink) * (1.1 - 0.4 * V[..., None] / SIZE)
    rgb = np.where(inside[..., None], shaded, ground)
    return np.dstack([rgb.clip(0, 255), np.full((SIZE, SIZE), 255)]).astype(np.uint8)


def overlap(found: Cut, inside: Array) -> float:
    alpha = found.rgba[..., 3] > 127
    return float((alpha & inside).sum() / (alpha | inside).sum())


@pytest.mark.parametrize("kind", ["one pixel", "throughout", "rounded"])
def test_transparency_that_cuts_nothing_out_is_said_and_the_background_decides(kind: str) -> None:
    picture = painted(mask())
    near = [np.minimum(axis, SIZE - 1 - axis) for axis in (V, U)]
    outside = (near[0] < 24) & (near[1] < 24) & (np.hypot(near[0] - 24, near[1] - 24) > 24)
    picture[..., 3] = {
        "one pixel": np.where((V == 9) & (U == 9), 254, 255),
        "throughout": 250,
        "rounded": np.where(outside, 0, 255),
    }[kind]
    picture[picture[..., 3] == 0] = 0
    found = cut(picture, "a.png", None)
    assert (found.method, overlap(found, mask()) > 0.95) == ("colour key", True)
    assert found.notes == ("a.png: its transparency cuts nothing out and is not used.",)


@pytest.mark.parametrize("soft", ["glass", "fade", "edge"])
def test_soft_transparency_keeps_the_whole_object(soft: str) -> None:
    """Alpha below half is still object; a soft outline alone is no news."""
    picture = painted(mask())
    alpha = {
        "glass": np.full((SIZE, SIZE), 90.0),
        "fade": 250 - 0.9 * V,
        "edge": np.full((SIZE, SIZE), 255.0),
    }[soft]
    picture[..., 3] = np.where(mask(), alpha, 0)
    if soft == "edge":
        picture[..., 3] = gaussian_filter(picture[..., 3], 1.0)
    found = cut(picture, "a.png", None)
    assert (found.method, overlap(found, mask()) > 0.95) == ("alpha", True)
    assert bool(found.notes) == (soft != "edge")


def test_a_shadow_drawn_in_the_transparency_is_no_object() -> None:
    shadow = gaussian_filter(
        np.where(((U - 140) / 90) ** 2 + ((V - 190) / 20) ** 2 < 1, 110.0, 0.0), 6
    )
    picture = painted(mask())
    picture[~mask()] = 0
    picture[..., 3] = np.where(mask(), 255, shadow)
    assert overlap(cut(picture, "a.png", None), mask()) > 0.95


def test_colours_that_were_multiplied_by_alpha_get_their_own_back() -> None:
    soft = gaussian_filter(np.where(mask(), 255.0, 0.0), 2)
    picture = np.dstack(
        [np.full((SIZE, SIZE, 3), (200, 180, 60)) * soft[..., None] / 255, soft]
    ).astype(np.uint8)
    found = cut(picture, "a.png", None).rgba
    rim = (soft > 60) & (soft < 200)
    assert np.abs(found[rim][:, :3].astype(int) - [200, 180, 60]).max() < 12
    dark = np.dstack([np.full((SIZE, SIZE, 3), (20, 18, 6)), soft]).astype(np.uint8)
    assert np.abs(cut(dark, "a.png", None).rgba[rim][:, :3].astype(int) - [20, 18, 6]).max() < 3


@pytest.mark.parametrize("level", [30, 60, 120])
@pytest.mark.parametrize("ground", [(235, 235, 235), (220, 205, 180)])
def test_a_soft_shadow_on_the_ground_is_no_object_and_its_removal_is_said(
    level: int, ground: tuple[int, int, int]
) -> None:
    shade = gaussian_filter(
        np.where(((U - 130) / 90) ** 2 + ((V - 180) / 25) ** 2 < 1, 1.0, 0.0), 12
    )
    picture = painted(
        mask(), np.asarray(ground) * (1 - level / 235 * shade[..., None] / shade.max())
    )
    found = cut(picture, "a.png", None)
    assert overlap(found, mask()) > 0.95
    assert "a shadow on the ground was taken away" in found.notes[0]


def test_a_hard_shadow_is_said() -> None:
    shade = (np.abs(V - 185) < 20) & (np.abs(U - 150) < 70)
    found = cut(painted(mask(), np.where(shade, 130, 235)[..., None] * np.ones(3)), "a.png", None)
    assert "may be its shadow" in found.notes[-1]


def test_a_grey_object_on_grey_is_no_shadow() -> None:
    found = cut(painted(mask(), 225, (130, 130, 130)), "a.png", None)
    assert (overlap(found, mask()) > 0.97, found.notes) == (True, ())


@pytest.mark.parametrize("ground", [0, 20, 255])
def test_dark_on_black_and_light_on_white_are_found(ground: int) -> None:
    ink = np.array([40, 45, 50]) if ground < 30 else np.array([235, 236, 238])
    inside = mask()
    picture = painted(inside, ground)
    picture[inside, :3] = ink
    assert overlap(cut(picture, "a.png", None), inside) > 0.95


@pytest.mark.parametrize("light", [240, 248])
def test_an_outline_that_hardly_stands_out_is_said(light: int) -> None:
    """Found or not, what is nearly as white as the background is not sure; it may pass for a shadow, and that is said."""
    picture = painted(mask(), 255)
    picture[mask(), :3] = np.where(V[mask()][:, None] > 110, RED, light)
    note = cut(picture, "a.png", None).notes[-1]
    assert "hardly stands out" in note or "check the outline" in note


@pytest.mark.parametrize(("row", "side"), [(250, "bottom"), (5, "top")])
def test_an_object_that_the_picture_cuts_is_said(row: int, side: str) -> None:
    assert (
        f"cut off at the {side} of the picture"
        in cut(painted(mask(50, row)), "a.png", None).notes[-1]
    )


@pytest.mark.parametrize(
    ("piece", "sides"),
    [
        (np.s_[:130], "bottom"),
        (np.s_[:, 120:], "left"),
        (np.s_[:140, 110:], "bottom and the left"),
        (np.s_[100:], "top"),
    ],
)
def test_an_object_that_goes_on_beyond_the_picture_is_found_and_said(
    piece: Any, sides: str
) -> None:
    """It covers up to a third of the border, and what lies behind it is even all the same."""
    picture, inside = painted(mask())[piece], mask()[piece]
    found = cut(picture, "a.png", None)
    assert overlap(found, inside) > 0.97
    assert f"cut off at the {sides} of the picture" in found.notes[-1]
    picture = picture.copy()
    picture[..., 3] = np.where(inside, 255, 0)
    assert f"reaches the {sides} of the picture" in cut(picture, "a.png", None).notes[-1]


def test_what_grabcut_finds_may_be_cut_off_too() -> None:
    """Before a ground of two tones, which no key fits."""
    tiles = np.where((U // 8 + V // 8) % 2, 150, 225)[..., None] * np.ones(3)
    found = cut(painted(mask(), tiles)[:130], "a.png", None)
    assert found.method == "GrabCut"
    assert "cut off at the bottom" in found.notes[-1]


def test_a_tiny_object_is_refused_by_its_share_or_said_where_it_is_cut_out() -> None:
    with pytest.raises(InputRejected, match=r"fills only 0"):
        cut(painted(mask(9)), "a.png", None)
    picture = painted(mask(9))
    picture[..., 3] = np.where(mask(9), 255, 0)
    assert "fills only" in cut(picture, "a.png", None).notes[0]


def test_a_cut_out_may_touch_all_borders() -> None:
    """Cut-outs are often trimmed to the object."""
    picture = painted(mask(128, 128))
    picture[..., 3] = np.where(mask(128, 128), 255, 0)
    assert cut(picture, "a.png", None).notes == ()


def test_a_checkerboard_that_stands_for_transparency_is_background() -> None:
    checks = np.where((V // 16 + U // 16) % 2, 204, 255)[..., None] * np.ones(3)
    assert overlap(cut(painted(mask(), checks), "a.png", None), mask()) > 0.95


def test_a_picture_that_is_all_clear_is_refused() -> None:
    with pytest.raises(InputRejected, match="everything in it is transparent"):
        cut(np.zeros((SIZE, SIZE, 4), np.uint8), "a.png", None)
