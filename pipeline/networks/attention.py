"""Multi-head attention on packed heads."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int) -> Tensor:
    """query [B,N,heads·d], key and value [B,M,heads·d] → [B,N,heads·d]; scale 1/sqrt(d), no
    mask."""
    q, k, v = (x.reshape(*x.shape[:2], heads, -1).transpose(1, 2) for x in (query, key, value))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
