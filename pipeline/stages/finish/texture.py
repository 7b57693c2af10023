"""texture: a mesh gets its colours, as a texture where there are colours to bake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from pipeline.artefacts import Alignment, Mesh, PointCloud, PosedPictures, PosedView, Scans
from pipeline.geometry import arrays
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface, facts_of, seamed
from pipeline.kept.options import Texture
from pipeline.stages.finish._bake import bake
from pipeline.stages.finish._corners import as_bytes, at_corners
from pipeline.stages.finish._one_view import Painting, painting
from pipeline.stages.finish._samples import samples_of
from pipeline.stages.finish._unwrap import unwrap
from pipeline.stages.finish.sources import ColourSource, FirstThatKnows
from pipeline.workspace import StageWorkspace, Workspace

if TYPE_CHECKING:
    from pipeline.stages.finish.sources.photographs import Photographs
    from pipeline.stages.finish.sources.pictures import Picture

UNWRAPPED = 600_000  # faces; beyond, unwrapping costs minutes and vertices lie as dense as texels


def run(
    mesh: Mesh,
    cloud: PointCloud | None,
    scans: Scans | None,
    alignment: Alignment | None,
    pictures: PosedPictures | None,
    ws: StageWorkspace[Texture],
    view: PosedView | None = None,
) -> Mesh:
    """Unwrap the mesh and bake the best colours there are: posed pictures, or the one picture that
    it was made of and what follows from that, which is told and marked in a mask; then the mesh's
    earlier texture or vertex colours, then the scan's points. Texture edge:
    options.texture_size, else the tier's.

    A mesh that has its texture already, and one for which there is no colour at all, pass
    unchanged; so does every mesh with texture=false, but one that is painted by an earlier form
    gets that one's colours at its corners. Beyond 600 k faces the colours go to the vertices.
    Vertices get colours in any case, for the formats without texture (libraries: xatlas, Open3D,
    scipy).
    """
    edge = ws.options.texture_edge
    if mesh.image is not None or (edge is None and mesh.painted is None):
        return mesh
    surface = replace(surfaces.load(ws, mesh), uv=None)
    if edge is None:
        return surfaces.store(
            ws,
            "finish/coloured.npz",
            at_corners(surface, _painted(mesh, surface, ws)),
            facts_of(mesh),
        )
    paint = painting(view, mesh, surface, ws) if view is not None else None
    source = _source(mesh, surface, cloud, scans, alignment, pictures, ws)
    if paint is not None:
        source = FirstThatKnows([*paint.sources, *([source] if source else [])])
    if source is None:
        return mesh
    facts, seams = facts_of(mesh), seamed(surface)
    if mesh.faces <= UNWRAPPED:
        surface = _unwrapped_and_baked(surface, source, paint, edge, facts, ws)
    by_corner = seams or (mesh.painted is not None and mesh.painted_image is None)
    surface = at_corners(surface, source) if by_corner else _at_vertices(surface, source)
    if paint is not None:
        facts["reconstruction"] = (mesh.reconstruction or {}) | {"picture": paint.facts}
        ws.warn(paint.said)
    _say_which_photographs(surface, source, facts, ws)
    return surfaces.store(ws, "finish/textured.npz", surface, facts)


def _unwrapped_and_baked(
    surface: Surface,
    source: ColourSource,
    paint: Painting | None,
    edge: int,
    facts: dict[str, Any],
    ws: Workspace,
) -> Surface:
    """The surface with its uv; its texture, and the mask of what is guessed, go to files that FACTS
    then names."""
    ws.progress(0.1, f"unwrapping {len(surface.faces)} faces")
    surface = unwrap(surface, edge).surface
    ws.progress(0.4, f"baking {edge} × {edge} texels")
    baked = {"image": ("finish/texture.png", bake(surface, source, edge))}
    if paint is not None:
        baked["guessed"] = ("finish/guessed.png", bake(surface, paint.marks, edge)[..., 0])
    for fact, (file, pixels) in baked.items():
        Image.fromarray(pixels).save(ws.path(file), compress_level=4)
        facts[fact] = file
    return surface


def _at_vertices(surface: Surface, source: ColourSource) -> Surface:
    colours = source.colors_at(surface.vertices, surfaces.smooth_normals(surface))
    return replace(surface, colors=as_bytes(colours))


def _say_which_photographs(
    surface: Surface, source: ColourSource, facts: dict[str, Any], ws: Workspace
) -> None:
    """Which photograph colours each vertex, and how many see it, where photographs are asked."""
    if (photographs := _photographs(source)) is None:
        return
    best, count = photographs.seen_at(surface.vertices, surfaces.smooth_normals(surface))
    arrays.save(ws.path("finish/photographs.npz"), best=best, count=count)
    facts["textured_by"] = "finish/photographs.npz"


def _photographs(source: ColourSource) -> Photographs | None:
    """Photographs, where these are asked first."""
    from pipeline.stages.finish.sources.photographs import Photographs

    first = source.sources[0] if isinstance(source, FirstThatKnows) else None
    return first if isinstance(first, Photographs) else None


def _source(
    mesh: Mesh,
    surface: Surface,
    cloud: PointCloud | None,
    scans: Scans | None,
    alignment: Alignment | None,
    pictures: PosedPictures | None,
    ws: Workspace,
) -> ColourSource | None:
    """Everything that knows colours, best first; None where nothing does."""
    found: list[ColourSource] = []
    if pictures is not None and pictures.pictures:
        found.append(_pictures(pictures, surface, ws))
    if mesh.painted is not None or surface.colors is not None:
        found.append(_painted(mesh, surface, ws))
    if surface.colors is None:
        samples = samples_of(cloud, scans, alignment, ws)
        if samples is not None:
            from pipeline.stages.finish.sources.points import Points

            found.append(Points(*samples))
    return FirstThatKnows(found) if found else None


def _painted(mesh: Mesh, surface: Surface, ws: Workspace) -> ColourSource:
    from pipeline.stages.finish.sources.painted import Painted

    if mesh.painted is None:
        return Painted(surface, None)
    with np.load(ws.path(mesh.painted)) as arrays:
        earlier = Surface(
            arrays["vertices"],
            arrays["faces"],
            *(arrays.get(name) for name in ("colors", "normals", "uv")),
        )
        tint = arrays.get("tint")
    return Painted(earlier, _opened(mesh.painted_image, ws) if mesh.painted_image else None, tint)


def _pictures(pictures: PosedPictures, surface: Surface, ws: Workspace) -> ColourSource:
    from pipeline.stages.finish.sources.photographs import Photographs
    from pipeline.stages.finish.sources.pictures import Picture, Pictures

    shots = [
        Picture(
            _opened(shot.image, ws),
            shot.camera,
            np.asarray(shot.pose, np.float64),
            counts=None if shot.mask is None else _opened(shot.mask, ws)[..., 0] == 255,
        )
        for shot in pictures.pictures
    ]
    if pictures.sparse is None:
        return Pictures(shots, surface)
    return Photographs(shots, surface, _shared(pictures, shots, ws))


def _shared(
    pictures: PosedPictures, shots: Sequence[Picture], ws: Workspace
) -> list[tuple[Any, Any]]:
    """For each photograph the points that others see too, and where it shows them, in pixels."""
    stored = arrays.load(ws.path(str(pictures.sparse)))
    found = []
    for number, shot in enumerate(shots):
        which = stored["seen"][stored["seen"][:, 1] == number, 0]
        local = stored["points"][which] @ shot.pose[:3, :3].T + shot.pose[:3, 3]
        fx, fy, cx, cy = shot.camera
        pixels = np.stack(
            [local[:, 0] / local[:, 2] * fx + cx, local[:, 1] / local[:, 2] * fy + cy], 1
        )
        found.append((which, pixels - 0.5))
    return found


def _opened(name: str, ws: Workspace) -> Any:
    with Image.open(ws.path(name)) as image:
        return np.asarray(image.convert("RGB"))
