"""clean: a mesh becomes an oriented manifold as far as its shape allows."""

from __future__ import annotations

from typing import Any

from pipeline.artefacts import Mesh
from pipeline.errors import MeshEmpty
from pipeline.geometry import surface as surfaces
from pipeline.geometry.repair import repair
from pipeline.geometry.surface import Surface, facts_after_change, facts_of, seamed
from pipeline.geometry.topology import Verdict, proper, verdict, weld
from pipeline.kept.options import Clean
from pipeline.workspace import StageWorkspace


def run(mesh: Mesh, ws: StageWorkspace[Clean]) -> Mesh:
    """Weld, drop degenerate faces and floaters, undo non-manifold places, orient, fill holes: up to
    options.holes × size, or all.

    A textured mesh that is sound already keeps its vertices and uv; repair=false (convert) and
    skip=clean (scan) change nothing. ``watertight`` and ``manifold`` of the result are counted, not
    assumed. Floaters are dropped from scans only: a small part of a dropped model is there on
    purpose. Raises MeshEmpty when nothing is left (libraries: numpy, scipy).
    """
    options = ws.options
    if not options.cleans:
        return mesh
    surface = surfaces.load(ws, mesh)
    if mesh.image is not None and _sound(surface):
        return mesh
    ws.progress(0.1, f"cleaning {mesh.faces} faces")
    result = repair(
        surface, options.widest_hole * surface.size, drop_floaters=options.kind != "convert"
    )
    if not len(result.surface.faces):
        raise MeshEmpty("The mesh has no face left after cleaning.")
    facts = (
        facts_after_change(mesh, surface)
        if surface.uv is not None or seamed(surface)
        else facts_of(mesh)
    )
    if options.kind == "convert" and result.done:
        ws.warn(
            "Repaired: " + ", ".join(f"{count} {what}" for what, count in result.done.items()) + "."
        )
    return surfaces.store(ws, "mesh/clean.npz", result.surface, facts | flags(result.shape))


def flags(shape: Verdict) -> dict[str, Any]:
    return {
        "watertight": shape.closed and shape.manifold and shape.oriented,
        "manifold": shape.manifold and shape.oriented,
    }


def _sound(surface: Surface) -> bool:
    faces = weld(surface.vertices, 1e-7 * surface.size)[surface.faces]
    shape = verdict(faces)
    return (
        shape.closed
        and shape.manifold
        and shape.oriented
        and bool(proper(faces, surface.vertices).all())
    )
