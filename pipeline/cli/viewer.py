"""``inbox3d viewer``: what the viewer of report.html and the pages is built on, fetched where a
wheel was built without it."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from pipeline.cli import FAILED
from pipeline.stages.finish._modules import THREE, pointed

VENDOR = Path(__file__).parent.parent / "static" / "vendor"


class Package(NamedTuple):
    """An npm package: its version, the checksum of the file that npm packs (package-lock.json holds
    both), and what is taken of it, path inside → name here."""

    version: str
    integrity: str
    files: Mapping[str, str]


def _flat(*paths: str) -> dict[str, str]:
    return {path: path.rpartition("/")[2] for path in paths}


PACKAGES = {
    "three": Package(
        "0.183.2",
        "di3BsL2FEQ1PA7Hcvn4fyJOlxRRgFYBpMTcyOgkwJIaDOdJMebEFPA+t98EvjuljDx4hNulAGwF6KIjtwI5jgQ==",
        _flat(
            "build/three.core.min.js",
            f"build/{THREE}",
            "examples/jsm/controls/OrbitControls.js",
            "examples/jsm/environments/RoomEnvironment.js",
            "examples/jsm/libs/meshopt_decoder.module.js",
            "examples/jsm/loaders/GLTFLoader.js",
            "examples/jsm/utils/BufferGeometryUtils.js",
            "examples/jsm/utils/SkeletonUtils.js",
        )
        | {"LICENSE": "three.LICENSE"},
    ),
    "three-mesh-bvh": Package(
        "0.9.17",
        "uU2DNnTHsMcrsAM1kiLXEeLx4JNsPLayLTPE5Rf7exbFRuQYEifS4DhGEA+lDiU8/7mID1PsE9sH8i6p5prZSg==",
        {
            "build/index.module.js": "three-mesh-bvh.module.js",
            "LICENSE": "three-mesh-bvh.LICENSE",
        },
    ),
}
FILES = tuple(name for package in PACKAGES.values() for name in package.files.values())


@click.command()
@click.option(
    "--from",
    "packed",
    metavar="PATH",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="The packages as files (npm pack three@… three-mesh-bvh@…), where this host has no npm;"
    " or a node_modules folder.",
)
def viewer(packed: tuple[Path, ...]) -> int:
    """Fetch what the model viewer is built on with npm, check it, and put it where reports and
    pages look for it.

    \b
    Example:
      inbox3d viewer
    """
    wanted = " ".join(f"{name}@{package.version}" for name, package in PACKAGES.items())
    if not packed and shutil.which("npm") is None:
        click.echo(
            f"npm is not here. Run npm pack {wanted} elsewhere, copy the files here, then"
            " inbox3d viewer --from FILE --from FILE.",
            err=True,
        )
        return FAILED
    try:
        install(given(packed) if packed else fetched(wanted), VENDOR)
    except (OSError, ValueError, KeyError, tarfile.TarError) as error:
        click.echo(f"The model viewer was not put in place: {error}", err=True)
        return FAILED
    click.echo(f"The model viewer is in place ({wanted}). Reports made from now on have it.")
    return 0


def fetched(wanted: str) -> dict[str, bytes]:
    """What is taken of the packages as npm gives them; ValueError with npm's words where it does
    not."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", *wanted.split(), "--pack-destination", folder, "--silent"]
        tried = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600)
        found = sorted(Path(folder).glob("*.tgz"))
        if tried.returncode or not found:
            said = (tried.stderr.strip() or tried.stdout.strip() or "npm said nothing")[-300:]
            raise ValueError(f"npm could not fetch it: {said}")
        return given(found)


def given(paths: tuple[Path, ...] | list[Path]) -> dict[str, bytes]:
    """Name → bytes of what is taken of the packages in PATHS, each one that is meant."""
    found: dict[str, bytes] = {}
    for path in paths:
        if path.is_dir():  # npm has checked it against the lock file
            for name, package in PACKAGES.items():
                for inside, called in package.files.items():
                    found[called] = (path / name / inside).read_bytes()
        else:
            found |= _unpacked(path)
    if missing := [name for name in FILES if name not in found]:
        raise ValueError(f"{', '.join(missing)} is in none of the files; all packages are needed.")
    return found


def _unpacked(path: Path) -> dict[str, bytes]:
    data = path.read_bytes()
    checksum = base64.b64encode(hashlib.sha512(data).digest()).decode()
    package = next((one for one in PACKAGES.values() if one.integrity == checksum), None)
    if package is None:
        names = " or ".join(f"{name} {one.version}" for name, one in PACKAGES.items())
        raise ValueError(f"{path.name} is not {names} as it was published.")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = {}
        for inside, called in package.files.items():
            file = archive.extractfile(f"package/{inside}")
            assert file is not None  # its checksum says what it holds
            found[called] = file.read()
        return found


def install(files: dict[str, bytes], vendor: Path) -> None:
    """Put FILES into VENDOR side by side, each whole; modules find each other there."""
    vendor.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        new = vendor / f".{name}.new"
        if name.endswith(".js"):
            data = pointed(data.decode(), FILES, lambda other: f"./{other}").encode()
        new.write_bytes(data)
        new.replace(vendor / name)
