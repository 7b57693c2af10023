"""The parcel: what a leg gives to the next, when another worker runs that one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from layout import accept, promote, tree
from layout.disk import Disk
from pipeline import bag


def pack(root: Path, parcel: Path) -> None:
    """Gather the bag and the newest artefacts' files in PARCEL, to be promoted as work/<leg>."""
    shutil.rmtree(parcel, ignore_errors=True)
    parcel.mkdir()
    shutil.copytree(root / bag.FOLDER, parcel / bag.FOLDER)
    if (root / bag.WARNINGS).is_file():
        shutil.copy2(root / bag.WARNINGS, parcel)
    for kept in bag.load(root):
        for name in kept.artefact.files():
            (parcel / name).parent.mkdir(parents=True, exist_ok=True)
            if not (parcel / name).exists():
                os.link(root / name, parcel / name)
    if (root / tree.OUTPUT).is_dir():
        shutil.copytree(root / tree.OUTPUT, parcel / tree.OUTPUT)


def unpack(disk: Disk, work: Path, root: Path) -> None:
    """Bring the parcels that stand whole below WORK to ROOT, unless a leg's artefacts are there."""
    if bag.load(root)[1:] or disk.lstat(work) is None:
        return
    for entry in sorted(disk.scandir(work)):
        for path, _ in accept.files_below(disk, work / entry.name) if promote.verify(disk, work / entry.name) else ():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).unlink(missing_ok=True)
            disk.copy(work / entry.name / path, root / path)
    (root / tree.CHECKSUMS).unlink(missing_ok=True)
