"""A pixel of a cloud's picture shows the nearest of the points whose splat covers it."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._cloud_picture import _splatted, palette, picture


@pytest.mark.parametrize("radius", [1, 3])
@pytest.mark.parametrize("count", [0, 1, 300])
def test_the_nearest_point_whose_splat_covers_a_pixel_is_seen(count: int, radius: int) -> None:
    side = 24
    rng = np.random.default_rng(count + radius)
    x, y = rng.uniform(0, side, (2, count))
    depth = rng.permutation(count) / max(count, 1) + 1  # no two alike
    buffer, owner = _splatted(x, y, depth, side, radius)
    row, column = np.mgrid[:side, :side]
    apart = (column[..., None] - x.astype(int)) ** 2 + (row[..., None] - y.astype(int)) ** 2
    covered = np.where(apart <= radius**2 + 1, depth, np.inf)
    covered = np.concatenate([covered, np.full((side, side, 1), np.inf)], axis=2)
    nearest = covered.argmin(axis=2)
    np.testing.assert_array_equal(buffer, covered.min(axis=2))
    np.testing.assert_array_equal(owner, np.where(np.isinf(buffer), -1, nearest))


def test_point_clouds_are_drawn_in_the_colours_of_their_passes() -> None:
    """The nearer pass covers the farther one; both colours are told apart."""
    rng = np.random.default_rng(0)
    near, far = (
        rng.uniform(-1, 1, (20_000, 3)) * [1, 1, 0] + [0, 0, 0.5],
        rng.uniform(-1, 1, (20_000, 3)) * [0.5, 0.5, 0] - [0, 0, 0.5],
    )
    colors = palette(2)
    image = picture(
        np.concatenate([near, far]), np.repeat([0, 1], 20_000), colors, Camera(0.0, 0.0), 120
    )
    assert np.abs(image[60, 60].astype(int) - colors[0]).max() < 40
    assert (
        np.abs(palette(12)[:, None].astype(int) - palette(12)[None])
        .sum(axis=2)[np.triu_indices(12, 1)]
        .min()
        > 40
    )
