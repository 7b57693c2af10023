"""The mesh of writers as programs of their own write it: Blender, three.js, glTF-Transform and CloudCompare."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.conftest import find_program, missing
from tests.support import writers
from tests.support.meshfiles import TRIANGLES
from tests.support.writers import COLORS, NORMALS, PICTURE, UV, VERTICES

BLENDER = """
import os, sys, bpy, numpy as np
folder, held = sys.argv[1], np.load(sys.argv[2])
bpy.ops.wm.read_factory_settings(use_empty=True)
mesh = bpy.data.meshes.new("m")
mesh.from_pydata(held["vertices"].tolist(), [], held["faces"].tolist())
colors = mesh.color_attributes.new("Col", "BYTE_COLOR", "POINT")
laid = mesh.uv_layers.new(name="UVMap")
for k, color in enumerate(held["colors"]):
    colors.data[k].color_srgb = [*(color / 255), 1]
for loop in mesh.loops:
    laid.data[loop.index].uv = held["uv"][loop.vertex_index]
mesh.normals_split_custom_set_from_vertices(held["normals"].tolist())
thing = bpy.data.objects.new("o", mesh)
bpy.context.collection.objects.link(thing)
thing.select_set(True)
at = lambda name: os.path.join(folder, name)
for name, text in (("a", False), ("text", True)):
    bpy.ops.wm.ply_export(filepath=at(name + ".ply"), export_colors="SRGB", ascii_format=text)
    bpy.ops.wm.stl_export(filepath=at(name + ".stl"), ascii_format=text)
bpy.ops.wm.obj_export(filepath=at("a.obj"), export_colors=True, export_materials=False)
bpy.ops.export_scene.gltf(filepath=at("a.glb"), export_vertex_color="ACTIVE")
material = bpy.data.materials.new("wood")
material.use_nodes = True
picture = material.node_tree.nodes.new("ShaderNodeTexImage")
picture.image = bpy.data.images.load(at("tex.png"))
material.node_tree.links.new(picture.outputs["Color"], material.node_tree.nodes["Principled BSDF"].inputs["Base Color"])
mesh.materials.append(material)
bpy.ops.wm.obj_export(filepath=at("picture.obj"), path_mode="COPY")
more = {"export_vertex_color": "NONE"}
bpy.ops.export_scene.gltf(filepath=at("picture.glb"), **more)
bpy.ops.export_scene.gltf(filepath=at("picture.gltf"), export_format="GLTF_SEPARATE", **more)
bpy.ops.export_scene.gltf(filepath=at("draco.glb"), export_draco_mesh_compression_enable=True, **more)
os._exit(0)  # Blender's own end may crash
"""


def blender(folder: Path) -> None:
    Image.fromarray(PICTURE).save(folder / "tex.png")
    held = folder / "held.npz"
    np.savez(held, vertices=VERTICES, faces=TRIANGLES, colors=COLORS, normals=NORMALS, uv=UV)
    done = subprocess.run(
        [sys.executable, "-c", BLENDER, str(folder), str(held)],
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def three(folder: Path, **numbers: Any) -> None:
    """Also the only one here that writes PLY in the other byte order; with NUMBERS its input."""
    given = numbers or {
        "position": VERTICES,
        "normal": NORMALS,
        "color": COLORS / 255,
        "index": TRIANGLES,
    }
    _by_node("three", "three_writer.mjs", folder, given)


# Of glTF-Transform: how its picture is laid (KHR_texture_transform), and where its copies stand
# (a place, a quaternion, a scale; the second one mirrored).
OFFSET, ROTATION, SCALE = (0.1, 0.3), 0.3, (0.5, 0.6)
COPIES = [[90, 20, 30, 0, 0.6, 0, 0.8, 1, 2, 3], [-90, 2, 3, 0, 0, 0, 1, -1, 1, 1]]


def gltf_transform(folder: Path) -> None:
    Image.fromarray(PICTURE).save(folder / "tex.png")
    given = {"position": VERTICES, "normal": NORMALS, "color": COLORS, "index": TRIANGLES}
    given |= {"uv": UV * [1, -1] + [0, 1], "offset": np.array(OFFSET), "scale": np.array(SCALE)}
    given |= {"rotation": np.array(ROTATION), "copies": np.array(COPIES)}
    _by_node("@gltf-transform/functions", "gltf_writer.mjs", folder, given)


def _by_node(package: str, script: str, folder: Path, given: dict[str, Any]) -> None:
    node, root = shutil.which("node"), Path(__file__).parents[2]
    if node is None or not (root / "node_modules" / package).is_dir():
        missing(f"node with the npm package {package}", "run `make setup`")
    done = subprocess.run(
        [str(node), str(root / "tests" / "support" / script), str(folder)],
        input=json.dumps({name: rows.tolist() for name, rows in given.items()}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def cloudcompare(folder: Path) -> None:
    """From MeshLab's PLY."""
    writers.meshlab(given := folder / "meshlab")
    for name in ("a.ply", "a.obj", "a.stl", "a.off"):
        form = name[2:].upper()
        compared(
            given / "a.ply", folder / name,
            "-M_EXPORT_FMT", form, "-PLY_EXPORT_FMT", "BINARY_BE", "-SAVE_MESHES",
        )  # fmt: skip


def compared(source: Path, target: Path, *asked: str) -> None:
    """SOURCE opened by CloudCompare without a window, and written as ASKED into TARGET."""
    program = find_program("CloudCompare")
    if program is None:
        missing("CloudCompare", "apt-get install cloudcompare")
    held = target.parent / f"of {target.name}"  # it writes beside what it opened
    held.mkdir()
    shutil.copyfile(source, held / f"given{source.suffix}")
    done = subprocess.run(
        [str(program), "-SILENT", "-AUTO_SAVE", "OFF", "-NO_TIMESTAMP",
         "-O", str(held / f"given{source.suffix}"), *asked],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(held)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    (held / f"given{target.suffix}").rename(target)


ALL = {
    "lib3mf": writers.lib3mf_,
    "trimesh": writers.trimesh_,
    "open3d": writers.open3d_,
    "meshlab": writers.meshlab,
    "blender": blender,
    "three": three,
    "gltf-transform": gltf_transform,
    "cloudcompare": cloudcompare,
}
