"""Every format is written in its own unit and axes and reads back with an independent reader; the same input gives the same bytes."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from pipeline.artefacts import Dropped, Mesh
from pipeline.errors import FormatUnavailable, ReadBackFailed
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import verdict
from pipeline.geometry.units import frame_for
from pipeline.stages.finish import _readback, export
from pipeline.stages.finish._model import Model
from pipeline.stages.finish._solid import solid
from pipeline.stages.finish.writers import WRITERS, fbx, glb, usdz, writable
from pipeline.stages.mesh import read_mesh
from pipeline.workspace import StageWorkspace, Workspace
from tests.conftest import missing
from tests.unit.finish.shapes import ball, box, cloud_of, exported, finished, stored

Make = Callable[..., Workspace]
ALL = "glb,obj,stl,ply,3mf,usdz"


def needs(module: str, extra: str) -> None:
    if importlib.util.find_spec(module) is None:
        missing(module, f"pip install 'inbox3d[{extra}]'")


@pytest.fixture(scope="module")
def painted_ball(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A ball 100 mm across with texture, in every format but FBX."""
    from pipeline.jobs import parse

    folder = tmp_path_factory.mktemp("ball")
    ws = StageWorkspace(
        folder / "work",
        folder,
        options=parse({"kind": "scan", "output_format": ALL, "texture_size": 256}),
    )
    surface = ball(4, radius=50.0)
    finished(ws, stored(ws, surface), cloud_of(ws, surface), until="finish.export")
    return ws


@pytest.mark.parametrize(
    ("suffix", "size"),
    [("stl", 100.0), ("3mf", 100.0), ("glb", 0.1), ("obj", 100.0), ("ply", 100.0)],
)
def test_100_millimetres_are_100_millimetres(
    painted_ball: Workspace, suffix: str, size: float
) -> None:
    """100 mm read as 100 in STL and 3MF, 0.1 in GLB, and as dropped in OBJ and PLY (reader: trimesh)."""
    scene = trimesh.load_scene(painted_ball.output(f"model.{suffix}"))
    assert scene.extents.tolist() == pytest.approx([size] * 3, rel=2e-3)
    assert sum(len(part.faces) for part in scene.geometry.values()) == 5120


def test_usdz_reads_back_in_usd(painted_ball: Workspace) -> None:
    """usd-core sees 0.1 m, Y up, all faces, uv and the texture."""
    needs("pxr", "usdz")
    from pxr import Usd, UsdGeom

    seen = usdz.read(painted_ball.output("model.usdz"))
    assert (seen["faces"], seen["uv"], seen["image"]) == (5120, True, (256, 256))
    assert np.ptp(seen["bounds"], axis=0).tolist() == pytest.approx([0.1] * 3, rel=2e-3)
    stage = Usd.Stage.Open(str(painted_ball.output("model.usdz")))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"


def test_the_3mf_names_its_unit_and_is_a_solid(painted_ball: Workspace) -> None:
    """Slicers take the unit from the file and want a closed mesh without seams."""
    with zipfile.ZipFile(painted_ball.output("model.3mf")) as archive:
        assert 'unit="millimeter"' in archive.read("3D/3dmodel.model").decode()[:300]
    mesh = next(iter(trimesh.load_scene(painted_ball.output("model.3mf")).geometry.values()))
    assert mesh.is_watertight
    assert len(mesh.vertices) == 2562


@pytest.mark.parametrize("suffix", ["stl", "3mf"])
def test_print_files_of_a_closed_surface_are_solids(painted_ball: Workspace, suffix: str) -> None:
    """manifold3d takes the file as one solid of the ball's volume in cubic millimetres."""
    import manifold3d

    mesh = trimesh.load_scene(painted_ball.output(f"model.{suffix}")).to_mesh()
    mesh.merge_vertices()  # STL has no shared vertices
    body = manifold3d.Manifold(
        manifold3d.Mesh(np.asarray(mesh.vertices, np.float32), np.asarray(mesh.faces, np.uint32))
    )
    assert body.status() == manifold3d.Error.NoError
    assert body.num_tri() == 5120
    assert body.volume() == pytest.approx(4 / 3 * np.pi * 50**3, rel=0.01)


def test_textures_travel_with_glb_and_obj(painted_ball: Workspace) -> None:
    """uv and an image of the asked size are in the GLB and beside the OBJ, and both show the same colour at the same place."""
    seen = []
    for name in ("model.glb", "model.obj"):
        mesh = trimesh.load_mesh(painted_ball.output(name), process=False)
        image = (
            getattr(mesh.visual.material, "baseColorTexture", None) or mesh.visual.material.image
        )
        assert image.size == (256, 256)
        at = np.clip((mesh.visual.uv[mesh.faces[100]].mean(axis=0) * 256).astype(int), 0, 255)
        seen.append(image.convert("RGB").getpixel((int(at[0]), 255 - int(at[1]))))
    assert seen[0] == seen[1]


def test_up_and_front_follow_the_format(workspace: Make) -> None:
    """Z-up millimetres with the front towards -Y become Y-up metres with the front towards +Z, and come back as they were in STL."""
    ws = workspace(output_format="glb,stl")
    surface = box((30.0, 20.0, 10.0))
    nose = Surface(
        np.where(surface.vertices[:, 1:2] < 0, surface.vertices - [0, 5, 0], surface.vertices),
        surface.faces,
    )
    finished(ws, stored(ws, nose), until="finish.export")
    assert trimesh.load_scene(ws.output("model.glb")).bounds[:, 2].tolist() == pytest.approx(
        [-0.010, 0.015]
    )
    assert trimesh.load_scene(ws.output("model.glb")).extents.tolist() == pytest.approx(
        [0.030, 0.010, 0.025]
    )
    assert trimesh.load_scene(ws.output("model.stl")).bounds[:, 1].tolist() == pytest.approx(
        [-15, 10]
    )


def test_survey_coordinates_come_back_to_the_digit(workspace: Make) -> None:
    """An origin far away is restored in OBJ, PLY and the cloud, and stays out of the GLB."""
    ws = workspace(kind="scan", output_format="obj,ply,glb", texture=False)
    surface = ball(2)
    mesh = stored(ws, surface, unit="m", origin=(636_000, 848_000, 12))
    finished(ws, mesh, cloud_of(ws, surface, 500), until="finish.export")
    for name in ("model.obj", "model.ply", "cloud.ply"):
        low, high = trimesh.load(ws.output(name), process=False).bounds
        assert (low + high) / 2 == pytest.approx([636_000, 848_000, 12], abs=0.03)
        assert (high - low).tolist() == pytest.approx([2, 2, 2], abs=0.06)
    assert np.abs(trimesh.load_scene(ws.output("model.glb")).bounds).max() < 2


def test_vertex_colours_survive_where_there_is_no_texture(workspace: Make) -> None:
    """sRGB bytes in PLY are the colours themselves; GLB holds them in linear light."""
    ws = workspace(output_format="ply,glb", texture=False)
    surface = ball(2)
    colored = Surface(
        surface.vertices,
        surface.faces,
        np.tile(np.uint8([188, 64, 10]), (len(surface.vertices), 1)),
    )
    finished(ws, stored(ws, colored), until="finish.export")
    assert trimesh.load(ws.output("model.ply")).visual.vertex_colors[0, :3].tolist() == [
        188,
        64,
        10,
    ]
    linear = next(
        iter(trimesh.load_scene(ws.output("model.glb")).geometry.values())
    ).visual.vertex_attributes["color"][0, :3]
    assert (linear / 65535).tolist() == pytest.approx([0.503, 0.051, 0.003], abs=1e-3)
    shutil.copyfile(ws.output("model.glb"), ws.input / "model.glb")
    again = surfaces.load(ws, read_mesh.run(Dropped(names=("model.glb",)), ws))
    assert again.colors is not None
    assert again.colors[0].tolist() == [188, 64, 10]


def test_open_surfaces_are_closed_for_printers_only(workspace: Make) -> None:
    """The STL of a bowl is watertight and says so in a warning; the GLB keeps the opening."""
    ws = workspace(kind="scan", output_format="stl,glb")
    whole = ball(4)
    bowl = whole.only(whole.faces[whole.vertices[whole.faces].mean(axis=1)[:, 2] < 0.3])
    finished(ws, stored(ws, bowl, watertight=False), until="finish.export")
    assert trimesh.load_mesh(ws.output("model.stl")).is_watertight
    assert not trimesh.load_mesh(ws.output("model.glb")).is_watertight
    assert any("print files" in text for text in ws.warnings)


def test_even_a_moebius_strip_becomes_a_solid() -> None:
    """It has one side only: it is cut once and closed, and the warning says that something was done."""
    angle = np.linspace(0, 2 * np.pi, 41)[:-1]
    rim = [
        np.stack(
            [
                (1 + s * np.cos(angle / 2)) * np.cos(angle),
                (1 + s * np.cos(angle / 2)) * np.sin(angle),
                s * np.sin(angle / 2),
            ],
            1,
        )
        for s in (-0.3, 0.3)
    ]
    faces = (
        [(i, i + 1, i + 40) for i in range(39)]
        + [(i + 1, i + 41, i + 40) for i in range(39)]
        + [(39, 40, 79), (40, 0, 79)]
    )
    strip = Surface(np.concatenate(rim), np.array(faces, np.int32))
    assert not verdict(strip.faces).oriented
    surface, remark = solid(strip)
    assert remark is not None
    assert verdict(surface.faces) == (True, True, True)


def test_what_cannot_be_closed_is_said() -> None:
    """A single flat triangle has no inside; it is written as it is, with words."""
    surface, remark = solid(
        Surface(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]], np.int32))
    )
    assert remark is not None
    assert "could not be closed" in remark
    assert len(surface.faces) == 1


def test_a_file_that_reads_back_differently_is_an_error(tmp_path: Path) -> None:
    """Fewer faces, another size, a lost texture: each is found."""
    model = Model(ball(2))
    glb.write(model, tmp_path / "model.glb")
    _readback.compare(tmp_path / "model.glb", model)
    with pytest.raises(ReadBackFailed, match="faces"):
        _readback.compare(tmp_path / "model.glb", Model(ball(1)))
    with pytest.raises(ReadBackFailed, match="bounds"):
        _readback.compare(tmp_path / "model.glb", Model(ball(2, radius=1.001)))


@pytest.mark.slow
def test_glb_passes_the_khronos_validator(
    painted_ball: Workspace, workspace: Make, root: Path
) -> None:
    """No error and no warning: with texture, with vertex colours, and without either."""
    node = shutil.which("node")
    if node is None or not (root / "node_modules" / "gltf-validator").is_dir():
        missing("node with the npm package gltf-validator", "run `make setup`")
    plain, colored = workspace("plain"), workspace("colored", texture=False)
    finished(plain, stored(plain, box()), until="finish.export")
    surface = ball(2)
    bright = Surface(
        surface.vertices, surface.faces, np.full((len(surface.vertices), 3), 99, np.uint8)
    )
    finished(colored, stored(colored, bright), until="finish.export")
    for ws in (painted_ball, plain, colored):
        said = json.loads(_node(str(node), root, ws.output("model.glb")))
        assert (said["issues"]["numErrors"], said["issues"]["numWarnings"]) == (0, 0), said[
            "issues"
        ]["messages"]
        assert said["info"]["totalTriangleCount"] > 0


def _node(node: str, root: Path, path: Path) -> str:
    script = root / "tests" / "unit" / "finish" / "validate_glb.cjs"
    return subprocess.run(
        [node, str(script), str(path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=root,
        timeout=60,
    ).stdout


def test_the_same_model_gives_the_same_bytes(workspace: Make) -> None:
    """All formats, texture included, written twice."""
    digests = []
    for name in ("one", "two"):
        ws = workspace(
            name,
            kind="scan",
            output_format=ALL if usdz.available() else ALL.removesuffix(",usdz"),
            texture_size=128,
        )
        surface = ball(3)
        files = exported(
            finished(ws, stored(ws, surface), cloud_of(ws, surface, 5000), until="finish.export")
        ).files_written
        digests.append(
            {name: hashlib.sha256(ws.output(name).read_bytes()).hexdigest() for name in files}
        )
    assert digests[0] == digests[1]
    assert set(digests[0]) >= {
        "model.glb",
        "model.obj",
        "model.mtl",
        "model.png",
        "model.stl",
        "model.ply",
        "model.3mf",
        "cloud.ply",
    }


def test_formats_without_their_library_are_refused_with_a_remedy(
    workspace: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither Blender nor usd-core: the host does not announce the formats, and writing them names the package."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert set(writable()) == set(WRITERS) - {"fbx", "usdz"}
    for suffix in ("fbx", "usdz"):
        ws = workspace(suffix, output_format=suffix)
        with pytest.raises(FormatUnavailable) as refusal:
            export.run(stored(ws, box()), None, None, ws)
        assert "pip install" in refusal.value.remedy


@pytest.mark.slow
def test_fbx_reads_back_in_blender(workspace: Make) -> None:
    """Blender's own importer, which shares no code with the exporter, sees 0.1 m, all faces, uv and the texture; twice the same bytes."""
    if not fbx.available():
        missing("bpy or a system blender", "pip install 'inbox3d[fbx]'")
    files: list[Any] = []
    for name in ("one", "two"):
        ws = workspace(name, kind="scan", output_format="fbx", texture_size=128)
        surface = ball(3, radius=50.0)
        finished(ws, stored(ws, surface), cloud_of(ws, surface, 5000), until="finish.export")
        files.append(ws.output("model.fbx"))
    seen = fbx.read(files[0])
    assert (seen["faces"], seen["uv"], seen["image"]) == (1280, True, [128, 128])
    assert np.ptp(seen["bounds"], axis=0).tolist() == pytest.approx([0.1] * 3, rel=5e-3)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_metres_with_y_up_need_no_frame() -> None:
    """The frame of a GLB dropped again is the identity."""
    assert np.array(frame_for("m", "y")).tolist() == np.eye(4).tolist()
    assert Mesh(arrays="a", vertices=0, faces=0, watertight=False, manifold=False).frame is None
