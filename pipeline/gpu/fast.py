"""What a GPU does faster, in one place. On the CPU all of it is off: there the numbers are those of
the goldens.

Products of float32 stay float32: TF32 is off, because the signs of a field decide where the surface
lies. What goes from pictures to planes may run in bfloat16 ([host] precision) and compiled into
CUDA graphs ([host] compile); what was published to run in float16 may be held in it; the field
itself never is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from pipeline import config


class Way(NamedTuple):
    """How a network's planes are computed."""

    bfloat16: bool = False
    compiled: bool = False


def way(device: str, host: config.Host | None = None) -> Way:
    """What settings allow on DEVICE, "cpu" or "cuda"."""
    if device == "cpu":
        return Way()
    host = host or config.load().host
    return Way(host.precision == "fast", host.compile)


def kind(device: str, how: Way | None = None) -> torch.dtype:
    """What the weights of a network are held in that was published to run in float16."""
    how = how or way(device)
    return torch.float16 if how.bfloat16 else torch.float32


def exact_products() -> None:
    """float32 means float32, in matrix products and in convolutions."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def prepared(network: Any, how: Way) -> Any:
    """NETWORK, compiled at its first use where the way is that; a minute or two then, and CUDA
    graphs from there on."""
    exact_products()
    if how.compiled:
        network.compile(mode="reduce-overhead")
    return network


def planes(network: Any, *inputs: Tensor, how: Way | None = None) -> Tensor:
    """NETWORK(*INPUTS) in float32; a copy, for a CUDA graph writes its result into the same place
    again."""
    device = inputs[0].device.type
    how = how or way(device)
    with torch.autocast(device, torch.bfloat16, enabled=how.bfloat16):
        result: Tensor = network(*inputs).to(torch.float32, copy=True)
    return result
