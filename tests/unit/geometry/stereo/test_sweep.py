"""First depths: planes, compared and smoothed in whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.geometry.stereo import View, sweep

WIDE, HIGH, FOCAL, ASIDE = 120, 80, 100.0, 0.3


def views(depth: float) -> list[View]:
    """A speckled wall DEPTH before three cameras that look the same way."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    wall = gaussian_filter(np.random.default_rng(5).random((200, 300)), 1.0)
    wall = (wall - wall.mean()) / wall.std() * 40 + 128
    k = np.array([[FOCAL, 0, WIDE / 2], [0, FOCAL, HIGH / 2], [0, 0, 1]])
    y, x = np.mgrid[:HIGH, :WIDE] + 0.5
    made = []
    for aside in (0.0, ASIDE, -ASIDE):
        moved = np.stack([y + 60, x + 90 + aside * FOCAL / depth]) - 0.5
        gray = torch.from_numpy(map_coordinates(wall, moved, order=1).astype(np.float32))
        made.append(View(gray, k, np.eye(3), np.array([-aside, 0, 0])))
    return made


@pytest.mark.parametrize("depth", [1.7, 2.6])
def test_a_wall_is_found_at_its_depth(depth: float) -> None:
    """Within half a pixel of what the other cameras show, nearly everywhere: finer is not its work."""
    view, *others = views(depth)
    inverse, _ = sweep.sweep(view, others, (1.2, 4.0))
    off = (inverse[8:-8, 20:-20] - 1 / depth).abs() * FOCAL * ASIDE
    assert float((off < 0.5).float().mean()) > 0.97


def test_sums_along_a_row_are_those_of_the_textbook() -> None:
    """Semi-global matching (Hirschmüller 2008), written out for one direction."""
    cost = torch.from_numpy(np.random.default_rng(6).integers(0, 2048, (7, 5, 9)).astype(np.int16))
    total = torch.zeros_like(cost)
    sweep._along(cost, total, False, 1)
    slope, jump = round(sweep.SLOPE * sweep.STEPS), round(sweep.JUMP * sweep.STEPS)
    want = cost.numpy().astype(int).copy()
    for row in range(1, 7):
        for column in range(1, 5):
            before = want[row - 1, column - 1]
            for d in range(9):
                ways = [before[d], before.min() + jump]
                ways += [before[d + step] + slope for step in (-1, 1) if 0 <= d + step < 9]
                want[row, column, d] += min(ways) - before.min()
    assert (total.numpy() == want).all()


def test_no_sum_leaves_two_bytes() -> None:
    """The worst cost everywhere, in all eight directions."""
    cost = torch.full((6, 6, 5), 2 * sweep.STEPS, dtype=torch.int16)
    assert int(sweep._smoothed(cost).max()) == 16 * sweep.STEPS < 2**15
