"""Colours that break off at an edge stay at their faces, from the dropped file to every written one."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from pipeline.artefacts import Dropped, Mesh
from pipeline.stages.finish import export, texture
from pipeline.stages.mesh import clean, decimate, read_mesh
from pipeline.workspace import Workspace
from tests.support.meshfiles import CORNERS, POLYGONS, Gltf, obj, png

Make = Callable[..., Workspace]
SHADES = [
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 0),
    (0, 255, 255),
    (255, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
]


def materials() -> dict[str, bytes]:
    """The prism, each of its eight sides of a material of its own."""
    mtl = "".join(
        f"newmtl m{k}\nKd {r / 255:g} {g / 255:g} {b / 255:g}\n"
        for k, (r, g, b) in enumerate(SHADES)
    )
    rows = obj([], "mtllib m.mtl").decode()
    rows += "".join(
        f"usemtl m{k}\nf {' '.join(str(c + 1) for c in face)}\n" for k, face in enumerate(POLYGONS)
    )
    return {"a.obj": rows.encode(), "m.mtl": mtl.encode()}


def chain(ws: Workspace, files: dict[str, bytes]) -> Mesh:
    for name, data in files.items():
        (ws.input / name).write_bytes(data)
    mesh = read_mesh.run(Dropped(names=tuple(files)), ws)
    mesh = decimate.run(clean.run(mesh, ws), ws)
    mesh = texture.run(mesh, None, None, None, None, ws)
    export.run(mesh, None, None, ws)
    return mesh


def document(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def sides_of_ply(path: Path) -> list[tuple[int, ...]]:
    """The colour of the faces of each side of the prism, in the order of POLYGONS; the mean where they differ."""
    seen = trimesh.load(path, process=False)
    rgb = np.asarray(seen.visual.vertex_colors)[:, :3].astype(float)[seen.faces].mean(axis=1)
    middles = np.asarray(seen.vertices)[seen.faces].mean(axis=1)
    found = []
    for face in POLYGONS:
        corner = CORNERS[face]
        normal = np.cross(corner[1] - corner[0], corner[2] - corner[1])
        normal /= np.linalg.norm(normal)
        mine = (np.abs((middles - corner[0]) @ normal) < 1e-6) & (
            np.abs(np.asarray(seen.face_normals) @ normal) > 0.99
        )
        found.append(tuple(int(value) for value in np.round(rgb[mine].mean(axis=0))))
    return found


@pytest.mark.parametrize("repair", [True, False])
@pytest.mark.parametrize("baked", [True, False])
def test_every_side_keeps_the_colour_of_its_material(
    workspace: Make, repair: bool, baked: bool
) -> None:
    """Welded or not, with a texture or without: eight sides, eight colours in model.ply."""
    ws = workspace(output_format=["ply"], texture=baked, repair=repair, unit="mm", texture_size=256)
    chain(ws, materials())
    assert sides_of_ply(ws.output("model.ply")) == SHADES


def test_without_a_texture_the_glb_has_the_colours_at_its_corners(workspace: Make) -> None:
    """And stays one closed body where equal places are one."""
    ws = workspace(texture=False, unit="mm")
    mesh = chain(ws, materials())
    assert mesh.watertight
    doc, blob = document(ws.output("model.glb"))
    what = doc["accessors"][doc["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    rows = np.frombuffer(
        blob, "<u2", what["count"] * 4, doc["bufferViews"][what["bufferView"]]["byteOffset"]
    ).reshape(-1, 4)
    assert {tuple(int(value > 32767) for value in row[:3]) for row in rows} == {
        tuple(c // 255 for c in shade) for shade in SHADES
    }


def test_a_thinned_mesh_keeps_the_border_between_its_colours(workspace: Make) -> None:
    """Half of a ball red, half blue: no purple rim."""
    ball = trimesh.creation.icosphere(4, 1.0)
    rows = ["mtllib m.mtl", *(f"v {x} {y} {z}" for x, y, z in ball.vertices)]
    for name, half in (
        ("red", ball.triangles_center[:, 2] > 0),
        ("blue", ball.triangles_center[:, 2] <= 0),
    ):
        rows += [f"usemtl {name}", *(f"f {a + 1} {b + 1} {c + 1}" for a, b, c in ball.faces[half])]
    ws = workspace(output_format=["ply"], texture=False, unit="m", faces=1000)
    chain(
        ws,
        {
            "a.obj": "\n".join(rows).encode(),
            "m.mtl": b"newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n",
        },
    )
    seen = trimesh.load(ws.output("model.ply"), process=False)
    rgb = np.asarray(seen.visual.vertex_colors)[:, :3].astype(int)
    pure = (np.abs(rgb - [255, 0, 0]).max(axis=1) < 30) | (
        np.abs(rgb - [0, 0, 255]).max(axis=1) < 30
    )
    assert pure.mean() > 0.9
    assert len(seen.faces) <= 1000


def test_a_picture_times_colours_of_vertices_is_baked_into_one(workspace: Make) -> None:
    """White and grey halves under red on the left and green on the right corners of a square."""
    made = Gltf()
    index = made.picture(png((255, 255, 255), size=64))
    square = made.accessor(np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)], "f4"))
    uv = made.accessor(np.array([(0, 0), (1, 0), (0, 1), (1, 1)], "f4"))
    color = made.accessor(np.array([(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0)], "f4"))
    material = made.material(baseColorTexture={"index": index})
    made.primitive(
        np.array([0, 1, 2, 2, 1, 3]), 4, material, POSITION=square, TEXCOORD_0=uv, COLOR_0=color
    )
    ws = workspace(repair=False, texture_size=256)
    mesh = chain(ws, {"a.glb": made.glb()})
    assert mesh.image is not None
    pixels = np.asarray(Image.open(ws.path(mesh.image)).convert("RGB")).reshape(-1, 3).astype(int)
    assert (pixels[:, 0] > 200).any() and (pixels[:, 1] > 200).any()
    assert pixels[:, 2].max() < 30


def test_a_textured_mesh_lends_its_colours_to_formats_without_texture(workspace: Make) -> None:
    """PLY has no picture; its vertices show what theirs was."""
    files = {
        "a.obj": obj(head="mtllib m.mtl\nusemtl s\nvt 0.5 0.5\n", corner="{}/1"),
        "m.mtl": b"newmtl s\nmap_Kd t.png\n",
        "t.png": png((10, 200, 30)),
    }
    ws = workspace(output_format=["ply"], unit="mm")
    chain(ws, files)
    assert set(sides_of_ply(ws.output("model.ply"))) == {(10, 200, 30)}
