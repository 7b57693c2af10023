"""Reference attention: a pass over the picture notes what self-attentions see, the pass over the
views sees that beside its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

Attend = Callable[..., Tensor]  # diffusers' attention processor


class Reference:
    """Ties the self-attentions of UNET, a diffusers UNet2DConditionModel, to one notebook.
    Cross-attentions stay as they are."""

    def __init__(self, unet: Any, attend: Attend) -> None:
        self.noted: dict[str, Tensor] = {}
        self.noting = False
        own = {
            name: _Seeing(self, name, attend)
            for name in unet.attn_processors
            if name.endswith("attn1.processor")
        }
        unet.set_attn_processor({name: own.get(name, attend) for name in unet.attn_processors})

    @contextmanager
    def note(self) -> Iterator[None]:
        """Within the block self-attentions note their tokens; what is noted is read once, by the
        next pass outside of it."""
        self.noted.clear()
        self.noting = True
        try:
            yield
        finally:
            self.noting = False


class _Seeing:
    """A self-attention whose keys and values come from its own tokens [B,N,C] and the noted ones
    [B,M,C]."""

    def __init__(self, reference: Reference, name: str, attend: Attend) -> None:
        self.reference, self.name, self.attend = reference, name, attend

    def __call__(
        self,
        attention: Any,
        hidden_states: Tensor,
        encoder_hidden_states: None = None,
        **given: Any,
    ) -> Tensor:
        """Called as diffusers calls an attention processor; a self-attention gets no
        encoder_hidden_states."""
        if self.reference.noting:
            self.reference.noted[self.name] = hidden_states
            return self.attend(attention, hidden_states, **given)
        seen = torch.cat([hidden_states, self.reference.noted.pop(self.name)], dim=1)
        return self.attend(attention, hidden_states, encoder_hidden_states=seen, **given)
