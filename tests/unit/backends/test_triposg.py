"""TripoSG as a backend: upright closed meshes from one picture, in parts, and words for what it
lacks."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline import backends, weights
from pipeline.backends import Effort, Picture, hot, memory, pace
from pipeline.errors import BackendUnavailable, MeshEmpty, OutOfGpuMemory
from pipeline.geometry.topology import verdict, volume
from pipeline.gpu import fast
from pipeline.networks.triposg import VAE, Transformer, sampling
from pipeline.weights import assembling
from tests.support import solids, tiny

QUICK = Effort(grid=16, steps=2, chunk=8000)


@pytest.fixture(autouse=True)
def _few_tokens_and_nothing_held(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sampling, "TOKENS", 24)
    yield
    hot.forget()


@pytest.fixture(scope="module")
def animal() -> Picture:
    return solids.cut_out(solids.SOLIDS["animal"], [0.0], size=96)[0]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, animal: Picture) -> Iterator[Path]:
    """Read by every test, written by none. What a first run imports is settled, and tiny products
    are left to one thread."""
    folder, threads = tmp_path_factory.mktemp("models"), torch.get_num_threads()
    torch.set_num_threads(1)
    tiny.triposg(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "TOKENS", 2)
        made(folder, animal, Effort(grid=8, steps=1))
    gc.freeze()
    yield folder
    torch.set_num_threads(threads)


def made(models: Path, picture: Picture, effort: Effort = QUICK) -> backends.Reconstruction:
    return backends.reconstructor("triposg").reconstruct([picture], models, effort)


def arrow(self: VAE, memory: Any, points: Tensor, chunk: int = 0) -> Tensor:
    """The arrow in the field's frame, which is the canonical one."""
    return 50 * torch.from_numpy(solids.ARROW(points.double().numpy())).float()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_shape_and_another_seed_another(
    models: Path, animal: Picture
) -> None:
    first, second = (made(models, animal).surface for _ in range(2))
    np.testing.assert_array_equal(first.vertices, second.vertices)
    np.testing.assert_array_equal(first.faces, second.faces)
    other = made(models, animal, Effort(grid=24, steps=2, seed=1)).surface
    assert other.vertices.shape != first.vertices.shape or (other.vertices != first.vertices).any()


@pytest.mark.slow
def test_more_steps_are_another_shape(models: Path, animal: Picture) -> None:
    few, many = (made(models, animal, Effort(grid=24, steps=n)).surface for n in (1, 3))
    assert few.vertices.shape != many.vertices.shape or (few.vertices != many.vertices).any()


@pytest.mark.slow
def test_even_a_random_field_comes_out_closed_and_says_where_it_is_cut(
    models: Path, animal: Picture
) -> None:
    result = made(models, animal)
    shape = verdict(result.surface.faces)
    assert (shape.closed, shape.oriented) == (True, True)
    assert volume(result.surface.vertices, result.surface.faces) > 0
    assert any("cut flat" in note for note in result.notes)
    assert abs(result.surface.vertices).max() <= 1.005


def test_the_arrow_stands_upright_at_its_own_size_whatever_the_pictures_azimuth(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VAE, "field", arrow)
    effort = Effort(grid=65, steps=1)
    for picture in (animal, animal._replace(azimuth=90.0)):
        result = made(models, picture, effort)
        vertices = result.surface.vertices
        assert solids.stands_upright_and_faces_front(vertices)
        assert volume(vertices, result.surface.faces) > 0
        assert not any("cut flat" in note for note in result.notes)
        assert any("90° did not turn it" in note for note in result.notes) == bool(picture.azimuth)
        inside = solids.ARROW(vertices)
        assert abs(inside).max() < 0.02  # half a step of the grid: the vertices lie on the arrow


def test_it_is_painted_with_the_picture_and_tells_how(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VAE, "field", arrow)
    rgba = animal.rgba.copy()
    rgba[:, :48, :3], rgba[:, 48:, :3] = (200, 30, 30), (30, 30, 200)
    rows = np.flatnonzero((rgba[..., 3] > 127).any(axis=1))
    rgba[: int(rows.mean()), :, 1] = 220  # the upper half
    result = made(models, animal._replace(rgba=rgba), Effort(grid=48, steps=1))
    colors = result.surface.colors
    assert colors is not None
    at, up = result.surface.vertices[:, :2].T
    low, high = (0.8 * up.min() + 0.2 * up.max(), 0.2 * up.min() + 0.8 * up.max())
    assert colors[up > high, 1].mean() > colors[up < low, 1].mean() + 100
    assert colors[at < -0.1, 0].mean() > colors[at < -0.1, 2].mean() + 50
    assert colors[at > 0.1, 2].mean() > colors[at > 0.1, 0].mean() + 50
    assert "as seen from straight ahead" in result.facts["colours"]


@pytest.mark.parametrize("value", [-1.0, -0.0])
def test_a_field_without_a_surface_is_an_empty_mesh_with_a_remedy(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    monkeypatch.setattr(
        VAE, "field", lambda self, memory, points, chunk=0: 0 * points[..., 0] + value
    )
    with pytest.raises(MeshEmpty) as caught:
        made(models, animal)
    assert "visual-hull" in caught.value.remedy


def test_a_flow_that_overflows_is_said_and_not_taken_for_an_empty_picture(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = Transformer.forward
    monkeypatch.setattr(
        Transformer, "forward", lambda *how: forward(*how) * torch.tensor(float("inf"))
    )
    with pytest.raises(MeshEmpty, match="precision can hold") as caught:
        made(models, animal)
    assert "[host] precision" in caught.value.remedy


def test_it_tells_every_step(models: Path, animal: Picture) -> None:
    said: list[tuple[float, str]] = []
    made(models, animal, Effort(grid=24, steps=3, progress=lambda *told: said.append(told)))
    words = [word for _, word in said]
    assert [f"step {k} of 3" in words for k in (1, 2, 3)] == [True] * 3
    assert "on this CPU: about" in words[0]
    assert [share for share, _ in said] == sorted(share for share, _ in said)
    assert said[-1][0] < 1


def test_when_memory_runs_out_the_halves_of_a_step_and_half_the_points_come_alone(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = made(models, animal).surface
    forward, field, chunks = Transformer.forward, VAE.field, []

    def short(self: Transformer, latents: Tensor, *others: Any) -> Tensor:
        if len(latents) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return forward(self, latents, *others)

    def few(self: VAE, seen: Any, points: Tensor, chunk: int) -> Tensor:
        chunks.append(chunk)
        if chunk > 500:
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return field(self, seen, points, chunk)

    monkeypatch.setattr(Transformer, "forward", short)
    monkeypatch.setattr(VAE, "field", few)
    found = made(models, animal).surface
    assert list(dict.fromkeys(chunks)) == [1000, 500]
    np.testing.assert_allclose(found.vertices, expected.vertices, atol=1e-4)


@pytest.mark.parametrize("part", ["image_encoder_dinov2", "transformer", "vae"])
@pytest.mark.parametrize("where", ["loading", "running"])
def test_memory_that_does_not_suffice_for_a_part_is_said_and_comes_back(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch, part: str, where: str
) -> None:
    load, tries = assembling.load, []

    def short(*_: Any, **__: Any) -> Any:
        tries.append(part)
        raise torch.OutOfMemoryError("CUDA out of memory (simulated)")

    def loaded(folder: Path, name: str, *how: Any) -> Any:
        if name == part and where == "loading":
            short()
        network = load(folder, name, *how)
        if name == part and where == "running":
            network.forward = network.memory = network.look = short
        return network

    monkeypatch.setattr(assembling, "load", loaded)
    with pytest.raises(OutOfGpuMemory, match="half the chunk"):
        made(models, animal)
    assert len(tries) >= 2


def test_in_half_precision_the_shape_is_nearly_the_same(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is held in float16 on a GPU, run where it can be: the latents stay in float32."""
    found: list[Tensor] = []
    sampled = sampling.sampled

    def kept(*how: Any) -> Tensor:
        found.append(sampled(*how))
        return found[-1]

    monkeypatch.setattr(sampling, "sampled", kept)
    exact = made(models, animal)
    monkeypatch.setattr(fast, "kind", lambda device, how=None: torch.float16)
    quick = made(models, animal)
    assert [latents.dtype for latents in found] == [torch.float32] * 2
    assert 0 < (found[1] - found[0]).abs().max() < 0.05 * found[0].std()
    assert verdict(quick.surface.faces).closed
    assert abs(len(quick.surface.faces) / len(exact.surface.faces) - 1) < 0.2


def test_on_a_cpu_one_part_at_a_time_is_in_memory(
    models: Path, animal: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    most: list[int] = []
    hold = hot.hold

    def watched(*how: Any) -> Any:
        result = hold(*how)
        most.append(len(hot._held))
        return result

    monkeypatch.setattr(hot, "hold", watched)
    made(models, animal)
    assert most == [1, 1, 1]


def test_for_one_picture_it_is_the_best_and_for_four_it_comes_after_instantmesh(
    models: Path, tmp_path: Path
) -> None:
    assert backends.choose("auto", 1, models)[0] == "triposg"
    assert backends.choose("auto", 4, models)[0] == "triposg"
    tiny.instantmesh(tmp_path)
    tiny.triposr(tmp_path)
    tiny.triposg(tmp_path)
    assert backends.choose("auto", 1, tmp_path)[0] == "triposg"
    assert backends.choose("auto", 4, tmp_path)[0] == "instantmesh"
    assert backends.choose("triposr", 1, tmp_path)[0] == "triposr"


def test_what_does_not_fit_into_the_machines_memory_steps_down_too(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    folder = tiny.triposg(tmp_path)
    part = (folder / "transformer" / "diffusion_pytorch_model.safetensors").stat().st_size
    enough = Effort(memory=1_400_000_000 + part)
    assert backends.choose("auto", 1, tmp_path, enough)[0] == "triposg"
    less = Effort(memory=1_400_000_000 + part - 1)
    assert backends.choose("auto", 1, tmp_path, less)[0] == "triposr"
    with pytest.raises(BackendUnavailable, match=r"it needs 1.40 GB of memory on a CPU"):
        backends.choose("triposg", 1, tmp_path, less)


def test_what_would_not_end_in_time_steps_down_and_is_refused_by_name(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named too: after an hour it would have been stopped."""
    tiny.triposr(tmp_path)
    tiny.triposg(tmp_path)
    monkeypatch.setattr(pace, "operations", lambda: 1000.0)
    slow = Effort(grid=24, steps=2, deadline=3600.0)
    assert backends.choose("auto", 1, tmp_path, slow)[0] == "triposr"
    assert "[worker] deadline" in backends.passed_over("triposr", 1, tmp_path, slow)["triposg"]
    with pytest.raises(BackendUnavailable, match=r"it would take about .* h on this CPU"):
        backends.choose("triposg", 1, tmp_path, slow)
    monkeypatch.setattr(memory, "device", lambda: "cuda")
    assert backends.choose("auto", 1, tmp_path, slow)[0] == "triposg"


@pytest.mark.parametrize(
    ("file", "said", "words"),
    [
        ("vae/config.json", {"embedding_type": "hash"}, "embedded by 'hash'"),
        ("vae/config.json", {"width_decoder": 48}, "has shape"),
        ("transformer/config.json", {"num_layers": 6}, "is missing"),
        ("transformer/config.json", {"use_cross_attention_2": True}, "another model's"),
        ("scheduler/scheduler_config.json", {"use_dynamic_shifting": True}, "not supported"),
        ("feature_extractor_dinov2/preprocessor_config.json", {"size": {}}, "shortest_edge"),
    ],
)
def test_a_folder_that_is_another_models_is_refused_in_words(
    tmp_path: Path, animal: Picture, file: str, said: dict[str, Any], words: str
) -> None:
    path = tiny.triposg(tmp_path) / file
    path.write_text(json.dumps(json.loads(path.read_text()) | said))
    with pytest.raises(BackendUnavailable, match=words) as caught:
        made(tmp_path, animal)
    assert "models pull triposg" in caught.value.remedy


def test_a_folder_that_cannot_be_understood_is_passed_over_with_its_reason(tmp_path: Path) -> None:
    tiny.triposr(tmp_path)
    path = tiny.triposg(tmp_path) / "vae" / "config.json"
    path.write_text(json.dumps({"embedding_type": "hash"}))
    assert backends.choose("auto", 1, tmp_path, QUICK)[0] == "triposr"
    assert "by 'hash'" in backends.passed_over("triposr", 1, tmp_path, QUICK)["triposg"]


def test_the_fingerprint_tells_the_weights_apart(models: Path, tmp_path: Path) -> None:
    folder = tiny.triposg(tmp_path)
    assert weights.fingerprint(tmp_path, "triposg") == weights.fingerprint(models, "triposg")
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert weights.fingerprint(tmp_path, "triposg") != weights.fingerprint(models, "triposg")
