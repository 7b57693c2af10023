"""Versions of the packages that results depend on: for people to read, no part of a key."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata

PACKAGES = (
    "inbox3d",
    "numpy",
    "scipy",
    "open3d",
    "trimesh",
    "pymeshlab",
    "xatlas",
    "torch",
    "diffusers",
)


def versions(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Versions of PACKAGES, as far as they were installed when this process first asked."""
    return {name: found for name in packages if (found := _installed(name))}


@functools.cache
def _installed(package: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None
