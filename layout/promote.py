"""Promotion: scratch → staging → verified → into the job folder by one rename.

Outputs are never written inside the job folder: open handles follow a renamed folder, so a worker
that lost its job would write into somebody else's. They are built in staging/, fsynced, dropped
from the page cache, read back and compared.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
from collections.abc import Callable
from pathlib import Path

from layout import tree
from layout.disk import Disk, LineFault
from layout.tree import Atlas, Place


class Mangled(OSError):
    """Atlas does not hold what was written to it. Operator: check the disk and the network; the job
    is kept and promoted again."""


class PathGone(Exception):
    """The job's folder is no longer where this worker holds it: somebody cancelled, moved or seized
    it. The work is dropped."""


def promote(
    atlas: Atlas,
    place: Place,
    source: Path,
    target: str,
    key: str = "",
    say: Callable[[float], None] = lambda share: None,
) -> None:
    """Put a copy of directory SOURCE at ``<place>/<target>`` whole or not at all (target:
    ``output`` or ``work/<leg>``).

    Writes checksums.sha256 into it, its first lines naming the start and the KEY of what it was
    made from. PathGone when the folder moved away meanwhile; LineFault and Mangled leave everything
    as it was, to be tried again. ValueError when SOURCE holds no file: nothing is no result. SAY
    hears after each file which share is written and read back.
    """
    try:
        _enter(atlas, place, _stage(atlas, place, source, key, say), target)
    except FileNotFoundError as error:
        atlas.identity()  # LineFault where the whole share is away
        if not atlas.disk.seen(place.path):
            raise PathGone(place.path.name) from None
        raise LineFault(
            error.errno, "staging/ was cleared during a promotion", error.filename
        ) from error


def _stage(
    atlas: Atlas, place: Place, source: Path, key: str, say: Callable[[float], None]
) -> Path:
    """Copy SOURCE to staging/ and see that Atlas holds what was written."""
    disk, staged = atlas.disk, atlas.staged(place)
    folders, files = _contents(source)
    with contextlib.suppress(FileNotFoundError):
        disk.rename(staged, atlas.trash_name(staged.name))
    with contextlib.suppress(FileExistsError):  # a lost reply, sent again
        disk.mkdir(staged)
    for name in folders:
        disk.mkdir(staged / name)
    sums = {}
    for count, name in enumerate(files, 1):
        sums[name] = disk.copy(source / name, staged / name)
        say(count / (2 * len(files)))
    listing = _listing(place, sums, key)
    disk.write_new(staged / tree.CHECKSUMS, listing)
    if disk.durable:
        for name in [*reversed(folders), "."]:
            disk.fsync_dir(staged / name)
    for count, (name, digest) in enumerate(
        {**sums, tree.CHECKSUMS: hashlib.sha256(listing).hexdigest()}.items(), 1
    ):
        if disk.sha256(staged / name) != digest:
            raise Mangled(errno.EIO, f"{name} reads back differently from what was written")
        say(min(0.5 + count / (2 * len(files)), 1.0))
    return staged


def _contents(source: Path) -> tuple[list[str], list[str]]:
    """Folders (parents first) and regular files below SOURCE, relative; links are left out."""
    found = [path for path in sorted(source.rglob("*")) if not path.is_symlink()]
    files = [
        path.relative_to(source).as_posix()
        for path in found
        if path.is_file() and path != source / tree.CHECKSUMS
    ]
    if not files:
        raise ValueError(f"{source} holds no file to promote")
    return [path.relative_to(source).as_posix() for path in found if path.is_dir()], files


def _listing(place: Place, sums: dict[str, str], key: str) -> bytes:
    """checksums.sha256: readable by ``sha256sum -c``; the count shows a torn one."""
    rows = [f"{digest}  {name}" for name, digest in sorted(sums.items())]
    return (
        "\n".join(
            [
                f"# start {place.path.name}",
                f"# files {len(rows)}",
                *([f"# key {key}"] if key else []),
                *rows,
            ]
        )
        + "\n"
    ).encode()


def _enter(atlas: Atlas, place: Place, staged: Path, target: str) -> None:
    """The instant: staging becomes the job's own. A name that is taken by this start's whole copy
    was a lost reply."""
    disk, goal = atlas.disk, place.path / target
    if goal.parent != place.path:
        with contextlib.suppress(FileExistsError):
            disk.mkdir(goal.parent)
    if disk.lstat(goal) is not None or disk.seen(goal):
        if (
            _is_from(disk, goal, place)
            and key_of(disk, goal) == key_of(disk, staged)
            and verify(disk, goal)
        ):
            disk.rename(staged, atlas.trash_name(staged.name))
            return
        with contextlib.suppress(FileNotFoundError):
            disk.rename(goal, atlas.trash_name(f"{place.id}-{goal.name}"))
    try:
        disk.rename(staged, goal)
    except OSError as error:
        if _is_from(disk, goal, place):
            return
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # not seen before: the next try sees it
            raise LineFault(
                error.errno, "an unseen folder stands in the way of a promotion", str(goal)
            ) from error
        raise


def _is_from(disk: Disk, folder: Path, place: Place) -> bool:
    return started_by(disk, folder) == place.path.name


def key_of(disk: Disk, folder: Path) -> str:
    """The key that FOLDER was promoted with; "" where it has none."""
    lines = _head(disk, folder)
    return (
        lines[2].removeprefix("# key ").strip()
        if len(lines) > 2 and lines[2].startswith("# key ")
        else ""
    )


def started_by(disk: Disk, folder: Path) -> str | None:
    """``<id>@<worker>.<n>`` of the start that made FOLDER, from the first line of its checksums."""
    first = _head(disk, folder)[0]
    return first.removeprefix("# start ").strip() if first.startswith("# start ") else None


def _head(disk: Disk, folder: Path) -> list[str]:
    """The first lines of FOLDER's checksums; one empty line where there are none."""
    try:
        return disk.read(folder / tree.CHECKSUMS, 600).decode("utf-8", "replace").split("\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return [""]


def verify(disk: Disk, folder: Path) -> bool:
    """Does FOLDER hold everything that its checksums.sha256 lists? Other files (a .DS_Store) do not
    matter."""
    try:
        lines = disk.read(folder / tree.CHECKSUMS).decode().splitlines()
        rows = [line.split("  ", 1) for line in lines if line and not line.startswith("#")]
        whole = f"# files {len(rows)}" in lines[1:2] and lines[0].startswith("# start ")
        return whole and all(disk.sha256(folder / name) == digest for digest, name in rows)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, ValueError):
        return False
