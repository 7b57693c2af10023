"""The list of what was copied from input/, with sizes and checksums, and whether it still holds."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from layout import dropped, tree
from layout.disk import Disk
from layout.manifest import JobFile, Listed
from layout.tree import Place
from pipeline.drops.kind import is_one_archive
from pipeline.kept.snapshot import Snapshot, stands

RECORD = "input.json"


class InputChanged(Exception):
    """input/ on Atlas is no longer what was copied. EMPTY: there was nothing to copy."""

    def __init__(self, id: str, empty: bool = False) -> None:
        super().__init__(id)
        self.empty = empty


def forget(root: Path) -> None:
    """Let the next copy to ROOT read every byte again."""
    (root / RECORD).unlink(missing_ok=True)


def record_of(root: Path) -> tuple[Snapshot, dict[str, str]] | None:
    try:
        paths, *facts, sums = json.loads((root / RECORD).read_text())
        return tuple(zip(paths, *facts, strict=True)), dict(zip(paths, sums, strict=True))
    except (OSError, ValueError, TypeError):  # TypeError: as an older version wrote it
        return None


def check(disk: Disk, place: Place, seen: Snapshot) -> None:
    """InputChanged unless input/ is still as SEEN."""
    if not stands(disk, place.path / tree.INPUT, seen):
        raise InputChanged(place.id)


def enlist(job: JobFile, seen: Snapshot, sums: dict[str, str]) -> bool:
    """Write sizes and sums of this start's input, as SEEN, into JOB's manifest; note what differs
    from the start before.

    A file that arrived later is used if it is of a kind that is used already. Returns whether the
    options are to be read again, because a job.toml is not the one that was read when the job was
    accepted, or is gone.
    """
    top = dropped.top_of(sums)
    sizes = {path: size for path, size, *_ in seen}
    before = {row.path: row for row in job.manifest}
    usual = {_suffix(row.path) for row in job.manifest if row.used}
    rows, asks, packed = [], False, _packed(job)
    for path, digest in sums.items():
        name = dropped.printable(path.removeprefix(top))
        old = before.pop(name, None)
        used = old.used if old else _suffix(name) in usual and not tree.is_job_toml(name)
        if old is None or (old.sha256 not in (None, digest)):
            # listed as it was read: should this start die now, the next one finds the change too
            if tree.is_job_toml(name) or (old and name == packed):
                asks = True
            job.notes.append(
                f"{name} {_told(used) if old is None else 'was changed since the last start'}"
            )
        if old is not None and name == packed and asks:
            rows.append(old)
        elif not tree.is_job_toml(name):
            rows.append(Listed(path=name, size=sizes[path], sha256=digest, used=used))
        elif old is not None:
            rows.append(Listed(path=name, size=sizes[path], sha256=old.sha256 or digest, used=used))
    job.notes += [f"{name} was taken away after the job was accepted" for name in before]
    taken_out = [row for name, row in before.items() if tree.is_job_toml(name)]
    job.manifest = rows + taken_out
    return asks or bool(taken_out)


def _packed(job: JobFile) -> str | None:
    """The archive that is all of the drop, and may hold its job.toml."""
    names = [row.path for row in job.manifest]
    return (
        next((row.path for row in job.manifest if row.used), None)
        if is_one_archive(names)
        else None
    )


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def _told(used: bool) -> str:
    return "arrived after the job was accepted" + ("" if used else " and was not used")
