"""TripoSG (Li et al. 2025): one RGB image → a set of latent tokens, drawn by a rectified flow → a
field that is positive inside.

Written from formulas and key lists; the published extraction of the surface is not re-created.
"""

from __future__ import annotations

from pipeline.networks.triposg.config import Flow, TransformerConfig, VAEConfig
from pipeline.networks.triposg.transformer import Transformer
from pipeline.networks.triposg.vae import VAE

__all__ = ["VAE", "Flow", "Transformer", "TransformerConfig", "VAEConfig"]
