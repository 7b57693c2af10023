"""One file per format; each has ``write(model, path)`` and gets a Model in the format's own unit
and axes.

``WRITERS`` names the file; a module with ``available()`` depends on a library that a host may lack.
"""

from __future__ import annotations

import importlib
from types import ModuleType

WRITERS = {
    "glb": "glb",
    "obj": "obj",
    "stl": "stl",
    "ply": "ply",
    "3mf": "threemf",
    "usdz": "usdz",
    "fbx": "fbx",
}


def writer(suffix: str) -> ModuleType:
    """The module that writes SUFFIX."""
    return importlib.import_module(f"{__name__}.{WRITERS[suffix]}")


def writable() -> tuple[str, ...]:
    """The formats this host can write; what workers announce as their capability."""
    return tuple(
        suffix for suffix in WRITERS if getattr(writer(suffix), "available", lambda: True)()
    )
