"""Zero123++ loads from a local folder with the network blocked, and looks at the picture it is given."""

from __future__ import annotations

import json
import os
import shutil
import socket
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline import backends, weights
from pipeline.backends import Effort, Picture, hot, zero123plus
from pipeline.errors import BackendUnavailable, OutOfGpuMemory
from tests.support import tiny, tinyzero123

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zero123plus")
    tinyzero123.save(folder / "zero123plus")
    return folder


@pytest.fixture
def store(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A models folder of one's own, two steps instead of 75, tiles of 32 pixels, and no network."""

    def blocked(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    shutil.copytree(published / "zero123plus", tmp_path / "zero123plus")
    monkeypatch.setattr(socket.socket, "connect", blocked)
    monkeypatch.setattr(zero123plus, "STEPS", 2)
    monkeypatch.setattr(zero123plus, "TILE", 32)
    monkeypatch.setattr(zero123plus, "ROOM", 0)
    threads = torch.get_num_threads()
    torch.set_num_threads(
        1
    )  # for tensors this small, threads that wait for each other are all it would cost
    yield tmp_path
    torch.set_num_threads(threads)
    hot.forget()


def disc(colour: tuple[int, int, int] = (200, 40, 30), azimuth: float = 0.0) -> Picture:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[np.hypot(x, y) < 0.7] = (*colour, 255)
    return Picture(f"{azimuth:03.0f}", rgba, azimuth, 0.0, 30.0)


def six(store: Path, picture: Picture, seed: int = 5) -> Any:
    return np.stack(
        [view.rgba for view in zero123plus.six(picture, store, Effort(seed=seed))]
    ).astype(int)


@pytest.mark.slow
def test_one_picture_gives_six_posed_views_that_depend_on_it_and_on_the_seed_alone(
    store: Path,
) -> None:
    views = zero123plus.six(disc(azimuth=90.0), store, Effort(seed=5))
    assert [(view.azimuth, view.elevation) for view in views] == [
        (120, 20),
        (180, -10),
        (240, 20),
        (300, -10),
        (0, 20),
        (60, -10),
    ]
    assert {(view.rgba.shape, view.fov) for view in views} == {((32, 32, 4), 30.0)}
    first, other_seed, other_picture = (
        six(store, disc()),
        six(store, disc(), 6),
        six(store, disc((20, 40, 230))),
    )
    hot.forget()
    np.testing.assert_array_equal(six(store, disc()), first)
    assert np.abs(first - other_seed).mean() > 2
    assert np.abs(first - other_picture).mean() > 0.5


@pytest.mark.slow
def test_the_picture_is_seen_by_reference_attention_too(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the picture's embedding silenced, what is left comes through the self-attentions."""
    index = store / "zero123plus" / "model_index.json"
    index.write_text(
        json.dumps(
            {**json.loads(index.read_text()), "ramping_coefficients": [0.0] * tinyzero123.TOKENS}
        )
    )
    red, blue = six(store, disc()), six(store, disc((20, 40, 230)))
    assert np.abs(red - blue).mean() > 0.1


@pytest.mark.slow
def test_memory_is_back_when_it_does_not_fit_and_after_the_work(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    six(store, disc())
    held = weakref.ref(hot._held["zero123plus"][1].parts["unet"])

    def short(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("simulated")

    monkeypatch.setattr(zero123plus, "denoised", short)
    monkeypatch.setattr(zero123plus, "ROOM", 1 << 60)
    with pytest.raises(OutOfGpuMemory):
        six(store, disc())
    assert held() is None


@pytest.mark.slow
def test_instantmesh_draws_its_own_views_where_there_are_fewer_than_four(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.instantmesh(store)
    name, backend = backends.choose("auto", 1, store)
    assert name == "instantmesh"
    made = backend.reconstruct([disc()], store, Effort(grid=24))
    assert (made.used, [view.azimuth for view in made.drawn]) == (
        ("000",),
        [30, 90, 150, 210, 270, 330],
    )
    assert made.facts["views_drawn_by"] == "zero123plus"
    turned = backend.reconstruct([disc(azimuth=90.0)], store, Effort(grid=24))
    np.testing.assert_allclose(
        turned.surface.vertices[:, [0, 2]], made.surface.vertices[:, [2, 0]] * [1, -1], atol=1e-6
    )


@pytest.mark.slow
def test_what_is_broken_is_refused_by_name_when_it_is_loaded(store: Path) -> None:
    path = store / "zero123plus" / UNET
    state = load_file(path)
    save_file(
        {name: tensor for name, tensor in state.items() if name != "conv_in.bias"},
        path,
        metadata={"format": "pt"},
    )
    with pytest.raises(
        BackendUnavailable,
        match=r"Model zero123plus, unet/ does not load: tensor conv_in\.bias is missing",
    ):
        six(store, disc())
    save_file({**state, "conv_in.bias": torch.zeros(7)}, path, metadata={"format": "pt"})
    with pytest.raises(
        BackendUnavailable, match=r"Model zero123plus, unet/ does not load: .*conv_in\.bias"
    ):
        six(store, disc())


@pytest.mark.slow
def test_what_is_missing_or_corrupt_is_named_before_any_work(store: Path) -> None:
    folder = store / "zero123plus"
    assert weights.problem(store, "zero123plus") is None
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(
        json.dumps({k: v for k, v in index.items() if k != "ramping_coefficients"})
    )
    assert (weights.problem(store, "zero123plus") or "").startswith(
        "model_index.json names no ramping_coefficients"
    )
    (folder / "model_index.json").write_text(json.dumps(index))
    os.truncate(folder / UNET, (folder / UNET).stat().st_size - 4)
    assert "diffusion_pytorch_model.safetensors is corrupt" in (
        weights.problem(store, "zero123plus") or ""
    )
    (folder / UNET).write_bytes(b"\x80\x04")
    assert "is a pickle" in (weights.problem(store, "zero123plus") or "")
    with pytest.raises(
        BackendUnavailable,
        match=r"needs at least 4 views of known azimuth, there are 1, .*is a pickle",
    ):
        tiny.instantmesh(store)
        backends.choose("instantmesh", 1, store)


def test_without_it_one_view_is_too_few_for_instantmesh_and_auto_steps_down(tmp_path: Path) -> None:
    tiny.instantmesh(tmp_path)
    with pytest.raises(BackendUnavailable, match="model zero123plus is not in the models folder"):
        backends.choose("instantmesh", 1, tmp_path)
    assert backends.choose("auto", 1, tmp_path)[0] == "visual-hull"
    assert "zero123plus" in backends.passed_over("visual-hull", 1, tmp_path)["instantmesh"]
    assert backends.passed_over("instantmesh", 4, tmp_path) == {}
