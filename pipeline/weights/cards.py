"""What the networks of a backend need of a GPU's memory."""

from __future__ import annotations

# By backend, bytes at the least: the largest part of its networks as it lies there, work at half a
# chunk, and what CUDA itself takes. Counted from sizes, not measured; a card that holds all parts
# at once is better (docs/models.md). FLUX is not among them: it goes layer by layer where it must.
LEAST = {"triposr": 3 * 2**30, "triposg": 4 * 2**30, "instantmesh": 4 * 2**30}
POINT = 12  # bytes for each point of the lattice that a field is sampled on


def least(backend: str, grid: int) -> int:
    """Bytes that BACKEND needs for a lattice of GRID points along an edge; 0 where it has no
    networks or does not say."""
    base = LEAST.get(backend, 0)
    return base and base + POINT * grid**3
