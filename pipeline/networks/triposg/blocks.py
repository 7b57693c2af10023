"""The block that TripoSG's transformer and VAE share: self-attention, cross-attention and
feed-forward, each where it is wanted; pre-norm, with residuals."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class KeysValues(NamedTuple):
    """What is attended to: both [B,heads,N,d]. Constant where the context is, so made once."""

    keys: Tensor
    values: Tensor


class Norm(nn.LayerNorm):
    """A layer norm that is computed in float32, whatever its input is."""

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.weight.float(), self.bias.float()
        normed = F.layer_norm(x.float(), self.normalized_shape, weight, bias, self.eps)
        return normed.to(x.dtype)


class Attention(nn.Module):
    """Multi-head attention whose projections are dealt out to the heads in turn.

    The outputs of the projections stand one after the other and are cut head by head: so head 0
    finds its query, key and value all in the first rows of ``to_q``. A plain split per projection
    loads the same weights and gives noise.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        context: int | None = None,
        rms: bool = False,
        norms_context: bool = False,
    ) -> None:
        super().__init__()
        self.heads = heads
        if norms_context:
            self.norm_cross = nn.LayerNorm(context or width)
        if rms:
            self.norm_q = nn.RMSNorm(width // heads, eps=1e-6)
            self.norm_k = nn.RMSNorm(width // heads, eps=1e-6)
        self.rms = rms
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context or width, width, bias=False)
        self.to_v = nn.Linear(context or width, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: Tensor, seen: KeysValues | None = None) -> Tensor:
        """x [B,N,width] → [B,N,width]: of itself, or of what is SEEN.

        SEEN by fewer than B is seen by the last of them; the others see zeros, of which only the
        output's bias is left.
        """
        if seen is None:
            query, key, value = self._dealt(self.to_q(x), self.to_k(x), self.to_v(x))
            key = self.norm_k(key) if self.rms else key
            blind = 0
        else:
            key, value = seen
            blind = len(x) - len(key)
            if blind == len(x):
                return self.to_out[0].bias.expand_as(x)  # type: ignore[operator]
            (query,) = self._dealt(self.to_q(x[blind:]))
        query = self.norm_q(query) if self.rms else query
        mixed = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
        out: Tensor = self.to_out[0](F.pad(mixed, (0, 0, 0, 0, blind, 0)) if blind else mixed)
        return out

    def look(self, context: Tensor) -> KeysValues:
        """Keys and values of the CONTEXT [B,N,C]."""
        if hasattr(self, "norm_cross"):
            context = self.norm_cross(context)
        key, value = self._dealt(self.to_k(context), self.to_v(context))
        return KeysValues(self.norm_k(key) if self.rms else key, value)

    def _dealt(self, *projected: Tensor) -> tuple[Tensor, ...]:
        """Each [B,N,width] → as many [B,heads,N,d]."""
        rows = torch.cat(projected, dim=-1)
        rows = rows.reshape(*rows.shape[:2], self.heads, len(projected), -1)
        return tuple(rows.permute(3, 0, 2, 1, 4))


class FeedForward(nn.Module):
    """Four times as wide inside, exact GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [
                nn.ModuleDict({"proj": nn.Linear(width, 4 * width)}),
                nn.Identity(),
                nn.Linear(4 * width, width),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net[2](F.gelu(self.net[0]["proj"](x)))  # type: ignore[index]
        return out


class Block(nn.Module):
    """CONTEXT: width of what is attended to, where there is cross-attention. SKIP: an earlier
    block's output is merged in first."""

    def __init__(
        self,
        width: int,
        heads: int,
        itself: bool = True,
        context: int | None = None,
        rms: bool = False,
        norms_context: bool = False,
        skip: bool = False,
    ) -> None:
        super().__init__()
        self.itself, self.crosses = itself, context is not None
        if itself:
            self.norm1 = Norm(width)
            self.attn1 = Attention(width, heads, rms=rms)
        if context is not None:
            self.norm2 = Norm(width)
            self.attn2 = Attention(width, heads, context, rms, norms_context)
        self.norm3 = Norm(width)
        self.ff = FeedForward(width)
        if skip:
            self.skip_norm = Norm(width)
            self.skip_linear = nn.Linear(2 * width, width)

    def forward(
        self, x: Tensor, seen: KeysValues | None = None, skipped: Tensor | None = None
    ) -> Tensor:
        """x [B,N,width] → [B,N,width]."""
        if skipped is not None:
            x = self.skip_norm(self.skip_linear(torch.cat([skipped, x], dim=-1)))
        if self.itself:
            x = x + self.attn1(self.norm1(x))
        if self.crosses:
            x = x + self.attn2(self.norm2(x), seen)
        out: Tensor = x + self.ff(self.norm3(x))
        return out
