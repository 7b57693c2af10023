"""Prompts and images become models: whole recipes, stage by stage, as the runner calls them."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from pipeline import recipes, weights
from pipeline.artefacts import Artefact, Dropped, Mesh, Views
from pipeline.backends import hot
from pipeline.jobs import parse
from pipeline.jobs.common import Common
from pipeline.kept.declared import WEIGHED
from pipeline.networks.triposg import VAE, sampling
from pipeline.stages.finish import preview
from pipeline.workspace import StageWorkspace, Workspace
from tests.support import solids, tiny

EIGHT = tuple(range(0, 360, 45))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def blocked(*_: Any, **__: Any) -> None:
        raise AssertionError("a stage tried to use the network")

    monkeypatch.setattr(socket.socket, "connect", blocked)
    for name in ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    hot.forget()


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A field of 128³ points, a turntable of three frames; tests/acceptance/test_generated_drops.py makes what people get."""
    monkeypatch.setattr(Common, "grid", 128)
    monkeypatch.setattr(preview, "FRAMES", 3)


def workspace(folder: Path, **request: Any) -> Workspace:
    for name in ("input", "models"):
        (folder / name).mkdir(exist_ok=True)
    return StageWorkspace(
        folder / "work", folder / "input", folder / "models", options=parse(request)
    )


def made(ws: Workspace, dropped: Dropped, until: str = "finish") -> dict[type, Artefact]:
    """Run the recipe of the workspace's kind up to and with the leg UNTIL; the newest artefact of each type.

    What a stage tells beforehand of the weights that it would use is what its artefact names afterwards.
    """
    bag: list[Artefact] = [dropped]
    for leg in recipes.RECIPES[ws.options.kind].legs:
        for stage in leg.stages:
            told = (
                recipes.call(recipes.stage_function(stage, "weights"), bag, ws)
                if stage in WEIGHED
                else {}
            )
            bag.append(recipes.call(recipes.stage_function(stage), bag, ws))
            if stage == "views.generate_views" and isinstance(bag[-1], Views):
                assert told == bag[-1].models
            if stage == "mesh.reconstruct" and isinstance(bag[-1], Mesh):
                assert told == (bag[-1].reconstruction or {})["models"]
        if leg.queue == until:
            break
    return {type(artefact): artefact for artefact in bag}


@pytest.mark.slow(8)
def test_a_prompt_without_gpu_and_weights_ends_with_a_valid_glb_marked_placeholder(
    tmp_path: Path,
) -> None:
    ws = workspace(tmp_path, kind="prompt", prompt="a red cube", texture_size=256, faces=4000)
    bag = made(ws, Dropped(names=()))
    mesh = bag[Mesh]
    assert isinstance(mesh, Mesh)
    assert (mesh.label, mesh.watertight) == ("placeholder", True)
    assert mesh.reconstruction is not None
    assert mesh.reconstruction["backend"] == "visual-hull"
    model = trimesh.load(ws.output("model.glb"), force="mesh")
    assert len(model.faces) > 1000
    assert any("Placeholder" in warning for warning in ws.warnings)


@pytest.mark.slow(8)
def test_eight_photos_named_by_azimuth_end_as_a_textured_upright_mesh(tmp_path: Path) -> None:
    ws = workspace(tmp_path, kind="images", texture_size=512, faces=10_000)
    names = []
    for azimuth, (rgb, _) in zip(EIGHT, solids.photos(solids.ARROW, EIGHT, size=384), strict=True):
        names.append(f"{azimuth:03}.png")
        Image.fromarray(rgb).save(ws.input / names[-1])
    bag = made(ws, Dropped(names=tuple(names)))
    views, mesh = bag[Views], bag[Mesh]
    assert isinstance(views, Views) and isinstance(mesh, Mesh)
    assert {view.matting for view in views.views} == {"colour key"}
    assert mesh.label == "draft"
    assert mesh.reconstruction is not None
    assert min(mesh.reconstruction["reprojection_iou"].values()) > 0.85
    model = trimesh.load(ws.output("model.glb"), force="mesh")
    assert solids.stands_upright_and_faces_front(np.asarray(model.vertices))
    assert np.asarray(model.visual.material.baseColorTexture.convert("RGB")).std() > 10
    assert json.loads(ws.path("views/views.json").read_text())["cut"]


@pytest.mark.slow(8)
def test_one_image_with_tiny_triposr_weights_runs_the_real_loading_and_the_network(
    tmp_path: Path,
) -> None:
    ws = workspace(tmp_path, kind="images")
    tiny.triposr(tmp_path / "models")
    picture = solids.cut_out(solids.SOLIDS["animal"], [0.0], size=96)[0].rgba
    Image.fromarray(picture).save(ws.input / "cat.png")
    mesh = made(ws, Dropped(names=("cat.png",)), until="mesh")[Mesh]
    assert isinstance(mesh, Mesh)
    assert mesh.label is None
    lacking = {
        "triposg": "model triposg is not in the models folder",
        "instantmesh": "it needs at least 4 views of known azimuth, there are 1, and to draw them itself model zero123plus is not in the models folder",
    }
    made_by = {"triposr": weights.fingerprint(tmp_path / "models", "triposr")}
    assert mesh.reconstruction == {
        "backend": "triposr",
        "models": made_by,
        "views": ["000"],
        "better_ones_lack": lacking,
    }
    assert mesh.faces > 100


@pytest.mark.slow(8)
def test_one_image_with_tiny_triposg_weights_becomes_an_upright_closed_textured_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All its networks run; as a random field is noise, an arrow is answered where it was asked."""
    ask = VAE.field

    def arrow(self: VAE, memory: Any, points: torch.Tensor, chunk: int) -> torch.Tensor:
        shape = torch.from_numpy(solids.ARROW(points.double().numpy())).float()
        return 50 * shape + 0 * ask(self, memory, points, chunk)

    monkeypatch.setattr(VAE, "field", arrow)
    monkeypatch.setattr(sampling, "TOKENS", 16)
    monkeypatch.setattr(Common, "grid", 64)
    ws = workspace(tmp_path, kind="images", texture_size=256, faces=4000)
    tiny.triposg(tmp_path / "models")
    picture = solids.cut_out(solids.ARROW, [0.0], size=96)[0].rgba
    Image.fromarray(picture).save(ws.input / "arrow.png")
    mesh = made(ws, Dropped(names=("arrow.png",)))[Mesh]
    assert isinstance(mesh, Mesh)
    assert (mesh.label, mesh.watertight) == (None, True)
    facts = mesh.reconstruction or {}
    assert facts["backend"] == "triposg" and "better_ones_lack" not in facts
    assert facts["models"] == {"triposg": weights.fingerprint(tmp_path / "models", "triposg")}
    assert (facts["steps"], facts["seed"], facts["views"]) == (30, 0, ["000"])
    model = trimesh.load(ws.output("model.glb"), force="mesh")
    assert solids.stands_upright_and_faces_front(np.asarray(model.vertices))
    assert np.asarray(model.visual.material.baseColorTexture.convert("RGB")).std() > 10
    seen = facts["picture"]["seen"]
    assert 0.1 < seen < 0.4 and facts["picture"]["agrees"] > 0.9
    words = f"{int(100 * seen)}% of the surface seen in the picture"
    assert any(words in warning and "a guess" in warning for warning in ws.warnings)
    assert words in ws.output("report.html").read_text("utf-8")
    with Image.open(ws.output("guessed.png")) as marks:
        assert marks.size == (256, 256)


@pytest.mark.slow(8)
def test_a_prompt_goes_through_a_tiny_flux_and_a_tiny_triposr_to_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real loading and generation, sockets blocked. A random FLUX paints all of the frame, so its picture gets a plain border to be cut from."""
    from pipeline.backends import flux, generators
    from tests.support import tinyflux

    painted = flux.Flux.generate

    def framed(self: flux.Flux, shots: Any, steps: int) -> Any:
        made = painted(self, shots, steps)
        pictures = tuple(
            np.pad(picture, ((24, 24), (24, 24), (0, 0)), constant_values=225)
            for picture in made.pictures
        )
        return dataclasses.replace(made, pictures=pictures)

    monkeypatch.setattr(flux.Flux, "generate", framed)
    monkeypatch.setattr(generators, "SQUARE", (64, 64))
    ws = workspace(
        tmp_path, kind="prompt", prompt="a red cube", views=1, texture_size=128, faces=2000
    )
    tiny.triposr(tmp_path / "models")
    tinyflux.save(tmp_path / "models" / "flux-schnell")
    bag = made(ws, Dropped(names=()))
    views, mesh = bag[Views], bag[Mesh]
    assert isinstance(views, Views) and isinstance(mesh, Mesh)
    assert ([view.source for view in views.views], views.label, mesh.label) == (
        ["flux-schnell"],
        None,
        None,
    )
    assert views.models == {
        "flux-schnell": weights.fingerprint(tmp_path / "models", "flux-schnell")
    }
    assert mesh.reconstruction is not None
    assert mesh.reconstruction["backend"] == "triposr"
    assert len(trimesh.load(ws.output("model.glb"), force="mesh").faces) > 100


@pytest.mark.slow(8)
def test_a_prompt_goes_through_tiny_flux2_kleins_and_a_tiny_triposg_to_a_model_with_drawn_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompt → picture → shape → sides → texture, all networks run, sockets blocked. What random networks paint is shown inside the
    outline of an arrow, which the field answers, too."""
    from pipeline.backends import generators, klein, sides
    from pipeline.stages.mesh import draw_sides
    from tests.support import tinyklein

    painted, drawn, ask = klein.Klein.generate, sides.drawn, VAE.field
    outline = solids.cut_out(solids.ARROW, [0.0], size=96)[0].rgba[..., 3:] > 127

    def arrow(self: VAE, memory: Any, points: torch.Tensor, chunk: int) -> torch.Tensor:
        shape = torch.from_numpy(solids.ARROW(points.double().numpy())).float()
        return 50 * shape + 0 * ask(self, memory, points, chunk)

    def framed(self: klein.Klein, shots: Any, steps: int) -> Any:
        made = painted(self, shots, steps)
        pictures = tuple(
            np.where(outline, picture // 2, 225).astype(np.uint8) for picture in made.pictures
        )
        return dataclasses.replace(made, pictures=pictures)

    def within(models: Any, words: str, references: Any, seed: int, tell: Any) -> Any:
        depth = np.asarray(references[0])
        return np.where(depth > 0, drawn(models, words, references, seed, tell) // 2, 225).astype(np.uint8)  # fmt: skip

    monkeypatch.setattr(VAE, "field", arrow)
    monkeypatch.setattr(klein.Klein, "generate", framed)
    monkeypatch.setattr(sides, "drawn", within)
    for where, name, value in ((sampling, "TOKENS", 16), (Common, "grid", 64), (sides, "STEPS", 1), (sides, "EDGE", 96), (klein, "MOST", 160), (draw_sides, "TURNS", {180.0: "back view"})):  # fmt: skip
        monkeypatch.setattr(where, name, value)
    monkeypatch.setattr(generators, "SQUARE", (96, 96))
    monkeypatch.setattr("pipeline.backends.generator_protocol.SQUARE", (96, 96))
    monkeypatch.setenv("FLUX_MODEL", "flux2-klein")
    models = tmp_path / "models"
    tiny.triposg(models)
    tinyklein.save(models / "flux2-klein")
    tinyklein.save(models / "flux2-klein-base", distilled=False)
    tinyklein.depth(models)
    ws = workspace(tmp_path, kind="prompt", prompt="an arrow", views=1, texture_size=256, faces=4000)  # fmt: skip
    bag = made(ws, Dropped(names=()))
    views, mesh = bag[Views], bag[Mesh]
    assert isinstance(views, Views) and isinstance(mesh, Mesh)
    assert views.models == {"flux2-klein": weights.fingerprint(models, "flux2-klein")}
    facts = mesh.reconstruction or {}
    assert facts["backend"] == "triposg"
    assert facts["models"] == {
        name: weights.fingerprint(models, name)
        for name in ("triposg", "flux2-klein-base", "flux2-klein-depth")
    }
    assert len(mesh.sides) == 1 and facts["picture"]["drawn"] > 0.1
    assert (mesh.label, mesh.watertight) == (None, True)
    assert len(trimesh.load(ws.output("model.glb"), force="mesh").faces) > 100
    assert len([*ws.output("views").glob("drawn-*.png")]) == 1
