"""Write the bill of materials (CycloneDX 1.6, JSON): every distribution that an extra of ours
needs, at the version that is installed or pinned, with its licence and what asks for it; and the
packages of the model viewer.

usage: python -m tools.sbom [FILE]      default: sbom.cdx.json

Nothing is asked of the network. The serial number is drawn from what is listed: the same
installation gives the same one.
"""

from __future__ import annotations

import json
import sys
import tomllib
import uuid
from importlib import metadata
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from tools.constraints import read
from tools.installed import ROOT, Needed, closure

FILE = ROOT / "sbom.cdx.json"


def bom() -> Bom:
    """What inbox3d is made of, with every extra."""
    ours = _component("inbox3d", _own_version(), "Apache-2.0", ComponentType.APPLICATION)
    made, needed, pins = Bom(), closure(), read()
    components = {
        name: _component(one.name, one.version or pins.get(name), _licence(name))
        for name, one in needed.items()
    }
    for component in (*components.values(), *(viewer := _viewer())):
        made.components.add(component)
    made.metadata.component = ours
    _depend(made, ours, components, needed)
    made.register_dependency(ours, viewer)
    listed = "\n".join(sorted(str(one.purl) for one in made.components))
    made.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, listed)
    return made


def _depend(
    made: Bom, ours: Component, components: dict[str, Component], needed: dict[str, Needed]
) -> None:
    asked: dict[str, list[Component]] = {name: [] for name in ("", *components)}
    for name, one in needed.items():
        for asker in one.by:
            asked["" if asker.startswith("inbox3d") else asker].append(components[name])
    made.register_dependency(ours, asked[""])
    for name, component in components.items():
        made.register_dependency(component, asked[name])


def _viewer() -> list[Component]:
    """What package-lock.json pins for the pages."""
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    return [
        _component(path.removeprefix("node_modules/"), one["version"], one["license"], home="npm")
        for path, one in packages.items()
        if path and not one.get("dev")
    ]


def _component(
    name: str,
    version: str | None,
    licence: str,
    kind: ComponentType = ComponentType.LIBRARY,
    home: str = "pypi",
) -> Component:
    url = PackageURL(home, name=canonicalize_name(name), version=version)
    licences = [LicenseFactory().make_from_string(licence)] if licence else []
    return Component(
        name=name, version=version, type=kind, purl=url, bom_ref=str(url), licenses=licences
    )


def _licence(name: str) -> str:
    """By its own metadata: the SPDX expression, else the name that it gives."""
    try:
        known = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    said = known["License-Expression"] or known["License"] or ""
    return said.strip().splitlines()[0][:100] if said.strip() else ""


def _own_version() -> str:
    version: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return version


def text() -> str:
    made = make_outputter(bom(), OutputFormat.JSON, SchemaVersion.V1_6)
    return made.output_as_string(indent=1) + "\n"


def main(file: Path = FILE) -> None:
    file.write_text(text())
    print(f"written: {file}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
