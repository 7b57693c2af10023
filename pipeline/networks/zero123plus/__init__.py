"""Zero123++ (Shi et al. 2023): one picture → six views of fixed cameras, by a diffusion UNet whose
self-attentions also see the picture."""

from __future__ import annotations

from pipeline.networks.zero123plus.reference import Reference
from pipeline.networks.zero123plus.sampling import denoised, image_of, prompt_of, tiles

__all__ = ["Reference", "denoised", "image_of", "prompt_of", "tiles"]
