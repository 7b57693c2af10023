"""The mesh of a drop that a scan is to be compared with: named by a person, and no pass."""

from __future__ import annotations

from typing import Any

from pipeline.drops.item import MESH, POINTS, Item
from pipeline.errors import InputRejected
from pipeline.formats.meant import meant


def reference_of(asked: Any, found: list[Item]) -> Item | None:
    """Which of FOUND is meant, None where nothing is ASKED; InputRejected where it is not there,
    not clear, or no mesh."""
    if not isinstance(asked, str) or not asked:
        return None  # what is no name, the check of the options says
    items = {item.name: item for item in found}
    those = meant(asked, items)
    meshes = [item.name for item in found if item.what == MESH]
    if not those:
        holds = f" (its meshes: {', '.join(sorted(meshes)[:5])})" if meshes else ""
        raise _wrong(f'the reference "{asked}" is not in the drop{holds}')
    if len(those) > 1:
        raise _wrong(f'the reference "{asked}" may be {" or ".join(those[:5])}')
    item = items[those[0]]
    if item.what != MESH:
        said = "holds points without faces" if item.what == POINTS else "is no mesh"
        raise _wrong(f"the reference {item.name} {said}; a scan is compared with a surface")
    return item


def _wrong(why: str) -> InputRejected:
    return InputRejected(
        why, remedy="Put the mesh into the drop, or correct the line reference in job.toml."
    )
