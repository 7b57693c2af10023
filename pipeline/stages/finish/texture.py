"""texture: a mesh gets its colours."""

from __future__ import annotations

from pipeline.artefacts import Mesh, PointCloud
from pipeline.workspace import Workspace


def run(mesh: Mesh, cloud: PointCloud | None, ws: Workspace) -> Mesh:
    """Vertex colours as they are."""
    return mesh
