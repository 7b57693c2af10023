"""Weights, pictures and points that anybody can make again from a seed string."""

from __future__ import annotations

import hashlib
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Array = NDArray[Any]
LOOSE = {"cls_token", "position_embeddings", "pos_embed", "embeddings", "mask_token"}


def generator(seed: str, name: str) -> np.random.Generator:
    key = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "little")
    return np.random.Generator(np.random.Philox(key=key))


def weight(seed: str, name: str, shape: tuple[int, ...], gain: float = 1.0) -> Array:
    """The float32 tensor of the parameter NAME; GAIN holds for matrices only."""
    r = generator(seed, name).standard_normal(shape)
    leaf = name.rsplit(".", 1)[-1]
    if len(shape) == 1:
        r = 1 + 0.1 * r if leaf == "weight" else 0.05 * r
    elif leaf in LOOSE:
        r *= 0.5
    else:
        transposed = len(shape) == 4 and ".projection." not in name
        r *= gain / math.sqrt(shape[0] if transposed else math.prod(shape[1:]))
    return r.astype(np.float32)


def fill(model: nn.Module, seed: str, gains: dict[str, float]) -> None:
    """Give every parameter of MODEL (built on the meta device) its weights; GAINS by the beginning of the name."""
    shapes = {name: tuple(empty.shape) for name, empty in model.state_dict().items()}

    def made(name: str) -> torch.Tensor:
        gain = next((g for start, g in gains.items() if name.startswith(start)), 1.0)
        return torch.from_numpy(weight(seed, name, shapes[name], gain))

    with ThreadPoolExecutor(2) as pool:  # drawing numbers leaves the interpreter free
        state = dict(zip(shapes, pool.map(made, shapes), strict=True))
    model.load_state_dict(state, strict=True, assign=True)
    model.requires_grad_(False)


def check_weights(model: nn.Module, recorded: dict[str, list[Any]]) -> list[str]:
    """Names of the parameters whose sum or hash differs from what was recorded."""
    state = model.state_dict()
    wrong = []
    for name, (total, head) in recorded.items():
        array = state[name].numpy()
        digest = hashlib.sha256(array.astype("<f4").tobytes()).hexdigest()[:16]
        if digest != head or not math.isclose(
            array.sum(dtype=np.float64), total, rel_tol=1e-9, abs_tol=1e-9
        ):
            wrong.append(name)
    return wrong


def query_points(seed: str, radius: float, recorded: Array) -> Array:
    """256 points drawn in [-radius, radius]³, then the extra points that were recorded after them."""
    drawn = generator(seed, "query_points").uniform(-radius, radius, (256, 3)).astype(np.float32)
    return np.concatenate([drawn, recorded[256:]])


def picture(height: int, width: int, variant: int, soft: int = 0) -> Array:
    """An RGBA test picture (height,width,4) uint8; SOFT: its alpha falls off towards the rim."""
    u = (np.arange(width) + 0.5) / width * 2 - 1
    v = ((np.arange(height) + 0.5) / height * 2 - 1)[:, None]
    u, v = np.broadcast_arrays(u, v)
    mask = (
        u**2 / 0.55**2 + v**2 / 0.75**2 < 1
        if variant == 0
        else (abs(u - 0.1) < 0.5) & (abs(v + 0.05) < 0.6)
    )
    red, green, blue = (
        0.5 + 0.5 * np.sin(3 * u + 1 + variant),
        0.5 + 0.5 * np.sin(5 * v - 0.5),
        0.5 + 0.5 * np.cos(4 * u * v + 2 * variant),
    )
    rgb = np.floor(255 * np.stack([red, green, blue], axis=-1) + 0.5)
    alpha = mask * 255.0
    if soft:
        alpha = np.floor(255 * (4 * (1 - u**2 / 0.55**2 - v**2 / 0.75**2)).clip(0, 1) + 0.5)
    return np.dstack([rgb, alpha]).astype(np.uint8)


def views(size: int, count: int, batch: int) -> Array:
    """Test views (batch,count,3,size,size) float32 on white."""
    out = np.empty((batch, count, 3, size, size), np.float32)
    for b in range(batch):
        for k in range(count):
            rgba = picture(size, size, k % 2).astype(np.float32) / 255
            rgb = rgba[..., :3] * rgba[..., 3:] + (1 - rgba[..., 3:])
            rolled = np.roll(rgb, (k - 2) * max(1, size // 20), axis=1) * np.float32(1 - 0.05 * b)
            out[b, k] = rolled.transpose(2, 0, 1)
    return out
