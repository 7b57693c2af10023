"""Backends make upright meshes from views, say what they lack, and give memory back when it runs out."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline import backends
from pipeline.backends import Effort, Picture, choosing, hot, memory
from pipeline.errors import BackendUnavailable, MeshEmpty, OutOfGpuMemory, SubmitRefused
from pipeline.geometry.topology import volume
from pipeline.networks.instantmesh import InstantMesh
from pipeline.networks.triposr import TripoSR
from tests.support import solids, tiny

EIGHT = tuple(range(0, 360, 45))
QUICK = Effort(grid=48, chunk=20_000)


@pytest.fixture(autouse=True)
def _nothing_held() -> Iterator[None]:
    yield
    hot.forget()


def disc(azimuth: float = 0.0) -> Picture:
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    rgba = np.zeros((64, 64, 4), np.uint8)
    rgba[np.hypot(x, y) < 0.7] = (200, 40, 30, 255)
    return Picture(f"{azimuth:03.0f}", rgba, azimuth, 0.0, 30.0)


def arrow(points: Tensor) -> Tensor:
    """The arrow in the networks' frame: z up, front +x."""
    return torch.from_numpy(solids.ARROW(points[..., [1, 2, 0]].double().numpy())).float()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read by every test, written by none."""
    folder = tmp_path_factory.mktemp("models")
    tiny.triposr(folder)
    tiny.instantmesh(folder)
    return folder


@pytest.mark.parametrize("name", ["triposr", "instantmesh"])
def test_a_tiny_network_gives_a_coloured_mesh_and_the_same_one_again(
    models: Path, name: str
) -> None:
    pictures = [disc(azimuth) for azimuth in (0, 90, 180, 270)]
    first, second = (
        backends.choose(name, 4, models)[1].reconstruct(pictures, models, Effort(grid=24))
        for _ in range(2)
    )
    assert len(first.surface.faces) > 100
    assert first.surface.colors is not None
    assert first.surface.colors.shape == first.surface.vertices.shape
    np.testing.assert_array_equal(first.surface.vertices, second.surface.vertices)
    np.testing.assert_array_equal(first.surface.faces, second.surface.faces)
    assert first.used == (("000",) if name == "triposr" else ("000", "090", "180", "270"))


@pytest.mark.parametrize("chunk", [1, 777, 10**6])
def test_the_mesh_does_not_depend_on_the_chunk(models: Path, chunk: int) -> None:
    backend = backends.reconstructor("triposr")
    small = Effort(grid=12, chunk=chunk)
    expected = backend.reconstruct([disc()], models, Effort(grid=12)).surface
    np.testing.assert_allclose(
        backend.reconstruct([disc()], models, small).surface.vertices, expected.vertices, atol=1e-5
    )


def test_the_arrow_comes_out_upright_and_facing_front_from_triposr(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        TripoSR,
        "density",
        lambda self, planes, points, chunk=0: self.config.threshold + arrow(points),
    )
    made = backends.reconstructor("triposr").reconstruct([disc()], models, QUICK)
    assert solids.stands_upright_and_faces_front(made.surface.vertices)
    assert volume(made.surface.vertices, made.surface.faces) > 0


@pytest.mark.parametrize("surface", ["mesh", "nerf"])
def test_the_arrow_comes_out_upright_and_facing_front_from_instantmesh(
    models: Path, monkeypatch: pytest.MonkeyPatch, surface: str
) -> None:
    monkeypatch.setattr(InstantMesh, "sdf", lambda self, planes, points, chunk=0: -arrow(points))
    monkeypatch.setattr(
        InstantMesh,
        "density",
        lambda self, planes, points, chunk=0: self.config.threshold + arrow(points),
    )
    monkeypatch.setattr(InstantMesh, "nerf", surface == "nerf")
    monkeypatch.setattr(
        InstantMesh, "color", lambda self, planes, points, chunk=0: torch.full_like(points, 0.5)
    )
    pictures = [disc(azimuth) for azimuth in (0, 90, 180, 270)]
    made = backends.reconstructor("instantmesh").reconstruct(pictures, models, QUICK)
    assert solids.stands_upright_and_faces_front(made.surface.vertices)
    assert volume(made.surface.vertices, made.surface.faces) > 0


@pytest.mark.slow
def test_the_arrow_comes_out_upright_and_facing_front_from_its_silhouettes() -> None:
    made = backends.reconstructor("visual-hull").reconstruct(
        solids.cut_out(solids.ARROW, EIGHT, size=128), None, QUICK
    )
    assert solids.stands_upright_and_faces_front(made.surface.vertices)
    assert volume(made.surface.vertices, made.surface.faces) > 0
    assert made.label == "draft"
    assert min(made.facts["reprojection_iou"].values()) > 0.85


@pytest.mark.parametrize("name", ["triposr", "instantmesh"])
@pytest.mark.parametrize("value", [-1.0, 1.0])
def test_a_field_without_a_surface_is_an_empty_mesh_with_a_remedy(
    models: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    monkeypatch.setattr(
        TripoSR,
        "density",
        lambda self, planes, points, chunk=0: self.config.threshold + 0 * points[..., 0] + value,
    )
    monkeypatch.setattr(
        InstantMesh, "sdf", lambda self, planes, points, chunk=0: 0 * points[..., 0] + value
    )
    with pytest.raises(MeshEmpty) as caught:
        backends.reconstructor(name).reconstruct(
            [disc(a) for a in (0, 90, 180, 270)], models, QUICK
        )
    assert "visual-hull" in caught.value.remedy


def short_of_memory(most: int, seen: list[Any]) -> Callable[..., Tensor]:
    """A field that runs out of memory with more than MOST points at once, and notes the planes it was given."""

    def density(self: TripoSR, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
        seen.append((chunk, weakref.ref(planes)))
        if chunk > most:
            raise torch.OutOfMemoryError("CUDA out of memory (simulated)")
        return self.config.threshold + arrow(points)

    return density


def test_when_memory_runs_out_the_chunk_is_halved_once(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(TripoSR, "density", short_of_memory(10_000, seen))
    made = backends.reconstructor("triposr").reconstruct([disc()], models, QUICK)
    assert len(made.surface.faces) > 0
    assert list(dict.fromkeys(chunk for chunk, _ in seen)) == [20_000, 10_000]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("can't allocate memory: 9 bytes"),
    ],
)
def test_when_half_is_still_too_much_it_fails_clearly_and_the_memory_is_back(
    models: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    seen: list[Any] = []

    def density(self: TripoSR, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
        seen.append((chunk, weakref.ref(planes)))
        raise error

    monkeypatch.setattr(TripoSR, "density", density)
    with pytest.raises(OutOfGpuMemory, match="half the chunk") as caught:
        backends.reconstructor("triposr").reconstruct([disc()], models, QUICK)
    assert "quality_tier=standard" in caught.value.remedy
    assert [chunk for chunk, _ in seen] == [20_000, 10_000]
    error.__traceback__ = None
    gc.collect()
    assert [planes() for _, planes in seen] == [None, None]


def test_another_error_is_not_taken_for_memory_and_leaves_nothing_behind(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def density(self: TripoSR, planes: Tensor, points: Tensor, chunk: int = 0) -> Tensor:
        seen.append(weakref.ref(planes))
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(TripoSR, "density", density)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        backends.reconstructor("triposr").reconstruct([disc()], models, QUICK)
    gc.collect()
    assert [planes() for planes in seen] == [None]


def test_one_network_is_held_and_another_takes_its_place(models: Path) -> None:
    first = hot.network(models / "triposr")
    assert hot.network(models / "triposr") is first
    gone = weakref.ref(first)
    del first
    hot.network(models / "instantmesh-large")
    assert gone() is None


def test_auto_steps_down_to_what_is_there(models: Path, tmp_path: Path) -> None:
    assert backends.choose("auto", 4, models)[0] == "instantmesh"
    assert backends.choose("auto", 1, models)[0] == "triposr"
    assert backends.choose("auto", 4, None)[0] == "visual-hull"
    assert backends.choose("auto", 1, tmp_path / "nowhere")[0] == "visual-hull"


def test_a_named_backend_that_lacks_something_is_refused_with_a_reason() -> None:
    with pytest.raises(
        BackendUnavailable, match="backend triposr: model triposr is not in the models folder"
    ):
        backends.choose("triposr", 1, None)
    with pytest.raises(BackendUnavailable, match="needs at least 4 views"):
        backends.choose("instantmesh", 1, None)
    with pytest.raises(SubmitRefused, match="there is no backend 'magic'"):
        backends.choose("magic", 1, None)


def test_the_placeholder_says_so() -> None:
    made = backends.reconstructor("placeholder").reconstruct([disc()], None, QUICK)
    assert made.label == "placeholder"
    assert made.surface.colors is not None
    assert tuple(made.surface.colors[0]) == (200, 40, 30)


class ThirdParty:
    """A backend as another distribution brings it."""

    def lacks(self, views: int, models: Path | None) -> str | None:
        return None

    def reconstruct(
        self, pictures: Any, models: Path | None, effort: Effort
    ) -> backends.Reconstruction:
        return backends.reconstructor("placeholder").reconstruct(pictures, models, effort)


def test_a_third_partys_backend_is_found_by_its_entry_point(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from importlib.metadata import EntryPoint, EntryPoints

    entry = EntryPoint("clay", f"{__name__}:ThirdParty", backends.GROUP)
    monkeypatch.setattr(
        choosing, "entry_points", lambda **wanted: EntryPoints([entry]).select(**wanted)
    )
    name, backend = backends.choose("clay", 1, None)
    assert name == "clay"
    assert len(backend.reconstruct([disc()], None, QUICK).surface.faces) > 100
    assert backends.names()[-1] == "clay"


def test_a_gpu_that_is_too_small_is_a_lack_told_with_both_sizes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.triposr(tmp_path)
    monkeypatch.setattr(memory, "card", lambda: 2 * 2**30)
    words = "it needs about 3.42 GB of a GPU's memory, and this one has 2.15 GB"
    assert backends.choose("auto", 1, tmp_path, Effort())[0] == "visual-hull"
    assert backends.passed_over("visual-hull", 1, tmp_path, Effort())["triposr"] == words
    with pytest.raises(BackendUnavailable, match=words):
        backends.choose("triposr", 1, tmp_path, Effort())
    monkeypatch.setattr(memory, "card", lambda: 4 * 2**30)
    assert backends.choose("auto", 1, tmp_path, Effort())[0] == "triposr"
