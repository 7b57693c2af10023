"""The local copy of a job's input/, and whether the original changed meanwhile.

People can write on into a claimed folder (open SMB handles do, without any error), so the source
tree is looked at before and after the copy, and once more before results are promoted.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath

from layout import dropped, tree
from layout.disk import Disk
from layout.manifest import JobFile, Listed
from layout.tree import Atlas, Place
from pipeline.errors import InputRejected
from pipeline.kept.snapshot import Snapshot, snapshot

Say = Callable[[float, str], None]
RECORD = "input.json"
SAY = 0.1  # seconds between two words about a copy, and between two looks whether it should end


def _silent(share: float, message: str) -> None:
    return None


class InputChanged(Exception):
    """input/ on Atlas is no longer what was copied."""


def copy(
    disk: Disk, place: Place, root: Path, say: Say = _silent
) -> tuple[Snapshot, dict[str, str]]:
    """Copy input/ of PLACE to ROOT/input unless an unchanged copy is there. Returns what was seen
    and the SHA-256 by path.

    SAY hears, several times a second, which share is done and a few words; what it raises ends the
    copy, in the middle of a file too. InputChanged when the source changed while it was copied.
    """
    inside, target = place.path / tree.INPUT, root / tree.INPUT
    before = snapshot(disk, inside)
    recorded = _recorded(root)
    if recorded is not None and recorded[0] == before:
        return recorded
    forget(root)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for folder in sorted({path.rpartition("/")[0] for path, *_ in before}):
        (target / folder).mkdir(parents=True, exist_ok=True)
    copying, sums = _Copying(before, say), {}
    for path, *_ in before:
        copying.next()
        try:
            sums[path] = disk.copy(f"{inside}/{path}", f"{target}/{path}", False, copying.tick)
        except (FileNotFoundError, NotADirectoryError):
            # taken away since it was seen; that the whole job was is heard here
            if snapshot(disk, inside) != before:
                raise InputChanged(place.id) from None
            raise
    if snapshot(disk, inside) != before:
        raise InputChanged(place.id)
    (root / RECORD).write_text(json.dumps([before, sums]))
    return before, sums


class _Copying:
    """How far a copy is, in bytes of bytes and files of files."""

    def __init__(self, rows: Snapshot, say: Say) -> None:
        self.files, self.bytes, self.say = len(rows), sum(size for _, size, *_ in rows), say
        self.file, self.done, self._said = 0, 0, float("-inf")

    def next(self) -> None:
        self.file += 1
        self.tick(0)

    def tick(self, count: int) -> None:
        self.done += count
        if time.monotonic() - self._said < SAY:
            return
        self._said = time.monotonic()
        share = self.done / self.bytes if self.bytes else self.file / self.files
        self.say(
            min(share, 1.0),
            f"copying file {self.file} of {self.files}, {self.done / 1e6:.1f} of"
            f" {self.bytes / 1e6:.1f} MB",
        )


def fetch_named(
    atlas: Atlas, paths: Sequence[str], target: Path, dropped: Collection[str], say: Say = _silent
) -> dict[str, str]:
    """Copy the images that a request names by path from inputs/ to TARGET, those that came with the
    drop (DROPPED) aside; returns the SHA-256 of each by inputs/<path>. SAY as in ``copy``.

    Anew at each start: somebody may have replaced one. InputRejected, by name, for one that is not
    there, or that is or passes through a link.
    """
    sums = {}
    for number, path in enumerate(paths):

        def tick(_: int, number: int = number, path: str = path) -> None:
            say(number / len(paths), f"fetching inputs/{path}")

        if path in dropped:
            continue
        source = atlas.inputs / path
        links = [
            part
            for part in (source, *source.parents)
            if part.is_relative_to(atlas.inputs) and part != atlas.inputs and part.is_symlink()
        ]
        if links or not source.is_file():
            raise InputRejected(
                f"inputs/{path} is {'a link' if links else 'not there'}.",
                remedy="Put the image itself below inputs/ on the share.",
            )
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).unlink(missing_ok=True)
        sums[f"inputs/{path}"] = atlas.disk.copy(source, target / path, False, tick)
    return sums


def forget(root: Path) -> None:
    """Let the next copy to ROOT read every byte again."""
    (root / RECORD).unlink(missing_ok=True)


def _recorded(root: Path) -> tuple[Snapshot, dict[str, str]] | None:
    try:
        rows, sums = json.loads((root / RECORD).read_text())
    except (OSError, ValueError):
        return None
    return (
        tuple((str(path), int(size), int(mtime), int(ctime)) for path, size, mtime, ctime in rows),
        sums,
    )


def check(disk: Disk, place: Place, seen: Snapshot) -> None:
    """InputChanged unless input/ is still as SEEN."""
    if snapshot(disk, place.path / tree.INPUT) != seen:
        raise InputChanged(place.id)


def enlist(disk: Disk, place: Place, job: JobFile, seen: Snapshot, sums: dict[str, str]) -> bool:
    """Write sizes and sums of this start's input, as SEEN, into JOB's manifest; note what differs
    from the start before.

    A file that arrived later is used if it is of a kind that is used already. Returns whether the
    options are to be read again, because a job.toml is not the one that was read when the job was
    accepted.
    """
    inside = place.path / tree.INPUT
    prefix = dropped.drop_root(disk, inside).relative_to(inside).as_posix()
    sizes = {path: size for path, size, *_ in seen}
    before = {row.path: row for row in job.manifest}
    usual = {_suffix(row.path) for row in job.manifest if row.used}
    rows, asks = [], False
    for path, digest in sums.items():
        name = dropped.printable(path if prefix == "." else path.removeprefix(f"{prefix}/"))
        old = before.pop(name, None)
        used = old.used if old else _suffix(name) in usual and not tree.is_job_toml(name)
        if old is None or (old.sha256 not in (None, digest)):
            # listed as it was read: should this start die now, the next one finds the change too
            if tree.is_job_toml(name):
                asks = True
            job.notes.append(
                f"{name} {_told(used) if old is None else 'was changed since the last start'}"
            )
        if not tree.is_job_toml(name):
            rows.append(Listed(path=name, size=sizes[path], sha256=digest, used=used))
        elif old is not None:
            rows.append(Listed(path=name, size=sizes[path], sha256=old.sha256 or digest, used=used))
    job.notes += [f"{name} was taken away after the job was accepted" for name in before]
    job.manifest = rows
    return asks


def _suffix(name: str) -> str:
    return PurePosixPath(name.lower().removesuffix(".gz")).suffix


def _told(used: bool) -> str:
    return "arrived after the job was accepted" + ("" if used else " and was not used")
