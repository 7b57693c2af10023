"""Versions of the packages that results depend on: provenance only, no part of a key."""

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


def versions() -> dict[str, str]:
    """Versions of the packages that results depend on, as far as they were installed when this
    process first asked."""
    return dict(_installed())


@functools.cache
def _installed() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
