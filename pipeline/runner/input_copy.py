"""The local copy of a job's input/, and whether the original changed meanwhile.

People can write on into a claimed folder (open SMB handles do, without any error), so the source
tree is looked at before and after the copy, and once more before results are promoted.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from layout import dropped, tree, walk
from layout.disk import Disk
from layout.manifest import Listed
from layout.tree import Atlas, Place
from pipeline.drops import listing
from pipeline.errors import InputRejected
from pipeline.kept.snapshot import Snapshot, stands
from pipeline.runner.input_list import RECORD, InputChanged, forget, record_of

Say = Callable[[float, str], None]
SAY = 0.1  # seconds between two words about a copy, and between two looks whether it should end


def _silent(share: float, message: str) -> None:
    return None


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """Rows by the ten thousand hold no circles, and each search for some goes through all that the
    process holds."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@_uncollected()
def copy(
    disk: Disk, place: Place, root: Path, say: Say = _silent, listed: Sequence[Listed] = ()
) -> tuple[Snapshot, dict[str, str]]:
    """Copy input/ of PLACE to ROOT/input unless an unchanged copy is there. Returns what was seen
    and the SHA-256 by path.

    SAY hears, several times a second, which share of what is LISTED is done and a few words; what
    it raises ends the copy, in the middle of a file too. InputChanged when the source changed while
    it was copied.
    """
    inside, target = place.path / tree.INPUT, root / tree.INPUT
    recorded = record_of(root)
    if recorded is not None and stands(disk, inside, recorded[0]):
        return recorded
    forget(root)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    try:
        before, sums = _copy_all(disk, inside, target, _Copying(listed, say))
    except (FileNotFoundError, NotADirectoryError) as error:
        if Path(error.filename).is_relative_to(inside):
            disk.scandir(inside)  # that the whole job was taken away is heard here
            raise InputChanged(place.id) from None
        raise
    # "nothing" may be a listing that lacked what stands there: it is looked at again, later
    if not before or not stands(disk, inside, before):
        raise InputChanged(place.id, empty=not before)
    (root / RECORD).write_text(json.dumps([*zip(*before, strict=True), [*sums.values()]]))
    return before, sums


def _copy_all(
    disk: Disk, inside: Path, target: Path, copying: _Copying
) -> tuple[Snapshot, dict[str, str]]:
    """Copy what stands in INSIDE to TARGET; as ``copy``, but for what changes meanwhile. What a
    file is it is asked when it is open: one call less than by its path."""
    rows, sums, above, below = [], dict[str, str](), str(inside), str(target)
    for folder, paths in groupby(walk.paths_below(disk, inside), _folder):
        (target / folder).mkdir(parents=True, exist_ok=True)
        with disk.folders(f"{above}/{folder}", f"{below}/{folder}") as folders:
            for path in paths:
                copying.file += 1
                try:
                    sums[path], seen = disk.copy_within(
                        folders, f"{above}/{path}", f"{below}/{path}", copying.tick
                    )
                except OSError as error:
                    # a link, a socket
                    if error.errno in (errno.ELOOP, errno.ENXIO) and (
                        at := disk.lstat(inside / path)
                    ):
                        _demand_file(path, at)
                    raise
                _demand_file(path, seen)
                if not seen.st_size:
                    copying.tick(0)
                rows.append((path, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns))
    return tuple(rows), sums


def _demand_file(path: str, seen: os.stat_result) -> None:
    """Something else may have been put there after the job was accepted: it is no empty file."""
    if not stat.S_ISREG(seen.st_mode):
        raise InputRejected(
            f"{dropped.printable(path)} is {listing.kind_of(seen.st_mode)}.",
            remedy="Put the file itself there.",
        )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


class _Copying:
    """How far a copy is, in bytes of bytes and files of files, as they were LISTED."""

    def __init__(self, listed: Sequence[Listed], say: Say) -> None:
        self.files, self.bytes, self.say = len(listed), sum(row.size for row in listed), say
        self.file, self.done, self._said = 0, 0, float("-inf")

    def tick(self, count: int) -> None:
        self.done += count
        if time.monotonic() - self._said < SAY:
            return
        self._said = time.monotonic()
        whole = max(self.bytes, self.done)
        share = self.done / whole if whole else self.file / max(self.files, self.file)
        self.say(
            share,
            f"copying file {self.file} of {max(self.files, self.file)}, {self.done / 1e6:.1f} of"
            f" {whole / 1e6:.1f} MB",
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
