"""What the networks of a backend need of a GPU's memory."""

from __future__ import annotations

# By backend, bytes at the least: the largest part of its networks as it lies there, work at half a
# chunk, and what CUDA itself takes. Counted from sizes, not measured; a card that holds all parts
# at once is better (docs/models.md).
LEAST = {"triposr": 3 * 2**30, "triposg": 4 * 2**30, "instantmesh": 4 * 2**30}
# What makes views goes layer by layer where it must: its largest layer (0.3 GB, T5's words), two
# pictures of 1024² in work (2 GB), and CUDA.
VIEWS = dict.fromkeys(("flux-schnell", "flux-dev", "flux2-klein"), 3 * 2**30)
POINT = 12  # bytes for each point of the lattice that a field is sampled on


def least(backend: str, grid: int = 0) -> int:
    """Bytes that BACKEND, or what makes views, needs for a lattice of GRID points along an edge; 0
    where it has no networks or does not say."""
    base = (LEAST | VIEWS).get(backend, 0)
    return base and base + POINT * grid**3
