"""The pure part of Zero123++: tiles, prompts, and attention that also sees the picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.networks.instantmesh.cameras import AZIMUTHS, ELEVATIONS
from pipeline.networks.zero123plus import Reference, image_of, prompt_of, tiles


class Layer:
    """Stands in for diffusers' UNet: one self-attention and one cross-attention that are asked in turn."""

    def __init__(self) -> None:
        self.attn_processors: dict[str, Any] = {
            "mid.attn1.processor": None,
            "mid.attn2.processor": None,
        }

    def set_attn_processor(self, processors: dict[str, Any]) -> None:
        self.attn_processors = processors

    def __call__(self, tokens: Tensor, words: Tensor) -> Tensor:
        tokens = tokens + self.attn_processors["mid.attn1.processor"](
            None, tokens, encoder_hidden_states=None
        )
        done: Tensor = tokens + self.attn_processors["mid.attn2.processor"](
            None, tokens, encoder_hidden_states=words
        )
        return done


def attend(
    _: Any, hidden_states: Tensor, encoder_hidden_states: Tensor | None = None, **given: Any
) -> Tensor:
    context = hidden_states if encoder_hidden_states is None else encoder_hidden_states
    return F.scaled_dot_product_attention(hidden_states, context, context)


@pytest.fixture
def drawn() -> tuple[Layer, Reference, Tensor, Tensor]:
    torch.manual_seed(0)
    layer = Layer()
    return layer, Reference(layer, attend), torch.randn(2, 5, 8), torch.randn(2, 3, 8)


def test_seeing_itself_beside_itself_changes_nothing(
    drawn: tuple[Layer, Reference, Tensor, Tensor],
) -> None:
    """Every key twice gives the same weighted mean; so the passes work as attention should, and cross-attention is left alone."""
    layer, reference, tokens, words = drawn
    with reference.note():
        plain = layer(tokens, words)
    torch.testing.assert_close(layer(tokens, words), plain)


def test_another_picture_gives_other_tokens_and_is_read_once(
    drawn: tuple[Layer, Reference, Tensor, Tensor],
) -> None:
    layer, reference, tokens, words = drawn
    seen = []
    for picture in (torch.zeros(2, 7, 8), torch.ones(2, 7, 8)):
        with reference.note():
            layer(picture, words)
        seen.append(layer(tokens, words))
        assert reference.noted == {}
    assert (seen[0] - seen[1]).abs().max() > 0.1
    with pytest.raises(KeyError):
        layer(tokens, words)


def test_each_half_sees_its_own_reference(drawn: tuple[Layer, Reference, Tensor, Tensor]) -> None:
    layer, reference, tokens, words = drawn
    picture = torch.randn(2, 7, 8)
    seen = []
    for second in (picture[1], -picture[1]):
        with reference.note():
            layer(torch.stack([picture[0], second]), words)
        seen.append(layer(tokens, words))
    torch.testing.assert_close(seen[0][0], seen[1][0])
    assert (seen[0][1] - seen[1][1]).abs().max() > 0.1


def test_the_grid_is_cut_row_by_row_into_the_six_published_views() -> None:
    grid = torch.zeros(1, 3, 12, 8)
    for k in range(6):
        grid[0, :, 4 * (k // 2) : 4 * (k // 2) + 4, 4 * (k % 2) : 4 * (k % 2) + 4] = k
    assert [view.unique().tolist() for view in tiles(grid)] == [[k] for k in range(6)]
    assert tiles(grid).shape == (6, 3, 4, 4)
    corner = torch.arange(96.0).reshape(1, 1, 12, 8)
    torch.testing.assert_close(tiles(corner)[3, 0], corner[0, 0, 4:8, 4:8])
    assert (AZIMUTHS, ELEVATIONS) == ((30, 90, 150, 210, 270, 330), (20, -10, 20, -10, 20, -10))


def test_the_picture_is_added_to_the_empty_prompt_by_the_ramp_and_to_one_half_only() -> None:
    text, picture, ramp = (
        torch.randn(1, 4, 6),
        torch.randn(1, 6),
        torch.tensor([0.0, 0.5, 1.0, 2.0]),
    )
    without, along = prompt_of(text, picture, ramp)
    torch.testing.assert_close(without, text[0])
    torch.testing.assert_close(along - without, torch.outer(ramp, picture[0]))


def test_latents_are_brought_back_to_the_vaes_scale_and_pictures_to_theirs() -> None:
    class Vae:
        dtype = torch.float32
        config = type("Config", (), {"scaling_factor": 0.5})

        def decode(self, latents: Tensor) -> Any:
            return type("Output", (), {"sample": latents})

    latents = torch.tensor([[[[-0.15]]]])
    torch.testing.assert_close(
        image_of(Vae(), latents),
        ((-0.15 / 0.75 + 0.22) / 0.5 * 1.6 / 2 + 0.5) * torch.ones(1, 1, 1, 1),
    )
    assert image_of(Vae(), latents * -100).max() == 1
