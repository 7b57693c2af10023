"""The mesh that a scan is to be compared with: read as it is, in its own frame and unit."""

from __future__ import annotations

from pathlib import PurePosixPath

import numpy as np

from pipeline.artefacts import Reference
from pipeline.errors import InputRejected
from pipeline.formats.meshes import check
from pipeline.formats.refusals import MESH_SUFFIXES, Source
from pipeline.geometry import arrays, readers, topology
from pipeline.geometry.readers.assemble import assemble
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.units import UNIT_NAMES
from pipeline.stages.scan._sources import ScanFiles
from pipeline.workspace import Workspace


def read(source: Source | None, drop: ScanFiles | None, ws: Workspace) -> Reference | None:
    """Vertices welded, without faces that have no area, facing outward where it is closed; None
    where no mesh is named. InputRejected, by name, where it is damaged or holds no surface."""
    if source is None:
        return None
    beside = drop.beside_of(source) if drop else Companions([])
    suffix = PurePosixPath(source.name).suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise InputRejected(
            f"the reference {source.name} is no mesh of a format that is read here",
            remedy=f"Export it as one of {', '.join(MESH_SUFFIXES)}.",
        )
    check(source.name, source.path)
    contents = readers.read(source.name, source.path, beside)
    whole = assemble(contents.parts)
    for text in (*contents.account.differences(), *whole.notes):
        ws.warn(f"{source.name}: {text}.")
    vertices = np.asarray(whole.surface.vertices, np.float64)
    sound = np.asarray((np.abs(vertices) < 1e12).all(1))  # false for what is no number, too
    faces = topology.weld(vertices)[whole.surface.faces[sound[whole.surface.faces].all(1)]]
    faces = faces[topology.proper(faces, vertices)]
    if not len(faces):
        raise InputRejected(
            f"the reference {source.name} holds no faces",
            remedy="Export it as a mesh; a scan is compared with a surface.",
        )
    shape = topology.verdict(faces)
    if shape.closed and shape.oriented and topology.volume(vertices, faces) < 0:
        faces = faces[:, ::-1]
    used, packed = np.unique(faces, return_inverse=True)
    x, y, z = (round(float(value)) for value in vertices[used].mean(0))
    file = "read_passes/reference.npz"
    arrays.save(
        ws.path(file),
        vertices=vertices[used] - [x, y, z],
        faces=packed.reshape(-1, 3).astype(np.int32),
    )
    unit = "m" if suffix in (".glb", ".gltf") else UNIT_NAMES.get(contents.unit or "")
    return Reference(name=source.name, arrays=file, unit=unit, origin=(x, y, z))
