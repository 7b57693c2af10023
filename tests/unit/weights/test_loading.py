"""Model files are refused by name before any work, and imported without trusting them."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.weights import convert, loading, sources, tensorfile
from pipeline.weights.tensorfile import sha256
from tests.support import tiny


def refused(folder: Path) -> str:
    """Why loading FOLDER is refused; the quick look must agree wherever it can see the trouble."""
    with pytest.raises(BackendUnavailable) as caught:
        loading.load(folder)
    assert "inbox3d models" in caught.value.remedy
    assert caught.value.message.startswith(f"Model {folder.name}: ")
    return caught.value.message


def test_a_saved_network_loads_with_the_same_tensors(tmp_path: Path) -> None:
    saved = tiny.triposr(tmp_path)
    loaded = loading.load(tmp_path / "triposr")
    for name, tensor in saved.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    assert weights.problem(tmp_path, "triposr") is None
    assert [row.problem for row in weights.verify(tmp_path)] == [None]


def test_a_fingerprint_tells_weights_of_equal_shape_apart(tmp_path: Path) -> None:
    """It stands in job.json: of our own files as recorded at import, of a diffusers folder over everything it holds."""
    tiny.triposr(tmp_path)
    assert weights.fingerprint(tmp_path, "triposr") == sha256(
        tmp_path / "triposr" / "model.safetensors"
    )
    folder = tmp_path / "of-two-parts"
    (folder / "unet").mkdir(parents=True)
    (folder / weights.INDEX).write_text('{"unet": ["diffusers", "UNet2DConditionModel"]}')
    (folder / "unet" / "config.json").write_text("{}")
    seen = set()
    for number in (1.0, 2.0):
        save_file(
            {"weight": torch.full((4,), number)},
            folder / "unet" / "diffusion_pytorch_model.safetensors",
        )
        os.utime(folder / "unet" / "diffusion_pytorch_model.safetensors", ns=(0, int(number)))
        seen.add(weights.fingerprint(tmp_path, "of-two-parts"))
    assert len(seen) == 2


def test_weights_that_were_put_in_place_of_others_are_not_told_as_those(tmp_path: Path) -> None:
    """model.json still names the first: what is loaded counts."""
    tiny.triposr(tmp_path)
    path = tmp_path / "triposr" / "model.safetensors"
    first, stamp = weights.fingerprint(tmp_path, "triposr"), weights.stamp(path.parent)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert weights.fingerprint(tmp_path, "triposr") == sha256(path) != first
    assert weights.stamp(path.parent) != stamp
    assert weights.stamp(tmp_path / "nothing") == ()


def test_missing_weights_are_named(tmp_path: Path) -> None:
    assert weights.problem(tmp_path, "triposr") == "is not in the models folder"
    assert weights.problem(None, "triposr") == "is not in the models folder"
    with pytest.raises(BackendUnavailable, match="Model triposr: is not in the models folder"):
        weights.require(tmp_path, "triposr")
    tiny.triposr(tmp_path)
    (tmp_path / "triposr" / "model.safetensors").unlink()
    assert weights.problem(tmp_path, "triposr") == "model.safetensors is missing"
    assert "model.safetensors is missing" in refused(tmp_path / "triposr")


def test_a_truncated_file_is_corrupt(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    path = tmp_path / "triposr" / "model.safetensors"
    os.truncate(path, path.stat().st_size - 4)
    assert "corrupt" in (weights.problem(tmp_path, "triposr") or "")
    assert "model.safetensors is corrupt" in refused(tmp_path / "triposr")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.7])
def test_a_file_of_full_size_that_was_never_filled_is_corrupt(tmp_path: Path, share: float) -> None:
    """A stick that was pulled out, a copier that makes room first: header and size are right, the tensors are zeros."""
    tiny.triposr(tmp_path)
    path = tmp_path / "triposr" / "model.safetensors"
    data = path.read_bytes()
    begin = 8 + int.from_bytes(data[:8], "little")
    filled = begin + int(share * (len(data) - begin))
    path.write_bytes(data[:filled] + bytes(len(data) - filled))
    assert "it was not filled: its last" in (weights.problem(tmp_path, "triposr") or "")
    assert "are zeros" in refused(tmp_path / "triposr")


def test_layers_of_zeros_at_the_end_are_no_sign_of_a_file_that_was_not_filled(
    tmp_path: Path,
) -> None:
    """Layers that training did not move, which may be the last ones and large."""
    path = tmp_path / "model.safetensors"
    save_file({"a.weight": torch.ones(4, 5), "b.bias": torch.zeros(9000)}, path)
    assert tensorfile.header(path) == {"a.weight": (4, 5), "b.bias": (9000,)}
    path.write_bytes(path.read_bytes()[:-36_080] + bytes(36_080))
    with pytest.raises(BackendUnavailable, match="was not filled: its last 36,0"):
        tensorfile.header(path)


@pytest.mark.parametrize(
    "content", [b"\x01", b"\x00" * 64, b"\xff" * 64, b"\x10" + b"\x00" * 7 + b"no json at all!!"]
)
def test_garbage_is_corrupt(tmp_path: Path, content: bytes) -> None:
    tiny.triposr(tmp_path)
    (tmp_path / "triposr" / "model.safetensors").write_bytes(content)
    assert "model.safetensors is corrupt" in refused(tmp_path / "triposr")


def test_a_flipped_bit_is_found_by_verify(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    path = tmp_path / "triposr" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert weights.problem(tmp_path, "triposr") is None  # the quick look reads headers only
    assert "SHA-256" in (weights.verify(tmp_path)[0].problem or "")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_refused_whatever_its_name(tmp_path: Path, zipped: bool) -> None:
    network = tiny.triposr(tmp_path)
    torch.save(
        network.state_dict(),
        tmp_path / "triposr" / "model.safetensors",
        _use_new_zipfile_serialization=zipped,
    )
    assert "model.safetensors is a pickle" in (weights.problem(tmp_path, "triposr") or "")
    assert "model.safetensors is a pickle" in refused(tmp_path / "triposr")


@pytest.mark.parametrize("length", [0x80, 0x4B50])
def test_a_header_whose_length_begins_like_a_pickle_or_a_zip_is_no_pickle(
    tmp_path: Path, length: int
) -> None:
    """A header is as long as it is: one in 32 begins with the byte of a pickle."""
    tensor = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    head = json.dumps(tensor).encode().ljust(length)
    path = tmp_path / "model.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + head + b"\0\0\x80?")
    assert tensorfile.header(path) == {"a": (1,)}
    assert convert.tensors(path, "")["a"].tolist() == [1.0]
    assert sources.find(path, "triposr").path == path


def test_a_wrong_size_a_missing_and_a_strange_tensor_are_named(tmp_path: Path) -> None:
    state = tiny.triposr(tmp_path).state_dict()
    path = tmp_path / "triposr" / "model.safetensors"
    save_file({**state, "tokenizer.embeddings": torch.zeros(3, 32, 4, 5)}, path)
    assert (
        "tensor tokenizer.embeddings has shape [3, 32, 4, 5], the network needs [3, 32, 4, 4]"
        in refused(tmp_path / "triposr")
    )
    save_file(
        {name: tensor for name, tensor in state.items() if name != "decoder.layers.0.bias"}, path
    )
    assert "tensor decoder.layers.0.bias is missing" in refused(tmp_path / "triposr")
    save_file({**state, "stranger": torch.zeros(1)}, path)
    assert "tensor stranger does not belong to the network" in refused(tmp_path / "triposr")


def test_sizes_that_describe_no_network_are_refused(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    path = tmp_path / "triposr" / "model.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "sizes": {"wheels": 4}}))
    assert "no network we know" in refused(tmp_path / "triposr")
    path.write_text("{}")
    assert "model.json is not of format 1" in refused(tmp_path / "triposr")


@pytest.mark.slow
def test_a_checkpoint_is_imported_by_its_prefix_and_without_strange_keys(tmp_path: Path) -> None:
    network = tiny.instantmesh(tmp_path / "made")
    sizes = json.loads((tmp_path / "made" / "instantmesh-large" / "model.json").read_text())[
        "sizes"
    ]
    state = {f"lrm_generator.{name}": tensor for name, tensor in network.state_dict().items()}
    state |= {"loss.weight": torch.zeros(3), "lrm_generator.source_camera": torch.zeros(16)}
    torch.save({"state_dict": state, "epoch": 7}, tmp_path / "instant_mesh_large.ckpt")
    folder = weights.import_model(
        tmp_path / "instant_mesh_large.ckpt", tmp_path / "models", sizes=sizes
    )
    assert folder.name == "instantmesh-large"
    assert loading.load(folder).state_dict().keys() == network.state_dict().keys()
    assert weights.facts(folder)["origin"]["sha256"] == sha256(tmp_path / "instant_mesh_large.ckpt")


@pytest.mark.slow
def test_a_checkpoint_that_would_run_code_is_not_opened(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/boom",)

    (tmp_path / "x.ckpt").write_bytes(pickle.dumps({"state_dict": Bomb()}))
    with pytest.raises(
        BackendUnavailable, match=r"x\.ckpt cannot be imported: it holds more than tensors"
    ):
        weights.import_model(tmp_path / "x.ckpt", tmp_path / "models", "instantmesh-large")
    assert not (tmp_path / "boom").exists()
    assert not (tmp_path / "models" / "instantmesh-large").exists()


def test_a_file_that_is_not_the_published_one_is_refused_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt").write_bytes(b"\x80something else")
    with pytest.raises(BackendUnavailable, match="is not the published triposr"):
        weights.import_model(tmp_path / "model.ckpt", tmp_path / "models", "triposr")


def test_every_known_model_is_listed_present_or_not(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    rows = {row.name: row for row in weights.listing(tmp_path)}
    assert rows.keys() == weights.KNOWN.keys()
    assert rows["triposr"].present
    assert not rows["flux-schnell"].present
    assert weights.KNOWN["instantmesh-base"].file == "instant_mesh_base.ckpt"


def test_the_module_is_light() -> None:
    code = "import sys, pipeline.weights; print([m for m in ('torch', 'safetensors', 'huggingface_hub', 'numpy') if m in sys.modules])"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_backends_follow_from_the_weights_that_are_there(tmp_path: Path) -> None:
    assert weights.backends(None) == ("visual-hull", "placeholder")
    tiny.triposr(tmp_path)
    tiny.instantmesh(tmp_path)
    assert weights.backends(tmp_path) == ("instantmesh", "triposr", "visual-hull", "placeholder")
    (tmp_path / "triposr" / "model.safetensors").unlink()
    assert weights.backends(tmp_path) == ("instantmesh", "visual-hull", "placeholder")
