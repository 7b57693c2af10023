"""Runs inside Blender (its Python module or the program), in a process of its own: writes an FBX,
or reads one and says what it saw.

    python _fbx_child.py -- write model.npz out.fbx [texture.png]
    python _fbx_child.py -- read file.fbx answer.json

Blender is GPL-licensed: this file imports nothing of ours, and nothing of ours imports it.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

Y_UP_TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


def write(arrays_file: str, target: str, image: str | None = None) -> None:
    """FBX binary, metres declared as the unit, Y up, texture embedded."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    arrays = np.load(arrays_file)
    scene = bpy.context.scene
    scene.unit_settings.system, scene.unit_settings.scale_length = "METRIC", 1.0
    mesh = bpy.data.meshes.new("model")
    faces = arrays["faces"]
    mesh.from_pydata(
        (arrays["vertices"] @ Y_UP_TO_Z_UP.T).tolist(), [], faces.tolist(), shade_flat=False
    )
    corners = faces.ravel()
    if "uv" in arrays:
        mesh.uv_layers.new(name="UVMap").data.foreach_set(
            "uv", arrays["uv"][corners].astype(np.float32).ravel()
        )
    if "colors" in arrays:
        rgba = np.ones((len(corners), 4), np.float32)
        rgba[:, :3] = arrays["colors"][corners] / 255.0
        mesh.color_attributes.new("Col", "BYTE_COLOR", "CORNER").data.foreach_set(
            "color_srgb", rgba.ravel()
        )
    mesh.materials.append(_material(image))
    mesh.validate()
    if "normals" in arrays:
        mesh.normals_split_custom_set_from_vertices((arrays["normals"] @ Y_UP_TO_Z_UP.T).tolist())
    scene.collection.objects.link(bpy.data.objects.new("model", mesh))
    _same_bytes_every_time()
    bpy.ops.export_scene.fbx(
        filepath=target,
        axis_forward="-Z",
        axis_up="Y",
        apply_scale_options="FBX_SCALE_UNITS",
        bake_space_transform=True,
        path_mode="COPY",
        embed_textures=True,
        mesh_smooth_type="OFF",
        use_custom_props=False,
        bake_anim=False,
        add_leaf_bones=False,
        object_types={"MESH"},
        colors_type="SRGB",
    )


def _material(image: str | None) -> Any:
    material = bpy.data.materials.new("surface")
    material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 0.8
    if image:
        texture = material.node_tree.nodes.new("ShaderNodeTexImage")
        texture.image = bpy.data.images.load(image)
        material.node_tree.links.new(texture.outputs["Color"], shader.inputs["Base Color"])
    return material


def _same_bytes_every_time() -> None:
    """The exporter writes time and place into the file; one input shall give one file."""
    import io_scene_fbx.export_fbx_bin as exporter

    class Still(datetime.datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return cls(2000, 1, 1, tzinfo=tz)

    # nor may the folder it happened in stand in the file
    exporter._gen_vid_path = lambda image, scene_data: ("model.png", "model.png")
    for name in ("datetime", "time"):
        held = getattr(exporter, name, None)
        if held is datetime.datetime:
            setattr(exporter, name, Still)
        elif held is datetime:
            still = type(sys)("datetime")
            still.__dict__.update(datetime.__dict__, datetime=Still)
            exporter.datetime = still


def read(source: str, answer: str) -> None:
    """Faces, bounds in Y-up metres, uv and texture size, by Blender's importer (from 4.5 on ufbx,
    which shares nothing with the writer)."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    if "fbx_import" in dir(bpy.ops.wm):  # Blender 4.5 and later; hasattr() is true of any name
        bpy.ops.wm.fbx_import(filepath=source)
    else:
        bpy.ops.import_scene.fbx(filepath=source)
    low, high, faces, uv = np.full(3, np.inf), np.full(3, -np.inf), 0, False
    for item in bpy.context.scene.objects:
        if item.type != "MESH":
            continue
        points = (
            np.array([item.matrix_world @ vertex.co for vertex in item.data.vertices])
            @ Y_UP_TO_Z_UP
        )
        low, high = np.minimum(low, points.min(axis=0)), np.maximum(high, points.max(axis=0))
        faces += len(item.data.polygons)
        uv |= bool(item.data.uv_layers)
    sizes = [list(image.size) for image in bpy.data.images if image.size[0]]
    seen = {
        "faces": faces,
        "bounds": [low.tolist(), high.tolist()],
        "uv": uv,
        "image": sizes[0] if sizes else None,
    }
    Path(answer).write_text(json.dumps(seen))


if __name__ == "__main__":
    verb, *rest = sys.argv[sys.argv.index("--") + 1 :]
    (write if verb == "write" else read)(*rest)
