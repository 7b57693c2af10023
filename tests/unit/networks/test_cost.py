"""What a shape of TripoSG's costs, by its sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.networks.lattice import sample
from pipeline.networks.triposg import TransformerConfig, VAEConfig, cost


def test_at_the_published_size_it_is_what_is_known_of_it() -> None:
    """6.3 TFLOP a forward, 0.63 PFLOP for 50 guided steps, 1.1 TFLOP for the decoder, 29 MFLOP a
    query."""
    found = cost.cost(TransformerConfig(), VAEConfig(), 2048, 50, 256)
    assert found.sampling / 100 == pytest.approx(6.3e12, rel=0.03)
    assert found.memory == pytest.approx(1.1e12, rel=0.03)
    assert found.queries / cost.queries(256) == pytest.approx(29e6, rel=0.03)


@pytest.mark.slow
def test_so_many_points_are_asked_for_of_a_shape_that_fills_the_box() -> None:
    grid = 128
    axis, asked = torch.from_numpy(np.linspace(-1, 1, grid)), 0

    def ball(indices: Tensor) -> Tensor:
        nonlocal asked
        asked += len(indices)
        return 0.9 - axis[indices].norm(dim=1)

    sample(ball, grid, 0.0)
    assert cost.queries(grid) == pytest.approx(asked, rel=0.3)
