"""Which distributions the project needs, taken from pyproject.toml and from what is installed."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent


class Needed(NamedTuple):
    """One distribution of the closure; by = canonical names of those that ask for it,
    "inbox3d[extra]" for us."""

    name: str
    version: str | None  # None: not installed here, or not a version that we accept
    by: tuple[str, ...]


def project() -> dict[str, list[str]]:
    """Our own requirements by extra; "" holds the base ones."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": table["dependencies"], **table["optional-dependencies"]}


def closure() -> dict[str, Needed]:
    """Every distribution that some extra of ours needs, directly or not, by canonical name."""
    by: dict[str, set[str]] = {}
    limits: dict[str, SpecifierSet] = {}
    todo: list[tuple[Requirement, str]] = []
    for extra, lines in project().items():
        todo += [(Requirement(line), f"inbox3d[{extra}]" if extra else "inbox3d") for line in lines]
    seen: set[tuple[str, frozenset[str]]] = set()
    while todo:
        wanted, asker = todo.pop()
        name = canonicalize_name(wanted.name)
        if name == "inbox3d":
            continue
        by.setdefault(name, set()).add(asker)
        limits[name] = limits.get(name, SpecifierSet()) & wanted.specifier
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        if _version(name, limits[name]) is not None:
            todo += [(line, name) for line in _requirements(name, wanted.extras)]
    return {
        name: Needed(_shown(name), _version(name, limits[name]), tuple(sorted(askers)))
        for name, askers in sorted(by.items())
    }


def _requirements(name: str, extras: set[str]) -> list[Requirement]:
    lines = [Requirement(line) for line in metadata.requires(name) or ()]
    return [
        line
        for line in lines
        if line.marker is None
        or any(line.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    ]


def _version(name: str, limits: SpecifierSet) -> str | None:
    try:
        # a local build such as +cpu is the same version
        version = metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None
    return version if limits.contains(version, prereleases=True) else None


def _shown(name: str) -> str:
    try:
        return str(metadata.metadata(name)["Name"])
    except metadata.PackageNotFoundError:
        return name
