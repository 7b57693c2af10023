"""Peers of surfaces.py: one function each, from the arrays that our stages handed on to a mesh."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import scale
from pipeline.geometry import arrays
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import verdict
from pipeline.recipes import call, stage_function

sys.path.append(str(Path(sys.executable).parent.parent / "peers"))  # `make bench-peers`
LOOKS = 200_000  # points that are asked for their distance
Made = tuple[Any, Any]  # vertices (V,3) float64, faces (F,3) int


class Input:
    """What there is to start from: the cloud, the octree's depth, the cleaned mesh, the budget."""

    def __init__(self, bag: list[Any], ws: Any) -> None:
        from pipeline.stages.scan import _surface

        self.bag, self.ws = bag, ws
        newest = {type(one).__name__: one for one in bag}
        cloud, mesh = newest["PointCloud"], newest["Mesh"]
        kept = arrays.load(ws.path(newest["Features"].kept or cloud.arrays))
        self.points, self.normals = kept["points"], kept["normals"].astype(np.float64)
        self.depth = _surface.depth(self.points, cloud.spacing, ws.options.depth)
        stored = arrays.load(ws.path(mesh.arrays))
        self.vertices, self.faces = stored["vertices"], stored["faces"]
        self.budget = ws.options.face_budget


# -- a surface of the points ---------------------------------------------------------------------
def our_surface(given: Input) -> Made:
    from pipeline.stages.scan import _surface

    return _surface.poisson(given.points, given.normals, given.depth)


def our_mesh_stage(given: Input) -> Made:
    """With its cut, its colours, its reading and writing."""
    return _stage(given, "scan.mesh", "mesh.clean")


def open3d_surface(given: Input) -> Made:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(given.points))
    cloud.normals = o3d.utility.Vector3dVector(given.normals)
    mesh, _ = o3d.geometry.TriangleMesh.create_from_point_cloud_poisson(cloud, depth=given.depth)
    return np.asarray(mesh.vertices), np.asarray(mesh.triangles)


def lagrange_surface(given: Input) -> Made:
    import lagrange

    made = lagrange.poisson.mesh_from_oriented_points(
        given.points, given.normals, octree_depth=given.depth
    )
    return np.array(made.vertices), np.array(made.facets)


def pymeshlab_surface(given: Input) -> Made:
    import pymeshlab

    held = pymeshlab.MeshSet()
    held.add_mesh(pymeshlab.Mesh(vertex_matrix=given.points, v_normals_matrix=given.normals))
    held.generate_surface_reconstruction_screened_poisson(depth=given.depth)
    return held.current_mesh().vertex_matrix(), held.current_mesh().face_matrix()


# -- fewer faces ---------------------------------------------------------------------------------
def our_decimate_stage(given: Input) -> Made:
    return _stage(given, "mesh.decimate")


def open3d_fewer(given: Input) -> Made:
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(given.vertices), o3d.utility.Vector3iVector(given.faces)
    ).simplify_quadric_decimation(given.budget)
    return np.asarray(mesh.vertices), np.asarray(mesh.triangles)


def meshoptimizer_fewer(given: Input) -> Made:
    from pipeline.geometry.simplify import presimplify

    thin = presimplify(Surface(given.vertices, given.faces), given.budget)
    return thin.vertices, thin.faces


def pyfqmr_fewer(given: Input) -> Made:
    import pyfqmr

    held = pyfqmr.Simplify()
    held.setMesh(given.vertices, given.faces)
    held.simplify_mesh(target_count=given.budget, aggressiveness=7, preserve_border=True)
    vertices, faces, _ = held.getMesh()
    return vertices, faces


def pymeshlab_fewer(given: Input) -> Made:
    import pymeshlab

    held = pymeshlab.MeshSet()
    held.add_mesh(pymeshlab.Mesh(vertex_matrix=given.vertices, face_matrix=given.faces))
    held.meshing_decimation_quadric_edge_collapse(
        targetfacenum=given.budget, preservetopology=True, preserveboundary=True
    )
    return held.current_mesh().vertex_matrix(), held.current_mesh().face_matrix()


WAYS: dict[str, dict[str, Callable[[Input], Made]]] = {
    "surface": {
        "inbox3d, the surface alone": our_surface,
        "inbox3d, the whole stage": our_mesh_stage,
        "Open3D": open3d_surface,
        "adobe-lagrange": lagrange_surface,
        "PyMeshLab": pymeshlab_surface,
    },
    "decimation": {
        "inbox3d, the whole stage": our_decimate_stage,
        "Open3D": open3d_fewer,
        "meshoptimizer": meshoptimizer_fewer,
        "pyfqmr": pyfqmr_fewer,
        "PyMeshLab": pymeshlab_fewer,
    },
}
# what each imports before the clock starts; never Open3D before adobe-lagrange, whose threads (TBB)
# it would then be given in another version
IMPORTS = {"inbox3d": "open3d meshoptimizer scipy.spatial", "adobe-lagrange": "lagrange"}


def measured(what: str, who: str, bag: list[Any], ws: Any) -> dict[str, Any]:
    """CPU s, wall s, peak MB, and what was made."""
    given, way = Input(bag, ws), WAYS[what][who]
    for name in IMPORTS.get(who.partition(",")[0], who.lower()).split():
        import_module(name)
    scale.forget_peak()
    began, wall = scale.cpu(), time.monotonic()
    vertices, faces = way(given)
    cost = {"cpu": scale.cpu() - began, "s": time.monotonic() - wall, "peak": scale.peak()}
    vertices = np.ascontiguousarray(vertices, np.float64)
    faces = np.ascontiguousarray(faces, np.int32)
    shape = verdict(faces)
    return cost | {
        "faces": len(faces),
        "watertight": bool(shape.closed and shape.manifold and shape.oriented),
        "manifold": bool(shape.manifold and shape.oriented),
        "bytes": hashlib.sha256(vertices.tobytes() + faces.tobytes()).hexdigest(),
        **strays(what, given, vertices, faces),
    }


def strays(what: str, given: Input, vertices: Any, faces: Any) -> dict[str, float]:
    from pipeline.stages.scan import _surface

    if what == "surface":
        apart = [_surface.distances(given.points, vertices, faces, LOOKS)]
    else:
        before, after = (given.vertices, given.faces), (vertices, faces)
        apart = [
            _surface.distances(_spread(*one), *other, LOOKS)
            for one, other in ((before, after), (after, before))
        ]
    size = float(np.ptp(given.points, axis=0).max())
    return {
        "mean": float(np.mean([one.mean() for one in apart])) / size,
        "p95": float(max(np.percentile(one, 95) for one in apart)) / size,
        "worst": float(max(one.max() for one in apart)) / size,
    }


def _spread(vertices: Any, faces: Any) -> Any:
    """LOOKS points spread evenly by area over a mesh, always the same."""
    rng = np.random.default_rng(0)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    at = rng.choice(len(faces), LOOKS, p=areas / areas.sum())
    u, v = np.sqrt(rng.random((LOOKS, 1))), rng.random((LOOKS, 1))
    return (1 - u) * a[at] + u * (1 - v) * b[at] + u * v * c[at]


def _stage(given: Input, name: str, until: str = "") -> Made:
    """One of our stages on what was handed on to it: what came before UNTIL, or all."""
    bag = given.bag
    if until:
        bag = [one for one in bag if type(one).__name__ != "Mesh"]
    made: Any = call(stage_function(name), bag, given.ws)
    stored = arrays.load(given.ws.path(made.arrays))
    return stored["vertices"], stored["faces"]
