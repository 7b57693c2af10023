"""What a person dropped, as it lies in input/: its name, its root, the manifest of its files."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from layout import names, tree
from layout.disk import Disk, Entry
from layout.manifest import REQUEST_LIMIT, JobFile, Listed
from layout.walk import BeyondLimits, files_below

# Of a job.toml that came after the drop had been judged without one: its start sees that what is
# there is not what was read.
NEVER_READ = hashlib.sha256(b"").hexdigest()


def dropped_name(disk: Disk, folder: Path) -> str:
    """What the person called the drop: the name of what stands in input/."""
    entries = [entry.name for entry in standing(disk, folder / tree.INPUT)]
    return printable(entries[0]) if len(entries) == 1 else folder.name.lstrip(".").partition("@")[0]


def drop_root(disk: Disk, inside: Path) -> Path:
    """The folder that manifest paths are relative to: input/<x> where the drop was one folder, else
    input/ itself."""
    entries = standing(disk, inside)
    return inside / entries[0].name if len(entries) == 1 and entries[0].is_dir else inside


def standing(disk: Disk, inside: Path) -> list[Entry]:
    """What stands in input/, ignored names aside; nothing where a person took input/ itself away.
    "Nothing" needs two looks."""
    for _ in range(2):
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            if found := [
                entry
                for entry in disk.scandir(inside)
                if not names.ignored(entry.name, entry.is_dir)
            ]:
                return found
    return []


def printable(name: str) -> str:
    """NAME as JSON can hold it: bytes that are no UTF-8 (a file server may pass any) are shown as
    \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def manifest(
    disk: Disk,
    inside: Path,
    used: frozenset[str],
    old: JobFile | None = None,
    whole: bool = True,
    asked: tuple[str, str] | None = None,
) -> list[Listed]:
    """Every file below input/ but the ignored ones; checksums are kept where size and path are
    unchanged. A job.toml always gets its own: a later change of it asks for other options. ASKED:
    path and checksum of the one whose options were read, which may have been changed since. WHOLE:
    as files_below.
    """
    known = {(row.path, row.size): row.sha256 for row in old.manifest} if old else {}
    root = drop_root(disk, inside)
    rows = (
        [(printable(path), size) for path, size in files_below(disk, root, whole)]
        if standing(disk, inside)
        else []
    )
    known |= {
        (path, size): disk.sha256(root / path)
        for path, size in rows
        if tree.is_job_toml(path) and size <= REQUEST_LIMIT
    }
    if asked is not None:
        known |= {
            (path, size): asked[1] if path == asked[0] else NEVER_READ
            for path, size in rows
            if path == asked[0] or (not asked[0] and tree.is_job_toml(path))
        }
    return [
        Listed(path=path, size=size, sha256=known.get((path, size)), used=not used or path in used)
        for path, size in rows
    ]


def sealed(disk: Disk, folder: Path, job: JobFile) -> bool:
    """Does input/ equal the manifest (names and sizes)? A copied job folder shows its job.json long
    before its scans."""
    try:
        rows = [
            (printable(path), size)
            for path, size in files_below(disk, drop_root(disk, folder / tree.INPUT))
        ]
    except (FileNotFoundError, NotADirectoryError, BeyondLimits):
        return False
    return bool(rows) and sorted((row.path, row.size) for row in job.manifest) == sorted(rows)
