"""FLUX loads from a local folder with the network blocked, and the same seeds give the same views."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from pipeline import weights
from pipeline.backends import components, generator_protocol, generators, hot
from pipeline.errors import BackendUnavailable, OutOfGpuMemory
from tests.support import tinyflux


@pytest.mark.slow
def test_a_tiny_flux_folder_generates_and_is_refused_by_name_when_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One folder serves all the looks, because building and importing take most of the time."""
    import torch

    from pipeline.backends import flux

    def blocked(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    tinyflux.save(tmp_path / "flux-schnell")
    monkeypatch.setattr(socket.socket, "connect", blocked)
    assert weights.problem(tmp_path, "flux-schnell") is None
    generator = generators.choose(tmp_path, {})
    assert isinstance(generator, flux.Flux)
    generator.size = (80, 64)
    shots = generator_protocol.shots("a red cube", 4, 7)
    first, again = (generator.generate(shots, 2) for _ in range(2))
    assert (first.label, first.source, len(first.pictures)) == (None, "flux-schnell", 4)
    assert first.pictures[0].shape == (64, 80, 3)
    np.testing.assert_array_equal(first.pictures, again.pictures)
    assert np.abs(first.pictures[0].astype(int) - first.pictures[1]).mean() > 1

    assert first.notes == (
        "The prompt is long: one of FLUX's two readers stops after 77 of 92 tokens; say what matters first.",
    )
    told = generator.generate(generator_protocol.shots("a red cube " * 20, 1, 7), 1).notes
    assert "FLUX reads 256 tokens" in told[0]

    sizes: list[int] = []
    pipe = flux._pipeline(generator.folder)
    assert flux._pipeline(generator.folder) is pipe
    before, config = pipe, generator.folder / "transformer" / "config.json"
    config.write_bytes(config.read_bytes())
    pipe = flux._pipeline(generator.folder)  # nobody knows what was exchanged: it is loaded anew
    assert pipe is not before and flux._pipeline(generator.folder) is pipe

    def short(*_: Any, **given: Any) -> None:
        sizes.append(len(given["prompt"]))
        raise torch.OutOfMemoryError("simulated")

    monkeypatch.setattr(type(pipe), "__call__", short)
    with pytest.raises(OutOfGpuMemory):
        generator.generate(shots, 2)
    assert sizes == [4, 2]

    path = tmp_path / "flux-schnell" / "transformer" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    for changed, words in (
        ({}, "proj_out.bias is missing"),
        ({"proj_out.bias": torch.zeros(3)}, r"proj_out\.bias"),
    ):
        others = {name: tensor for name, tensor in state.items() if name != "proj_out.bias"}
        save_file({**others, **changed}, path, metadata={"format": "pt"})
        hot.forget()
        with pytest.raises(
            BackendUnavailable, match=f"Model flux-schnell, transformer/ does not load: .*{words}"
        ):
            generator.generate(shots, 2)
    words = tmp_path / "flux-schnell" / "tokenizer_2" / "tokenizer.json"
    kept = words.read_text()
    said = json.loads(kept)
    said["model"]["vocab"] = said["model"]["vocab"][:4]
    words.write_text(json.dumps(said))
    assert weights.problem(tmp_path, "flux-schnell") is None, (
        "what it knows is seen only when it is asked"
    )
    with pytest.raises(
        BackendUnavailable, match="tokenizer_2/ does not load: plain words are unknown to it"
    ):
        components.load(tmp_path / "flux-schnell", ["tokenizer_2"], torch.float32)
    words.write_text(kept)

    path.unlink()
    assert (
        weights.problem(tmp_path, "flux-schnell")
        == "transformer/ holds no safetensors file of the name diffusion_pytorch_model.safetensors"
    )
    with pytest.raises(BackendUnavailable, match="flux-schnell, transformer/"):
        generator.generate(shots, 2)
