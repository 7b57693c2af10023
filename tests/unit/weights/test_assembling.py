"""Networks from the parts of a diffusers folder: strictly, one copy, whatever library wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.networks.dinov2 import NEWER
from pipeline.weights import assembling
from tests.support import tiny

EYE = "image_encoder_dinov2"
WEIGHTS = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tiny.triposg(tmp_path)


def test_every_tensor_is_the_files_own_and_lies_in_the_networks_own_memory(folder: Path) -> None:
    for part, drawn in tiny.triposg_parts().items():
        loaded = assembling.load(folder, part).state_dict()
        assert loaded.keys() == drawn.state_dict().keys()
        assert all(torch.equal(loaded[name], value) for name, value in drawn.state_dict().items())
        assert not any(value.requires_grad for value in loaded.values())


def test_it_may_be_held_in_half_precision(folder: Path) -> None:
    half = assembling.load(folder, "transformer", kind=torch.float16)
    assert {value.dtype for value in half.state_dict().values()} == {torch.float16}


def test_files_of_a_newer_library_spell_the_image_encoder_otherwise(folder: Path) -> None:
    path = folder / EYE / "model.safetensors"
    before = assembling.load(folder, EYE).state_dict()

    def newer(name: str) -> str:
        for new, old in NEWER.items():
            name = name.replace(old, new)
        return name

    renamed = {newer(name): value for name, value in load_file(path).items()}
    assert any(".q_proj." in name for name in renamed)
    save_file(renamed, path)
    after = assembling.load(folder, EYE).state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert weights.verify(folder.parent)[0].problem is None


def test_a_part_in_shards_is_loaded_from_all_of_them(folder: Path) -> None:
    path = folder / "transformer" / WEIGHTS
    before = assembling.load(folder, "transformer").state_dict()
    names = sorted(before)
    shards = {f"{path.stem}-0000{k + 1}-of-00002.safetensors": names[k::2] for k in range(2)}
    for file, held in shards.items():
        save_file({name: before[name] for name in held}, path.with_name(file))
    told = {name: file for file, held in shards.items() for name in held}
    path.with_name(f"{path.name}.index.json").write_text(json.dumps({"weight_map": told}))
    path.unlink()
    assert weights.problem(folder.parent, "triposg") is None
    after = assembling.load(folder, "transformer").state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


@pytest.mark.parametrize("change", ["missing", "unknown", "shape"])
def test_a_tensor_that_does_not_fit_is_named_by_load_and_by_verify(
    folder: Path, change: str
) -> None:
    path = folder / "vae" / WEIGHTS
    state = load_file(path)
    if change == "missing":
        del state["quant.bias"]
    elif change == "unknown":
        state["quant.extra"] = torch.zeros(1)
    else:
        state["quant.bias"] = torch.zeros(9)
    save_file(state, path)
    with pytest.raises(BackendUnavailable, match=r"vae/: tensor quant\.") as caught:
        assembling.load(folder, "vae")
    assert "models pull triposg" in caught.value.remedy
    assert "vae/: tensor quant." in str(weights.verify(folder.parent)[0].problem)


def test_a_configuration_without_a_size_is_named(folder: Path) -> None:
    path = folder / "transformer" / "config.json"
    said = json.loads(path.read_text())
    del said["width"]
    path.write_text(json.dumps(said))
    with pytest.raises(BackendUnavailable, match=r"transformer/config.json does not tell 'width'"):
        assembling.load(folder, "transformer")
