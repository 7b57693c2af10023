"""export: a mesh is written in every asked format, and every file is read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.artefacts import Alignment, Comparison, Exported, Mesh, PointCloud, Scans
from pipeline.geometry.creases import with_normals
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import Export
from pipeline.stages.finish import _compared, _readback, _stations
from pipeline.stages.finish._model import (
    METRIC,
    PRINT,
    Model,
    into_space,
    model_of,
    without_texture,
)
from pipeline.stages.finish._solid import solid, welded
from pipeline.stages.finish.writers import e57, ply, writer
from pipeline.workspace import StageWorkspace, Workspace


def run(
    mesh: Mesh,
    cloud: PointCloud | None,
    scans: Scans | None,
    ws: StageWorkspace[Export],
    compared: Comparison | None = None,
    alignment: Alignment | None = None,
) -> Exported:
    """Write model.glb, the asked formats and, for scans, cloud.ply below output/, beside it
    cloud.e57 where that was asked for; deviation.glb where the scan was compared with a reference.

    glb, usdz, fbx: metres, Y up, front +Z. stl, 3mf: millimetres, Z up. obj, ply, cloud.ply: the
    drop's own unit and frame with the survey origin restored; cloud.e57: metres. Raises
    ReadBackFailed when a file does not read back as it was written, FormatUnavailable when this
    host lacks the writer's library.
    """
    model = model_of(mesh, ws)
    formats = tuple(dict.fromkeys(("glb", *ws.options.output_format)))
    forms = _forms(model, mesh, formats, ws)
    written: list[str] = []
    for number, suffix in enumerate(formats):
        ws.progress(number / (len(formats) + 1), f"writing model.{suffix}")
        written += _write(
            into_space(forms[suffix], mesh, suffix), suffix, ws.output(f"model.{suffix}")
        )
    if cloud is not None:
        _cloud(cloud, mesh, ws)
        written.append("cloud.ply")
    if ws.options.writes_e57 and alignment is not None and scans is not None:
        e57.write(_stations.of_passes(scans, alignment, ws), ws.output("cloud.e57"))
        written.append("cloud.e57")
    if compared is not None and compared.arrays:
        painted = Model(_compared.painted(compared, ws)).placed(as_matrix(mesh.frame))
        written += _write(painted, "glb", ws.output("deviation.glb"))
    return Exported(files_written=tuple(written), faces=mesh.faces, texture=_edge(model))


def _forms(
    model: Model, mesh: Mesh, formats: tuple[str, ...], ws: StageWorkspace[Export]
) -> dict[str, Model]:
    """The form of the model that each format gets: shaded for viewers, a solid for printers,
    without seams for PLY."""
    shaded = (
        model
        if model.surface.normals is not None
        else replace(model, surface=with_normals(model.surface))
    )
    forms = dict.fromkeys(formats, replace(model, surface=replace(model.surface, normals=None)))
    forms |= dict.fromkeys(set(formats) & set(METRIC), shaded)
    if "ply" in formats:
        forms["ply"] = without_texture(model, welded(model.surface, by_colour=True))
    if set(PRINT) & set(formats):
        whole, remark = (
            solid(model.surface) if ws.options.makes_solids else (welded(model.surface), None)
        )
        if remark:
            ws.warn(remark)
        forms |= dict.fromkeys(set(formats) & set(PRINT), without_texture(model, whole))
    return forms


def _write(model: Model, suffix: str, path: Path) -> list[str]:
    writer(suffix).write(model, path)
    _readback.compare(path, model)
    beside = [path.with_suffix(end) for end in (".mtl", ".png") if suffix == "obj"]
    return [path.name, *(item.name for item in beside if item.exists())]


def _cloud(cloud: PointCloud, mesh: Mesh, ws: Workspace) -> None:
    """cloud.ply: every point of a survey, else the merged cloud with its normals."""
    if cloud.whole:
        points = np.load(ws.path(cloud.whole), mmap_mode="r")
        colors = np.load(ws.path(cloud.whole_colors), mmap_mode="r") if cloud.whole_colors else None
        ply.write_cloud(points, None, colors, ws.output("cloud.ply"), mesh.origin)
        return
    with np.load(ws.path(cloud.arrays)) as arrays:
        ply.write_cloud(
            arrays["points"],
            arrays.get("normals"),
            arrays.get("colors"),
            ws.output("cloud.ply"),
            mesh.origin,
        )


def _edge(model: Model) -> int | None:
    if model.image is None:
        return None
    with Image.open(model.image) as image:
        return max(image.size)
