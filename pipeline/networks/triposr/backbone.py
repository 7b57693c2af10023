"""The triplane transformer: learned plane tokens that attend to themselves and to the image
tokens."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.networks.attention import attend


class Backbone(nn.Module):
    def __init__(self, channels: int, heads: int, head: int, layers: int, context: int) -> None:
        super().__init__()
        inner = heads * head
        self.norm = nn.GroupNorm(32, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, inner)
        self.transformer_blocks = nn.ModuleList(Block(inner, heads, context) for _ in range(layers))
        self.proj_out = nn.Linear(inner, channels)

    def forward(self, planes: Tensor, context: Tensor) -> Tensor:
        """planes [B,C,N], image tokens [B,M,context] → [B,C,N]."""
        tokens = self.proj_in(self.norm(planes).transpose(1, 2))
        for block in self.transformer_blocks:
            tokens = block(tokens, context)
        out: Tensor = planes + self.proj_out(tokens).transpose(1, 2)
        return out


class Block(nn.Module):
    """Self-attention, cross-attention, feed-forward; pre-norm, each with a residual."""

    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, heads, width)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, heads, context)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        """tokens [B,N,width], context [B,M,context] → [B,N,width]."""
        normed = self.norm1(tokens)
        tokens = tokens + self.attn1(normed, normed)
        tokens = tokens + self.attn2(self.norm2(tokens), context)
        out: Tensor = tokens + self.ff(self.norm3(tokens))
        return out


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, context: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, tokens: Tensor, context: Tensor) -> Tensor:
        mixed: Tensor = self.to_out[0](
            attend(self.to_q(tokens), self.to_k(context), self.to_v(context), self.heads)
        )
        return mixed


class FeedForward(nn.Module):
    """Gated GELU, four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.ModuleList(
            [
                nn.ModuleDict({"proj": nn.Linear(width, 8 * width)}),
                nn.Identity(),
                nn.Linear(4 * width, width),
            ]
        )

    def forward(self, tokens: Tensor) -> Tensor:
        value, gate = self.net[0]["proj"](tokens).chunk(2, dim=-1)  # type: ignore[index]
        out: Tensor = self.net[2](value * F.gelu(gate))
        return out
