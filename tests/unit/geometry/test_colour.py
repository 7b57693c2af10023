"""Colours of cut-outs go on beyond their outline and never come from it."""

from __future__ import annotations

import numpy as np

from pipeline.geometry.colour import spread

RED, BLUE, WHITE = [200, 0, 0], [0, 0, 200], [255, 255, 255]


def test_beyond_the_margin_every_pixel_takes_its_nearest_colour() -> None:
    """A square, red on its left and blue on its right, two pixels of white within its outline and white around it."""
    rgb = np.full((40, 40, 3), 255)
    rgb[12:28, 12:20], rgb[12:28, 20:28] = RED, BLUE
    inside = np.zeros((40, 40), bool)
    inside[10:30, 10:30] = True
    done = spread(rgb, inside, 2)
    assert (done[:, :20] == RED).all()
    assert (done[:, 20:] == BLUE).all()
    assert (done[12:28, 12:28] == rgb[12:28, 12:28]).all()


def test_parts_thinner_than_the_margin_keep_the_colours_of_their_middle() -> None:
    """A blue rod of three pixels with a white rim, far from a red square."""
    rgb = np.full((60, 60, 3), 255)
    rgb[5:25, 5:25], rgb[45, 5:55] = RED, BLUE
    inside = np.zeros((60, 60), bool)
    inside[5:25, 5:25] = inside[44:47, 5:55] = True
    assert (spread(rgb, inside, 4)[44:47, 5:55] == BLUE).all()


def test_without_a_margin_the_inside_stays_and_without_an_inside_everything_does() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (20, 20, 3))
    inside = np.zeros((20, 20), bool)
    assert (spread(rgb, inside) == rgb).all()
    inside[5:9, 5:9] = True
    assert (spread(rgb, inside)[5:9, 5:9] == rgb[5:9, 5:9]).all()
    assert (spread(rgb, inside)[:5, :5] == rgb[5, 5]).all()


def test_shares_are_rounded_down() -> None:
    """What is not perfect is not 100%."""
    from pipeline.geometry.units import percent

    assert [percent(share) for share in (0, 0.29, 0.9299, 0.9999, 1)] == [
        "0%",
        "29%",
        "92%",
        "99%",
        "100%",
    ]
