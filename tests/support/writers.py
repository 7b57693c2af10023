"""One small mesh as independent libraries write it: trimesh, Open3D, MeshLab and lib3mf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.support.meshfiles import CORNERS, TRIANGLES

RNG = np.random.default_rng(3)
VERTICES = CORNERS * 1.2345 + [0.1, 7.7, -3.3]
COLORS = RNG.integers(0, 256, (12, 3)).astype(np.uint8)
NORMALS = (VERTICES - VERTICES.mean(0)) / np.linalg.norm(
    VERTICES - VERTICES.mean(0), axis=1, keepdims=True
)
UV = np.stack([(CORNERS[:, 0] + 5) / 70, (CORNERS[:, 1] + 5 + CORNERS[:, 2] / 10) / 50], axis=1)
PICTURE = np.stack(
    np.broadcast_arrays(np.arange(64) * 4, (np.arange(64) * 4)[:, None], 99), axis=2
).astype(np.uint8)


def trimesh_(folder: Path) -> None:
    import trimesh

    rgba = np.concatenate([COLORS, np.full((12, 1), 255, np.uint8)], axis=1)
    vertices, faces, normals = (
        VERTICES.copy(),
        TRIANGLES.copy(),
        NORMALS.copy(),
    )  # trimesh makes what it is given read-only
    colored = trimesh.Trimesh(
        vertices, faces, vertex_normals=normals, vertex_colors=rgba, process=False
    )
    colored.export(folder / "a.obj", include_normals=True)
    colored.export(folder / "a.glb", include_normals=True)
    colored.export(folder / "a.ply", vertex_normal=True)
    colored.export(folder / "text.ply", vertex_normal=True, encoding="ascii")
    colored.export(folder / "a.stl")
    colored.export(folder / "text.stl", file_type="stl_ascii")
    colored.export(folder / "a.off")
    colored.export(folder / "a.3mf")
    white = trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(PICTURE))
    laid = trimesh.visual.TextureVisuals(uv=UV, material=white)
    pictured = trimesh.Trimesh(vertices, faces, vertex_normals=normals, visual=laid, process=False)
    pictured.export(folder / "picture.glb", include_normals=True)


def open3d_(folder: Path) -> None:
    import open3d as o3d

    for name in ("a.obj", "a.ply", "a.off", "a.glb", "a.stl", "text.ply", "picture.obj"):
        mesh = o3d.geometry.TriangleMesh(
            o3d.utility.Vector3dVector(VERTICES), o3d.utility.Vector3iVector(TRIANGLES)
        )
        mesh.vertex_normals = o3d.utility.Vector3dVector(NORMALS)
        if name == "picture.obj":
            mesh.triangle_uvs = o3d.utility.Vector2dVector(UV[TRIANGLES].reshape(-1, 2))
            mesh.textures = [
                o3d.geometry.Image(np.ascontiguousarray(PICTURE[::-1]))
            ]  # held upside down there
            mesh.triangle_material_ids = o3d.utility.IntVector([0] * len(TRIANGLES))
        else:
            mesh.vertex_colors = o3d.utility.Vector3dVector(COLORS / 255)
        if name.endswith(".stl"):
            mesh.compute_triangle_normals()
        assert o3d.io.write_triangle_mesh(
            str(folder / name), mesh, write_ascii=name.startswith("text")
        )


def meshlab(folder: Path) -> None:
    import pymeshlab

    folder.mkdir(exist_ok=True)

    def filled() -> Any:
        rgba = np.concatenate([COLORS / 255, np.ones((12, 1))], axis=1)
        held = pymeshlab.MeshSet()
        held.add_mesh(
            pymeshlab.Mesh(
                VERTICES,
                TRIANGLES,
                v_normals_matrix=NORMALS,
                v_color_matrix=rgba,
                v_tex_coords_matrix=UV,
            )
        )
        return held

    for name in ("a.obj", "a.ply", "a.off"):
        filled().save_current_mesh(str(folder / name), save_vertex_normal=True)
    filled().save_current_mesh(str(folder / "text.ply"), binary=False, save_vertex_normal=True)
    filled().save_current_mesh(str(folder / "a.stl"))
    filled().save_current_mesh(str(folder / "text.stl"), binary=False)
    filled().save_current_mesh(str(folder / "a.3mf"))
    Image.fromarray(PICTURE).save(folder / "tex.png")
    pictured = filled()
    pictured.compute_texcoord_transfer_vertex_to_wedge()
    pictured.set_texture_per_mesh(textname=str(folder / "tex.png"))
    pictured.save_current_mesh(
        str(folder / "picture.ply"),
        save_vertex_color=False,
        save_wedge_texcoord=False,
        save_vertex_coord=True,
    )
    pictured.save_current_mesh(str(folder / "corners.ply"), save_vertex_color=False)
    pictured.save_current_mesh(str(folder / "picture.obj"), save_vertex_color=False)


def lib3mf_(folder: Path) -> None:
    """The 3MF consortium's own library: colours at corners, a picture, and both as components in inches."""
    import lib3mf
    from lib3mf import get_wrapper

    library = get_wrapper()

    def solid(model: Any) -> Any:
        made = model.AddMeshObject()
        for place in VERTICES:
            spot = lib3mf.Position()
            spot.Coordinates = type(spot.Coordinates)(*map(float, place))
            made.AddVertex(spot)
        for corners in TRIANGLES:
            face = lib3mf.Triangle()
            face.Indices = type(face.Indices)(*map(int, corners))
            made.AddTriangle(face)
        return made

    def lay(made: Any, group: Any, numbers: list[int]) -> None:
        for k, corners in enumerate(TRIANGLES):
            held = lib3mf.TriangleProperties()
            held.ResourceID = group.GetResourceID()
            held.PropertyIDs = type(held.PropertyIDs)(*(numbers[at] for at in corners))
            made.SetTriangleProperties(k, held)
        made.SetObjectLevelProperty(group.GetResourceID(), numbers[0])

    Image.fromarray(PICTURE).save(folder / "tex.png")
    for name in ("a.3mf", "picture.3mf", "components.3mf"):
        model = library.CreateModel()
        made = solid(model)
        if name == "picture.3mf":
            held = model.AddAttachment(
                "/3D/Textures/tex.png",
                "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture",
            )
            held.ReadFromFile(str(folder / "tex.png"))
            group = model.AddTexture2DGroup(model.AddTexture2DFromAttachment(held))
            lay(made, group, [group.AddTex2Coord(_uv(lib3mf, *uv)) for uv in UV.tolist()])
        else:
            group = model.AddColorGroup()
            lay(
                made,
                group,
                [group.AddColor(library.RGBAToColor(*color, 255)) for color in COLORS.tolist()],
            )
        if name == "components.3mf":
            model.SetUnit(lib3mf.ModelUnit.Inch)
            whole = model.AddComponentsObject()
            whole.AddComponent(made, library.GetTranslationTransform(1, 0, 0))
            model.AddBuildItem(whole, library.GetTranslationTransform(-1, 0, 0))
        else:
            model.AddBuildItem(made, library.GetIdentityTransform())
        model.QueryWriter("3mf").WriteToFile(str(folder / name))


def _uv(lib3mf: Any, u: float, v: float) -> Any:
    found = lib3mf.Tex2Coord()
    found.U, found.V = u, v
    return found
