"""Pictures of prompts by a pipeline of diffusers: one batch where it fits, smaller ones where
memory runs out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from pipeline.backends import memory
from pipeline.backends.generator_protocol import Shot


def pictures(
    pipe: Any, shots: Sequence[Shot], size: tuple[int, int], **settings: Any
) -> tuple[np.ndarray, ...]:
    """What PIPE draws of SHOTS, each from its own seed, SIZE (width, height); SETTINGS go to PIPE:
    (height, width, 3) uint8 each. Where memory runs out, in halves, then OutOfGpuMemory."""

    def run(batch: int) -> list[Any]:
        made: list[Any] = []
        for start in range(0, len(shots), batch):
            part = shots[start : start + batch]
            images = pipe(
                prompt=[shot.prompt for shot in part],
                generator=[torch.Generator("cpu").manual_seed(shot.seed) for shot in part],
                width=size[0],
                height=size[1],
                output_type="np",
                **settings,
            ).images
            made += list(images)
        return made

    with torch.inference_mode():
        made = memory.halving(run, len(shots))
    return tuple((picture * 255 + 0.5).astype(np.uint8) for picture in made)
