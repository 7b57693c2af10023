"""Room in scratch: whether a job may start on this host, and what earlier starts taught of jobs
that ran out of it.

A full scratch is this host's fault: nothing is claimed that does not fit, other hosts go on, and
work resumes by itself as soon as there is room. A job that needs more than all of an empty scratch
is named with both sizes and left to a larger host; smaller ones pass it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from layout import rights
from layout.manifest import JobFile
from layout.removal import remove
from layout.scratch import Scratch
from pipeline.blame import size
from pipeline.errors import HostFault
from pipeline.runner.scratch import discard

LEAST = 1 << 20  # bytes that any job needs besides its input
MORE = 1.25  # a job that ran out is tried again where there is that much more than it had
NEARLY_ALL = 0.95  # of a disk: then nothing else was to blame for the lack
PROBE, FIRST_WAIT, LONGEST_WAIT = 1 << 20, 1.0, 60.0


class Asks(NamedTuple):
    """What tells how much room a job needs: its kind with its options, and the bytes of its
    input."""

    id: str
    what: str
    input: int


class Bound(NamedTuple):
    """A job that asks so needs at least NEED bytes."""

    asks: Asks
    need: int


class Lack(NamedTuple):
    """Why a job may not start here now; FOR_EVER: it does not fit into the scratch of this host at
    all."""

    words: str
    for_ever: bool


class Room:
    """The scratch of one worker's host. ENDED gives the workspaces that may go when room is
    needed."""

    def __init__(
        self,
        scratch: Scratch,
        ended: Callable[[], list[Path]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scratch, self.ended, self.clock = scratch, ended, clock
        self._bounds: dict[str, Bound] = {}  # by job id
        self._closed = ""  # in words, why scratch cannot be written at all
        self._again, self._wait = 0.0, FIRST_WAIT

    def lack(self, asks: Asks) -> Lack | None:
        """Whether a job has to wait for room, and why. Workspaces of ended jobs go first."""
        try:
            return self._lack(asks)
        except OSError as error:
            return Lack(
                f"scratch cannot be used: {rights.words(error, self.scratch.root)}; [host] scratch"
                f" is {self.scratch.root}, and work goes on when it can be made",
                False,
            )

    def _lack(self, asks: Asks) -> Lack | None:
        if self._closed and not self._opened():
            return Lack(self._closed, False)
        need = self.need(asks)
        free, total = self._space()
        if need > total:
            return Lack(
                f"needs {size(need)} of scratch or more, and all of it on this host is"
                f" {size(total)} ({self.scratch.root}): set [host] scratch to a larger disk, or run"
                " inbox3d up on a host that has one",
                True,
            )
        if need > free and self._clear():
            free, _ = self._space()
        if need <= free:
            return None
        return Lack(
            f"scratch is full: {size(free)} free of {size(total)}, the next job needs {size(need)}"
            f" or more ({self.scratch.root}); free space there, and work goes on by itself",
            False,
        )

    def need(self, asks: Asks) -> int:
        """Bytes that a job needs at the least: its input, or what it, or one like it that was no
        larger, ran out at."""
        known = [
            need
            for asked, need in self._bounds.values()
            if asked.id == asks.id or (asked.what == asks.what and asked.input <= asks.input)
        ]
        return max([asks.input + LEAST, *known])

    def ran_out(self, asks: Asks, used: int, fault: HostFault) -> None:
        """A start ended in FAULT when its workspace held USED bytes."""
        try:
            free, total = self._space()
        except OSError:
            free, total = 0, 0
        # a quota, a read-only disk, no more files: not told by sizes
        if fault.number != errno.ENOSPC or free > max(used, LEAST):
            self._closed = f"{fault.message} {fault.remedy}"
            self._again, self._wait = self.clock() + self._wait, min(2 * self._wait, LONGEST_WAIT)
            return
        had = used + free
        need = int(had * MORE)
        self._bounds[asks.id] = Bound(asks, need if had > NEARLY_ALL * total else min(need, total))

    def forget(self, id: str) -> None:
        """Job ID ended."""
        self._bounds.pop(id, None)
        self._wait = FIRST_WAIT

    def _space(self) -> tuple[int, int]:
        self.scratch.root.mkdir(parents=True, exist_ok=True)
        space = shutil.disk_usage(self.scratch.root)
        return space.free, space.total

    def _opened(self) -> bool:
        """Whether scratch takes files again; tried by writing one."""
        if self.clock() < self._again:
            return False
        probe = self.scratch.root / f".probe-{secrets.token_hex(4)}"
        try:
            self.scratch.root.mkdir(parents=True, exist_ok=True)
            with probe.open("xb", buffering=0) as file:
                os.posix_fallocate(file.fileno(), 0, PROBE)
            self._closed = ""
        except OSError:
            self._again = self.clock() + self._wait
        finally:
            remove(probe)
        return not self._closed

    def _clear(self) -> bool:
        """Let workspaces go that nobody works in: a later start of their jobs does without. True
        when one went."""
        return any(list(map(discard, self.ended())))


def asks_of(job: JobFile) -> Asks:
    return Asks(
        job.id, repr((job.kind, sorted(job.options.items()))), sum(row.size for row in job.manifest)
    )


def used_by(folder: Path) -> int:
    """Bytes on disk below FOLDER."""
    total, ahead = 0, [folder]
    while ahead:
        try:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    ahead += [Path(entry.path)] if entry.is_dir(follow_symlinks=False) else []
        except OSError:
            continue
    return total
