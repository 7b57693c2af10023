"""Promotion: scratch → staging → verified → into the job folder by one rename.

Outputs are never written inside the job folder: open handles follow a renamed folder, so a worker that lost its job would write
into somebody else's. They are built in staging/, fsynced, dropped from the page cache, read back and compared.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from layout import tree
from layout.disk import Disk
from layout.tree import Atlas, Place


class Mangled(OSError):
    """Atlas does not hold what was written to it. Operator: check the disk and the network; the job is kept and promoted again."""


class PathGone(Exception):
    """The job's folder is no longer where this worker holds it: somebody cancelled, moved or seized it. The work is dropped."""


def promote(atlas: Atlas, place: Place, source: Path, target: str) -> None:
    """Put a copy of directory SOURCE at ``<place>/<target>`` whole or not at all (target: ``output`` or ``work/<leg>``).

    Writes checksums.sha256 into it, its first line naming the start. PathGone when the folder moved away meanwhile;
    LineFault and Mangled leave everything as it was, to be tried again.
    """
    disk, staged = atlas.disk, atlas.staged(place)
    if disk.lstat(staged) is not None:
        disk.rename(staged, atlas.trash_name(staged.name))
    disk.mkdir(staged)
    sums = _copy_tree(disk, source, staged)
    lines = [f"# start {place.path.name}", *(f"{digest}  {name}" for name, digest in sorted(sums.items()))]
    disk.write_new(staged / tree.CHECKSUMS, ("\n".join(lines) + "\n").encode())
    for name, digest in sums.items():
        if disk.sha256(staged / name) != digest:
            raise Mangled(0, f"{name} reads back differently from what was written")
    _enter(atlas, place, staged, target)


def _copy_tree(disk: Disk, source: Path, target: Path) -> dict[str, str]:
    sums: dict[str, str] = {}
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_dir():
            disk.mkdir(target / name)
        elif path.is_file() and not path.is_symlink():
            sums[name] = disk.copy(path, target / name)
    for folder in [target, *(target / path.relative_to(source) for path in source.rglob("*") if path.is_dir())]:
        disk.fsync_dir(folder)
    return sums


def _enter(atlas: Atlas, place: Place, staged: Path, target: str) -> None:
    disk, goal = atlas.disk, place.path / target
    try:
        if goal.parent != place.path:
            with contextlib.suppress(FileExistsError):
                disk.mkdir(goal.parent)
        if disk.lstat(goal) is not None:  # an earlier promotion of this start whose reply was lost, or a leftover
            if started_by(disk, goal) == place.path.name and verify(disk, goal):
                disk.rename(staged, atlas.trash_name(staged.name))
                return
            disk.rename(goal, atlas.trash_name(f"{place.id}-{goal.name}"))
        disk.rename(staged, goal)
    except FileNotFoundError:
        if disk.seen(goal):
            return
        raise PathGone(place.path.name) from None
    except OSError:
        if not (disk.seen(goal) and started_by(disk, goal) == place.path.name):
            raise


def started_by(disk: Disk, folder: Path) -> str | None:
    """``<id>@<worker>.<n>`` of the start that made FOLDER, from the first line of its checksums."""
    try:
        first = disk.read(folder / tree.CHECKSUMS, 400).decode("utf-8", "replace").partition("\n")[0]
    except (FileNotFoundError, NotADirectoryError):
        return None
    return first.removeprefix("# start ").strip() if first.startswith("# start ") else None


def verify(disk: Disk, folder: Path) -> bool:
    """Does FOLDER hold exactly what its checksums.sha256 lists?"""
    try:
        lines = disk.read(folder / tree.CHECKSUMS).decode().splitlines()
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False
    rows = [line.split("  ", 1) for line in lines if line and not line.startswith("#")]
    try:
        return started_by(disk, folder) is not None and all(disk.sha256(folder / name) == digest for digest, name in rows)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
