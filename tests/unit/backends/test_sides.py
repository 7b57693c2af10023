"""Sides of an object by FLUX.2 klein base: low-rank changes merged, references in order, and words for what is lacking."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline import weights
from pipeline.backends import hot, klein, lowrank, pace, sides
from pipeline.errors import BackendUnavailable, OutOfGpuMemory
from tests.support import tinyklein


@pytest.fixture(autouse=True)
def _nothing_held_and_no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def blocked(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", blocked)
    monkeypatch.setattr(sides, "STEPS", 2)
    monkeypatch.setattr(sides, "EDGE", 64)
    monkeypatch.setattr(klein, "MOST", 160)
    yield
    hot.forget()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read by every test, written by none."""
    folder = tmp_path_factory.mktemp("models")
    tinyklein.save(folder / "flux2-klein-base", distilled=False)
    tinyklein.depth(folder)
    return folder


def pictures(*levels: int) -> list[Image.Image]:
    return [Image.new("RGB", (80, 80), (level, 128, 255 - level)) for level in levels]


@pytest.mark.slow
def test_a_side_follows_its_references_its_seed_and_the_merged_changes(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One loaded pipeline serves all the looks."""
    told: list[float] = []
    first = sides.drawn(models, "back view", pictures(10, 200), 7, told.append)
    assert first.shape == (64, 64, 3) and told == [0.5, 1.0]
    again = sides.drawn(models, "back view", pictures(10, 200), 7, told.append)
    np.testing.assert_array_equal(first, again)
    for other in (pictures(200, 10), pictures(10, 200, 90)):
        assert (sides.drawn(models, "back view", other, 7, told.append) != first).any()

    pipe = hot._held["flux2-klein-base"][1]
    assert not pipe.config.is_distilled
    asked: list[tuple[int, int, float, str, list[tuple[int, int]]]] = []

    def short(*_: Any, **given: Any) -> None:
        sizes = [one.size for one in given["image"]]
        asked.append((given["width"], given["num_inference_steps"], given["guidance_scale"], given["prompt"], sizes))  # fmt: skip
        raise torch.OutOfMemoryError("simulated")

    with monkeypatch.context() as patch:
        patch.setattr(type(pipe), "__call__", short)
        with pytest.raises(OutOfGpuMemory):
            sides.drawn(models, "back view", pictures(1, 2, 3), 7, told.append)
    assert [row[:3] for row in asked] == [(64, 2, 4.0), (32, 2, 4.0)]
    assert asked[0][3].startswith("refcontrol, back view of the object in image 2")
    assert asked[1][4] == [(32, 32)] * 3

    changed = dict(pipe.transformer.named_parameters())
    hot.forget()
    plain = dict(klein.pipeline(models / "flux2-klein-base").transformer.named_parameters())
    state = tinyklein.depth(models)
    thin, wide = (state[f"diffusion_model.double_blocks.0.img_attn.qkv.lora_{half}.weight"] for half in "AB")  # fmt: skip
    whole = 0.9 * wide @ thin
    for k, name in enumerate(("to_q", "to_k", "to_v")):
        place = f"transformer_blocks.0.attn.{name}.weight"
        torch.testing.assert_close(changed[place] - plain[place], whole[32 * k : 32 * (k + 1)], atol=1e-6, rtol=1e-5)  # fmt: skip
    moved = {name for name in plain if not torch.equal(plain[name], changed[name])}
    assert len(moved) == 5


@pytest.mark.slow
def test_changes_of_another_network_are_refused_by_the_place_that_is_not_there(
    models: Path, tmp_path: Path
) -> None:
    from diffusers import Flux2Transformer2DModel

    small = Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=8, num_attention_heads=2, joint_attention_dim=48,
        timestep_guidance_channels=32, axes_dims_rope=(2, 2, 2, 2), guidance_embeds=False,
    )  # fmt: skip
    folder = models / "flux2-klein-depth"
    with pytest.raises(BackendUnavailable, match=r"flux2-klein-depth does not fit .*no place"):
        lowrank.merge(small, folder, 0.9)
    state = {"diffusion_model.other.0.lora_A.weight": torch.ones(2, 8), "diffusion_model.other.0.lora_B.weight": torch.ones(8, 2)}  # fmt: skip
    weights_of = tmp_path / "flux2-klein-depth"
    from pipeline.weights import loading

    loading.save_tensors(weights_of, state, loading.LORA, {})
    with pytest.raises(BackendUnavailable, match="flux2-klein-depth does not fit"):
        lowrank.merge(small, weights_of, 0.9)


@pytest.mark.slow
def test_what_is_lacking_is_told_in_words(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sides.lacks(models, None, None, 3) is None
    absent = sides.lacks(tmp_path, None, None, 3)
    assert absent == "model flux2-klein-base is not in the models folder"
    assert "of memory on a CPU, and a stage may use 1.00 GB" in str(
        sides.lacks(models, None, 10**9, 3)
    )
    monkeypatch.setattr(pace, "operations", lambda: 1e5)
    assert "on this CPU, and a stage may take 60 s" in str(sides.lacks(models, 60.0, None, 3))
    assert weights.problem(models, "flux2-klein-base") is None


@pytest.mark.parametrize(
    ("asked", "wanted"), [("flux2-klein", True), ("black-forest-labs/FLUX.2-klein-4B", True), ("schnell", False), ("", False)]
)  # fmt: skip
def test_a_host_draws_sides_where_it_draws_with_klein(asked: str, wanted: bool) -> None:
    assert sides.wanted({"FLUX_MODEL": asked}) == wanted
