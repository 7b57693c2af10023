"""Every mistake that is easily made in TripoSG shows in the recorded tensors."""

from __future__ import annotations

import functools
import inspect
import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from pipeline.backends import grounds
from pipeline.networks import dinov2
from pipeline.networks.triposg import Transformer, blocks, image, sampling, transformer, vae
from tests.parity import triposg
from tests.parity.compare import compare, load


class Planted(NamedTuple):
    """OLD becomes NEW in FUNCTION, which OWNERS hold under that name: TENSOR is off by LEAST."""

    owners: tuple[Any, ...]
    function: str
    old: str
    new: str
    tensor: str
    least: float


DEALT = "rows.reshape(*rows.shape[:2], self.heads, len(projected), -1)"
RESIZED = "np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling(resample)))"
BY_TORCH = (
    "torch.nn.functional.interpolate(torch.from_numpy(rgb).permute(2, 0, 1)[None].float(),"
    " size[::-1], mode='bicubic', antialias=True)[0].permute(1, 2, 0).numpy()"
)


def plain_split(count: int) -> str:
    """Where there are COUNT projections, they are cut one by one."""
    plain = "rows.reshape(*rows.shape[:2], len(projected), self.heads, -1).transpose(-2, -3)"
    return f"{plain} if len(projected) == {count} else {DEALT}"


MISTAKES = {
    "self-attention's heads split plainly": Planted(
        (blocks.Attention,), "_dealt", DEALT, plain_split(3), "enc_block1", 1.0
    ),
    "cross-attention's heads split plainly": Planted(
        (blocks.Attention,), "_dealt", DEALT, plain_split(2), "enc_block0", 1.0
    ),
    "the context is not normed": Planted(
        (blocks.Attention,), "look", 'hasattr(self, "norm_cross")', "False", "enc_block0", 0.3
    ),
    "the skip comes second": Planted(
        (blocks.Block,), "forward", "[skipped, x]", "[x, skipped]", "dit_first_skip_merged", 0.8
    ),
    "skips first in, first out": Planted(
        (Transformer,), "forward", "kept.pop()", "kept.pop(0)", "dit_first_skip_merged", 0.4
    ),
    "the skip is not normed": Planted(
        (blocks.Block,), "forward", "self.skip_norm(", "(", "dit_block_first_skip", 0.5
    ),
    "the time token comes last": Planted(
        (Transformer,),
        "forward",
        "[self.time_token(times)[:, None], self.proj_in(latents)]",
        "[self.proj_in(latents), self.time_token(times)[:, None]]",
        "dit_block0",
        2.0,
    ),
    "cosines before sines": Planted(
        (transformer,),
        "time_features",
        "[angles.sin(), angles.cos()]",
        "[angles.cos(), angles.sin()]",
        "dit_block0",
        0.7,
    ),
    "one frequency too few": Planted(
        (transformer,), "time_features", "steps / half", "steps / (half - 1)", "dit_block0", 0.5
    ),
    "SiLU in the time's MLP": Planted(
        (Transformer,), "time_token", "F.gelu", "F.silu", "dit_block0", 0.1
    ),
    "GELU by tanh": Planted(
        (blocks.FeedForward,), "forward", "(x))", "(x), approximate='tanh')", "enc_block0", 1e-4
    ),
    "an embedding by frequency": Planted(
        (vae, triposg),
        "embedded",
        "points[..., None] * powers",
        "points[..., None, :] * powers[:, None]",
        "enc_query_features",
        0.5,
    ),
    "the field's sign": Planted(
        (vae.Decoder,), "forward", "-outside", "outside", "query_field", 2.0
    ),
    "steps away from the data": Planted(
        (sampling, triposg),
        "sampled",
        "levels[k] - levels[k + 1]",
        "levels[k + 1] - levels[k]",
        "sample_latents_0",
        5.0,
    ),
    "positions with antialiasing": Planted(
        (dinov2.Embeddings,),
        "positions",
        "align_corners=False",
        "align_corners=False, antialias=True",
        "dino_embeddings",
        0.1,
    ),
    "positions by a scale factor": Planted(
        (dinov2.Embeddings,),
        "positions",
        "size=(rows, columns)",
        "scale_factor=((rows + 0.1) / self.side, (columns + 0.1) / self.side)",
        "dino_embeddings",
        0.1,
    ),
    "torch resizes the picture": Planted(
        (grounds, triposg), "cropped", RESIZED, BY_TORCH, "pixel_values", 0.03
    ),
    "rounded to bytes": Planted(
        (image, triposg), "on_white", "(padded * 255)", "(padded * 255 + 0.5)", "pre_rgb_1", 0.5
    ),
}


def plant(monkeypatch: pytest.MonkeyPatch, mistake: Planted) -> None:
    """Replace the function by its own source with the mistake in it."""
    owner = mistake.owners[0]
    right = getattr(owner, mistake.function)
    source = textwrap.dedent(inspect.getsource(right))
    assert source.count(mistake.old) == 1, "the mistake is not where it was"
    names = dict(right.__globals__)
    text = source.replace(mistake.old, mistake.new)
    exec("from __future__ import annotations\n" + text, names)
    for one in mistake.owners:
        monkeypatch.setattr(one, mistake.function, names[mistake.function])


def off(testdata: Path, tensor: str) -> tuple[float, float]:
    """(how far TENSOR of the small set is off, how far it may be)."""
    path = testdata / "goldens" / "triposg" / "small.json"
    facts, recorded = json.loads(path.read_text()), load(path.with_suffix(".npz"))
    with torch.inference_mode():
        values, _ = triposg.computed(facts, recorded)
        (line,) = compare({tensor: recorded[tensor]}, values, full=False)
    return line.largest, line.tolerance


@pytest.mark.slow
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_shows_in_the_recorded_tensors(
    testdata: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    mistake = MISTAKES[name]
    plant(monkeypatch, mistake)
    found, allowed = off(testdata, mistake.tensor)
    assert found > max(mistake.least, allowed)


def without_rms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.RMSNorm, "forward", lambda self, x: x)


def with_less_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    small = functools.partialmethod(nn.LayerNorm.__init__, eps=1e-6)
    monkeypatch.setattr(nn.LayerNorm, "__init__", small)


@pytest.mark.parametrize(
    ("change", "tensor", "least"),
    [(without_rms, "dit_block0", 0.2), (with_less_epsilon, "enc_block1", 3e-5)],
)
def test_a_mistake_in_the_norms_shows_too(
    testdata: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[pytest.MonkeyPatch], None],
    tensor: str,
    least: float,
) -> None:
    change(monkeypatch)
    found, allowed = off(testdata, tensor)
    assert found > max(least, allowed)
