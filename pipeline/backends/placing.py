"""A diffusers pipeline on the GPU as far as its free memory goes: whole, part by part, or layer by
layer."""

from __future__ import annotations

from typing import Any

import torch

from pipeline.backends import memory
from pipeline.gpu import fast


def placed(pipe: Any, whole: int, offloaded: int) -> Any:
    """PIPE, which needs WHOLE bytes of free GPU memory, or OFFLOADED for one part of it at a time;
    on the CPU where there is no GPU."""
    if not torch.cuda.is_available():
        return pipe
    free = memory.free()
    if free >= whole:
        pipe.to("cuda")
        if fast.way("cuda").compiled:
            pipe.transformer.compile_repeated_blocks(fullgraph=True, dynamic=True)
        return pipe
    if free >= offloaded:
        pipe.enable_model_cpu_offload()
    else:
        pipe.enable_sequential_cpu_offload()
        pipe.vae.enable_tiling()
    return pipe
