"""decimate: a mesh is thinned to its face budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.artefacts import Mesh
from pipeline.geometry import surface as surfaces
from pipeline.geometry.repair import repair
from pipeline.geometry.simplify import presimplify
from pipeline.geometry.surface import Surface, facts_after_change
from pipeline.geometry.topology import verdict, weld
from pipeline.kept.options import Decimate
from pipeline.workspace import StageWorkspace

# times the budget beyond which meshoptimizer thins first, and to which: it is about 25 times faster
# and needs far less memory; the last steps are Open3D's, whose mesh is the better one
FAR, NEAR = 4, 3


def run(mesh: Mesh, ws: StageWorkspace[Decimate]) -> Mesh:
    """Reduce to options.faces, else the tier's budget; a mesh within its budget passes unchanged.

    Quadric error metric by Open3D; meshoptimizer goes first where there are far more faces.
    Watertight stays watertight: what the collapse breaks is repaired, and the flags are counted
    again.
    """
    budget = ws.options.face_budget
    if budget is None or mesh.faces <= budget:
        return mesh
    surface = surfaces.load(ws, mesh)
    ws.progress(0.1, f"thinning {mesh.faces} faces to {budget}")
    thin = _thin(surface if surface.uv is None else _whole(surface), budget)
    shape = verdict(thin.faces)
    if mesh.manifold and not (
        shape.manifold and shape.oriented and shape.closed == mesh.watertight
    ):
        thin = repair(
            thin, 0.02 * thin.size if mesh.watertight else 0.0, drop_floaters=False
        ).surface
        shape = verdict(thin.faces)
    facts = facts_after_change(mesh, surface) | {
        "watertight": shape.closed and shape.manifold and shape.oriented,
        "manifold": shape.manifold and shape.oriented,
    }
    return surfaces.store(ws, "mesh/decimated.npz", thin, facts)


def _whole(surface: Surface) -> Surface:
    """Without the seams of a texture, at which it would tear."""
    return replace(surface, uv=None, normals=None).only(weld(surface.vertices)[surface.faces])


def _thin(surface: Surface, budget: int) -> Surface:
    import open3d as o3d

    if len(surface.faces) > FAR * budget:
        surface = presimplify(surface, NEAR * budget)
    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(surface.vertices), o3d.utility.Vector3iVector(surface.faces)
    )
    if surface.colors is not None:
        mesh.vertex_colors = o3d.utility.Vector3dVector(surface.colors / 255.0)
    mesh = mesh.simplify_quadric_decimation(budget)
    mesh.remove_degenerate_triangles()
    mesh.remove_unreferenced_vertices()
    colors = np.asarray(mesh.vertex_colors)
    return Surface(
        np.array(mesh.vertices),
        np.array(mesh.triangles, dtype=np.int32),
        colors=np.clip(colors * 255 + 0.5, 0, 255).astype(np.uint8) if len(colors) else None,
    )
