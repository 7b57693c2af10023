"""What a person dropped, as it lies in input/: its name, its root, the manifest of its files."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from layout import names
from layout.disk import Disk, Entry
from layout.manifest import REQUEST_LIMIT, JobFile, Listed
from layout.tree import INPUT, is_job_toml
from layout.walk import BeyondLimits, files_among

# Of a job.toml that came after the drop had been judged without one: its start sees that what is
# there is not what was read.
NEVER_READ = hashlib.sha256(b"").hexdigest()


class Drop(NamedTuple):
    """What one look at input/ saw. FILES, (path, size), are relative to ROOT: input/<x> where all
    of them lie in one folder, else input/ itself. NAME: what the person called the drop, None where
    that is not to be told."""

    root: Path
    files: list[tuple[str, int]]
    name: str | None


def look(disk: Disk, inside: Path, whole: bool = True) -> Drop:
    """One look at what stands in input/ (INSIDE), ignored names aside. Whoever must agree with it
    takes it from here: a second listing may lack what the first one showed. WHOLE: as
    files_below."""
    entries = standing(disk, inside)
    files = files_among(disk, inside, entries, whole) if entries else []
    top = top_of(path for path, _ in files)
    tops = {path.partition("/")[0] for path, _ in files} or {entry.name for entry in entries}
    return Drop(
        inside / top,
        [(path.removeprefix(top), size) for path, size in files],
        printable(tops.pop()) if len(tops) == 1 else None,
    )


def top_of(paths: Iterable[str]) -> str:
    """The folder in which all files of input/ lie, by their PATHS there, with its slash; "" where
    there is none. An empty folder beside it does not count."""
    tops = {"".join(path.partition("/")[:2]) for path in paths}
    return tops.pop() if len(tops) == 1 and any(top.endswith("/") for top in tops) else ""


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
    drop: Drop,
    used: frozenset[str],
    old: JobFile | None = None,
    asked: tuple[str, str] | None = None,
) -> list[Listed]:
    """A row for every file of DROP; checksums are kept where size and path are unchanged. A
    job.toml always gets its own: a later change of it asks for other options. ASKED: path and
    checksum of the one whose options were read, which may have been changed since.
    """
    known = {(row.path, row.size): row.sha256 for row in old.manifest} if old else {}
    rows = [(printable(path), size) for path, size in drop.files]
    for path, size in rows:
        if asked and (path == asked[0] or (not asked[0] and is_job_toml(path))):
            known[path, size] = asked[1] if path == asked[0] else NEVER_READ
        elif is_job_toml(path) and size <= REQUEST_LIMIT:
            known[path, size] = disk.sha256(drop.root / path)
    return [
        Listed(path=path, size=size, sha256=known.get((path, size)), used=not used or path in used)
        for path, size in rows
    ]


def sealed(disk: Disk, folder: Path, job: JobFile) -> bool:
    """Does input/ equal the manifest (names and sizes)? A copied job folder shows its job.json long
    before its scans."""
    try:
        rows = [(printable(path), size) for path, size in look(disk, folder / INPUT).files]
    except (FileNotFoundError, NotADirectoryError, BeyondLimits):
        return False
    return bool(rows) and sorted((row.path, row.size) for row in job.manifest) == sorted(rows)
