"""TripoSR: one RGB image → a triplane field of density and colour."""

from __future__ import annotations

from pipeline.networks.triposr.model import TripoSR, TripoSRConfig

__all__ = ["TripoSR", "TripoSRConfig"]
