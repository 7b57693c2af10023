"""Write constraints.txt anew: the installed version of every distribution that an extra of ours
needs.

usage: python -m tools.constraints

A distribution that is not installed here keeps the line it has; so do pip and what builds
the wheel.
"""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name

from tools.installed import ROOT, closure

FILE = ROOT / "constraints.txt"
HEAD = """\
# Versions that are known to work together; every pip of this project reads this file
# (-c constraints.txt). Written by `python -m tools.constraints`. torch: any build of this version
# will do, the CPU one included.
"""
BUILD = ("pip", "hatchling", "trove-classifiers")


def read(path: Path = FILE) -> dict[str, str]:
    """Canonical name → version."""
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("==") for line in lines if "==" in line and not line.startswith("#"))
    return {canonicalize_name(name): version.strip() for name, _, version in pairs}


def installed(name: str) -> str | None:
    """The version that is installed here, without its build (+cpu), or None."""
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def write() -> None:
    pinned = read()
    versions = pinned | {
        name: needed.version or pinned.get(name) for name, needed in closure().items()
    }
    versions |= {name: pinned[name] for name in BUILD}
    unknown = sorted(name for name, version in versions.items() if version is None)
    if unknown:
        raise SystemExit(f"not installed and without a line in {FILE.name}: {', '.join(unknown)}")
    FILE.write_text(
        HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(versions.items()))
    )


if __name__ == "__main__":
    write()
