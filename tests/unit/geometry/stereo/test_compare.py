"""How alike two pictures are around each pixel, told without loops: as it would be told with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipeline.geometry.stereo import compare


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.from_numpy(np.random.default_rng(2).random((2, 14, 17)).astype(np.float32) * 255)
    return made[0], made[1]


@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_a_box_is_the_mean_of_its_window(size: int) -> None:
    """And what was handed in stays as it was."""
    one, _ = pictures()
    before = one.clone()
    windows = one.unfold(0, size, 1).unfold(1, size, 1)
    assert torch.allclose(compare.box(one, size), windows.mean((-1, -2)), rtol=1e-5)
    assert torch.equal(one, before)


def test_likeness_is_correlation_whatever_the_brightness() -> None:
    """Of the window around a pixel; a picture of half the contrast is as like."""
    one, other = pictures()
    found = compare.Window(one, 5).likeness(compare.rimmed(0.5 * other + 20, 2))
    a, b = one[3:8, 6:11].flatten(), other[3:8, 6:11].flatten()
    assert float(found[5, 8]) == pytest.approx(
        float(torch.corrcoef(torch.stack([a, b]))[0, 1]), abs=0.01
    )
    assert found.shape == one.shape


def test_levelled_pictures_are_compared_by_their_product() -> None:
    """Alike where the same is shown in another light, about zero where another thing is, zero where it is blank."""
    rng = np.random.default_rng(4)
    one, other = (
        torch.from_numpy(part) for part in rng.random((2, 60, 80)).astype(np.float32) * 200
    )
    own = compare.levelled(one, 5)
    same = compare.box(own * compare.levelled(0.6 * one + 30, 5), 5)
    assert float(same.mean()) == pytest.approx(1, abs=0.05)
    assert abs(float(compare.box(own * compare.levelled(other, 5), 5).mean())) < 0.05
    assert float(compare.levelled(torch.full((9, 9), 77.0), 5).abs().max()) == 0


def test_a_picture_is_laid_over_where_it_is_asked_for() -> None:
    """Centres of pixels give these; outside is nothing."""
    one, _ = pictures()
    height, width = one.shape
    x = ((torch.arange(width) + 0.5) * 2 / width - 1).expand(height, width)
    y = ((torch.arange(height) + 0.5) * 2 / height - 1)[:, None].expand(height, width)
    assert torch.allclose(compare.laid_over(one, x, y), one, atol=1e-3)
    assert torch.allclose(compare.laid_over(one, 2 * x, 2 * y, torch.tensor(0.5)), one, atol=1e-3)
    assert float(compare.laid_over(one, x + 3, y).abs().max()) == 0


def test_rays_go_on_beyond_the_rim() -> None:
    """RIM more on each side, the same between."""
    a = np.array([[0.5, 0, 1], [0, 2, 3], [0, 0, 1.0]])
    plain, wider = (compare.rays((4, 6), a, "cpu", rim) for rim in (0, 2))
    assert torch.equal(wider[:, 2:-2, 2:-2], plain) and wider.shape == (3, 8, 10)
    assert float(wider[0, 0, 0]) == 0.5 * (0.5 - 2) + 1
