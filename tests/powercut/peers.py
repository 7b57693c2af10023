"""What others lose at the same cuts: dirq, a directory queue, and a script that writes and renames.

Each takes twelve jobs one after another, says of each that it has it, and then works them off: the
result is written, then the job removed. Judged is only the least that anybody would expect: of a
job that was said to be there, the bytes or a whole result are there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tests.powercut.judge import Lost
from tests.powercut.story import Mark, bytes_of

JOBS = 12


class Queue(Protocol):
    def add(self, data: bytes) -> None: ...
    def take(self, work: Callable[[bytes], bytes]) -> bool: ...


class Renames:
    """Write beside, rename into inbox/; the result likewise; then the job moves to old/."""

    def __init__(self, root: Path, synced: bool) -> None:
        self.root, self.synced, self.serial = root, synced, 0
        for name in ("tmp", "inbox", "old", "out"):
            (root / name).mkdir(parents=True)

    def _put(self, data: bytes, goal: Path) -> None:
        temporary = self.root / "tmp" / goal.name
        with temporary.open("wb") as file:
            file.write(data)
            if self.synced:
                file.flush()
                os.fsync(file.fileno())
        temporary.rename(goal)

    def add(self, data: bytes) -> None:
        self.serial += 1
        self._put(data, self.root / "inbox" / f"job{self.serial}")

    def take(self, work: Callable[[bytes], bytes]) -> bool:
        waiting = sorted((self.root / "inbox").iterdir())
        if not waiting:
            return False
        self._put(work(waiting[0].read_bytes()), self.root / "out" / waiting[0].name)
        waiting[0].unlink()
        return True


class Dirq:
    """dirq.QueueSimple, which syncs nothing."""

    def __init__(self, root: Path) -> None:
        from dirq.QueueSimple import QueueSimple

        self.root, self.queue = root, QueueSimple(str(root / "queue"))
        (root / "out").mkdir()

    def add(self, data: bytes) -> None:
        self.queue.add(data)

    def take(self, work: Callable[[bytes], bytes]) -> bool:
        for name in self.queue:
            if self.queue.lock(name):
                goal = self.root / "out" / name.replace("/", "-")
                goal.with_suffix(".tmp").write_bytes(work(self.queue.get(name)))
                goal.with_suffix(".tmp").rename(goal)
                self.queue.remove(name)
                return True
        return False


def play(make: Callable[[Path], Queue]) -> Callable[[Path, Mark], None]:
    def day(root: Path, mark: Mark) -> None:
        queue = make(root / "queue")
        os.sync()
        mark("begin")
        for serial in range(1, JOBS + 1):
            queue.add(bytes_of(serial))
            mark("safe", serial=serial)
            if serial % 3 == 0:
                queue.take(result)
        while queue.take(result):
            pass
        mark("end")

    return day


def result(data: bytes) -> bytes:
    return b"result of " + hashlib.sha256(data).hexdigest().encode()


def judge(mount: Path, words: list[str]) -> None:
    """Lost where a job that was said to be there is neither there nor done."""
    there = [path.read_bytes() for path in mount.rglob("*") if path.is_file() and _counts(path)]
    for serial in range(1, sum('"safe"' in word for word in words) + 1):
        data = bytes_of(serial)
        if data not in there and result(data) not in there:
            raise Lost("a job that was taken on is neither there nor done")


def _counts(path: Path) -> bool:
    """Whether anybody would find the file: nobody takes jobs from where they are being written."""
    return path.parent.name != "tmp" and path.suffix != ".tmp"


PEERS: dict[str, Callable[[Path], Queue]] = {
    "dirq": Dirq,
    "write and rename": lambda root: Renames(root, synced=False),
    "write, fsync, rename": lambda root: Renames(root, synced=True),
}
