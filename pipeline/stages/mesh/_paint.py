"""Keeps the colours of a mesh that is about to change: the later texture stage bakes from the form that still had them."""

from __future__ import annotations

from typing import Any

from pipeline.artefacts import Mesh
from pipeline.geometry.surface import Surface, facts_of


def facts_after_change(mesh: Mesh, surface: Surface) -> dict[str, Any]:
    """Facts of a mesh whose faces change: its image no longer fits, so the old form becomes what it is painted from."""
    facts = facts_of(mesh)
    if mesh.painted is None and (mesh.image is not None or surface.colors is not None):
        facts |= {"painted": mesh.arrays, "painted_image": mesh.image}
    return facts | {"image": None}
