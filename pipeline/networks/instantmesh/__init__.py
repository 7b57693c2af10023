"""InstantMesh: six posed RGB views → a triplane field, and a mesh from it by FlexiCubes."""

from __future__ import annotations

from pipeline.networks.instantmesh.model import InstantMesh, InstantMeshConfig

__all__ = ["InstantMesh", "InstantMeshConfig"]
