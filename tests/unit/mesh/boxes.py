"""A box as a file of every kind, and reading a drop."""

from __future__ import annotations

from collections.abc import Callable

import trimesh

from pipeline.artefacts import Dropped, Mesh
from pipeline.stages.mesh import read_mesh
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
BOX = trimesh.creation.box((1.0, 2.0, 3.0))


def read(ws: Workspace, files: dict[str, bytes]) -> Mesh:
    for name, data in files.items():
        (ws.input / name).parent.mkdir(exist_ok=True)
        (ws.input / name).write_bytes(data)
    return read_mesh.run(Dropped(names=tuple(files)), ws)


def exported(kind: str) -> bytes:
    data = BOX.export(file_type=kind)
    return data.encode() if isinstance(data, str) else data
