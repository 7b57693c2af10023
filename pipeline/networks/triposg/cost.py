"""How many floating-point operations a shape costs, by the sizes of its networks: what a CPU takes
hours for should be known before it starts."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.networks.lattice import coarsest_step
from pipeline.networks.triposg.config import TransformerConfig, VAEConfig

SEEN = 257  # image tokens
# points asked for near the surface, in squares of the grid's edge: about those of a full-sized ball
NEAR = 28.0


class Cost(NamedTuple):
    """Operations of the sampling, of making the field, and of asking it."""

    sampling: float
    memory: float
    queries: float

    @property
    def all(self) -> float:
        return sum(self)


def cost(
    transformer: TransformerConfig, vae: VAEConfig, tokens: int, steps: int, grid: int
) -> Cost:
    """Of one guided shape of so many TOKENS and STEPS, on GRID³ points."""
    w, m = transformer.width, tokens + 1
    products = 28 * m * w**2  # projections of both attentions and the feed-forward
    layer = products + 4 * m**2 * w + 4 * m * SEEN * w
    skips = transformer.layers // 2 * 4 * m * w**2
    v = vae.decoder
    block = 24 * tokens * v**2 + 4 * tokens**2 * v
    return Cost(
        2.0 * steps * (transformer.layers * layer + skips),
        float(vae.decoder_layers * block),
        queries(grid) * (20 * v**2 + 4 * tokens * v),
    )


def queries(grid: int) -> float:
    """About how many points of a grid of GRID³ are asked for, coarse to fine."""
    first = (grid - 1) // coarsest_step(grid) + 1
    return first**3 + NEAR * grid**2
