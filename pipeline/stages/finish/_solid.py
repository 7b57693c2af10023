"""What goes to a printer: one welded, closed, oriented manifold, checked by manifold3d."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.geometry.repair import WELD, repair
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import first_equal, verdict, weld


def welded(surface: Surface, *, by_colour: bool = False) -> Surface:
    """The surface without seams: vertices at one place, and BY_COLOUR of one colour, are one; uv
    and normals go, colours stay."""
    bare = replace(surface, uv=None, normals=None)
    first = weld(surface.vertices, WELD * surface.size)
    if by_colour and surface.colors is not None:
        code = surface.colors.astype(np.int64) @ np.array([65536, 256, 1])
        first = first_equal(np.stack([first, code], axis=1))
    return bare.only(first[surface.faces])


def solid(surface: Surface) -> tuple[Surface, str | None]:
    """(a closed manifold, None or what had to be done), or (the surface as it is, why a slicer will
    not like it)."""
    whole = welded(surface)
    if _accepted(whole):
        return whole, None
    result = repair(whole, widest_hole=2 * whole.size, drop_floaters=False)
    if not len(result.surface.faces) or not _accepted(result.surface):
        return (
            whole,
            (
                "The surface could not be closed: the print files hold it as it is, and a slicer"
                " may refuse it."
            ),
        )
    holes = result.done.get("holes filled", 0)
    return (
        result.surface,
        (
            f"For the print files {holes} openings were closed; model.glb keeps them."
            if holes
            else None
        ),
    )


def _accepted(surface: Surface) -> bool:
    import manifold3d

    shape = verdict(surface.faces)
    if not (shape.closed and shape.manifold and shape.oriented):
        return False
    unit = ((surface.vertices - surface.vertices.mean(axis=0)) / max(surface.size, 1e-12)).astype(
        np.float32
    )
    body = manifold3d.Manifold(manifold3d.Mesh(unit, surface.faces.astype(np.uint32)))
    return bool(body.status() == manifold3d.Error.NoError and body.num_tri() > 0)
