"""``inbox3d viewer``: the model viewer of report.html and the pages, fetched where a wheel was
built without it."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import click

from pipeline.cli import FAILED

PACKAGE, VERSION = "@google/model-viewer", "4.4.0"
# of the package as npm packs it; package-lock.json holds the same
INTEGRITY = (
    "8z1SB5sPlzKoak5mdx/D31brBakPYm3Qi31EfAucHAUrtrHHCbabypkKvSwReYhUpPaxyJ46oT47uWE/hrs1Zw=="
)
VENDOR = Path(__file__).parent.parent / "static" / "vendor"
FILES = {
    "package/dist/model-viewer.min.js": "model-viewer.min.js",
    "package/LICENSE": "model-viewer.LICENSE",
}


@click.command()
@click.option(
    "--from",
    "packed",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The package as a file (npm pack @google/model-viewer@4.4.0), where this host has no npm.",
)
def viewer(packed: Path | None) -> int:
    """Fetch the model viewer with npm, check it, and put it where reports and pages look for it.

    \b
    Example:
      inbox3d viewer
    """
    if packed is None and shutil.which("npm") is None:
        click.echo(
            f"npm is not here. Run npm pack {PACKAGE}@{VERSION} elsewhere, copy the file here, then"
            " inbox3d viewer --from FILE.",
            err=True,
        )
        return FAILED
    try:
        install(packed.read_bytes() if packed else fetched(), VENDOR)
    except (OSError, ValueError, tarfile.TarError) as error:
        click.echo(f"The model viewer was not put in place: {error}", err=True)
        return FAILED
    click.echo(f"The model viewer {VERSION} is in place. Reports made from now on can be turned.")
    return 0


def fetched() -> bytes:
    """The package as npm gives it; ValueError with npm's words where it does not."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", folder, "--silent"]
        tried = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=600)
        found = list(Path(folder).glob("*.tgz"))
        if tried.returncode or not found:
            said = (tried.stderr.strip() or tried.stdout.strip() or "npm said nothing")[-300:]
            raise ValueError(f"npm could not fetch it: {said}")
        return found[0].read_bytes()


def install(package: bytes, vendor: Path) -> None:
    """Put what is needed of PACKAGE into VENDOR; ValueError, with nothing changed, where it is
    another package than the one that is meant."""
    if base64.b64encode(hashlib.sha512(package).digest()).decode() != INTEGRITY:
        raise ValueError(f"this is not {PACKAGE} {VERSION} as it was published.")
    vendor.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for inside, name in FILES.items():
            file = archive.extractfile(inside)
            assert file is not None
            new = vendor / f".{name}.new"
            new.write_bytes(file.read())
            new.replace(vendor / name)
