"""Large files to be read, written by this benchmark itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SCANS = {"ply-points": "points.ply", "las": "points.las", "e57": "points.e57"}
MESHES = {
    "ply-faces": "faces.ply",
    "stl": "faces.stl",
    "obj": "faces.obj",
    "obj-uv": "uv.obj",
    "glb": "faces.glb",
}


def write(case: str, path: Path, count: int) -> None:
    if case in SCANS:
        rng = np.random.default_rng(1)
        points = rng.random((count, 3), np.float32).astype(np.float64) * 100
        WRITERS[case](path, points, rng.integers(0, 256, (count, 3), np.uint8))
        return
    import pymeshlab

    side = int((count / 2) ** 0.5) + 1
    u, v = (axis.ravel() / (side - 1) for axis in np.meshgrid(np.arange(side), np.arange(side)))
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    faces = np.concatenate(
        [
            np.stack([corner, corner + 1, corner + side + 1], 1),
            np.stack([corner, corner + side + 1, corner + side], 1),
        ]
    )
    places = np.stack([u * 100, v * 100, np.sin(u * 30) * np.cos(v * 30)], axis=1)
    if case == "glb":
        import trimesh

        trimesh.Trimesh(places, faces, process=False).export(path)
        return
    held = pymeshlab.MeshSet()
    held.add_mesh(pymeshlab.Mesh(places, faces, v_tex_coords_matrix=np.stack([u, v], axis=1)))
    more = (
        {"save_wedge_texcoord": case == "obj-uv", "save_vertex_normal": case == "obj-uv"}
        if path.suffix == ".obj"
        else {}
    )
    if case == "obj-uv":
        held.compute_texcoord_transfer_vertex_to_wedge()
    held.save_current_mesh(str(path), **more)


def _ply(path: Path, points: Any, colors: Any) -> None:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(points))
    cloud.colors = o3d.utility.Vector3dVector(colors / 255)
    o3d.io.write_point_cloud(str(path), cloud)


def _las(path: Path, points: Any, colors: Any) -> None:
    import laspy

    header = laspy.LasHeader(point_format=2, version="1.2")
    header.scales = np.full(3, 0.0001)
    held = laspy.LasData(header)
    held.x, held.y, held.z = points.T
    held.red, held.green, held.blue = (colors.astype(np.uint16) * 257).T
    held.write(str(path))


def _e57(path: Path, points: Any, colors: Any) -> None:
    import pye57

    held = pye57.E57(str(path), mode="w")
    columns = {f"cartesian{axis}": points[:, k] for k, axis in enumerate("XYZ")}
    held.write_scan_raw(
        columns | {f"color{name}": colors[:, k] for k, name in enumerate(("Red", "Green", "Blue"))}
    )
    held.close()


WRITERS: dict[str, Callable[[Path, Any, Any], None]] = {
    "ply-points": _ply,
    "las": _las,
    "e57": _e57,
}
