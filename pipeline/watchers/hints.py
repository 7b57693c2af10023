"""Hints: something may have happened in these folders. Only a wake-up; the scan on a timer is the truth.

Non-recursive inotify through watchdog, and only on local disks: a recursive watch livelocks beyond about 5 000 folders, and network
mounts show no events of other hosts.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "glusterfs", "lustre", "afs", "fuse.sshfs", "fuse.glusterfs", "virtiofs", "davfs"})


def file_system(path: Path, mounts: str | None = None) -> str:
    """Type of the file system that holds PATH, from the mount table; the longest mount point wins, the last of equals."""
    table = Path("/proc/self/mounts").read_text() if mounts is None else mounts
    best, kind = "", "unknown"
    for line in table.splitlines():
        _, point, type_, *_ = line.split(" ")
        point = point.encode().decode("unicode_escape")
        if (path == Path(point) or Path(point) in path.parents) and len(point) >= len(best):
            best, kind = point, type_
    return kind


def is_network(path: Path) -> bool:
    return file_system(path.resolve()) in NETWORK


class Hints:
    """Wakes a waiting loop when a direct child of one of FOLDERS comes, goes or changes."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.event = threading.Event()
        self._observer: BaseObserver | None = None
        if any(is_network(folder) for folder in folders):
            return
        with contextlib.suppress(ImportError, OSError):
            self._start(folders)

    def _start(self, folders: Sequence[Path]) -> None:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers.inotify import InotifyObserver

        event = self.event

        class Handler(FileSystemEventHandler):
            def on_any_event(self, _: object) -> None:
                event.set()

        observer = InotifyObserver()
        for folder in folders:
            observer.schedule(Handler(), str(folder), recursive=False)
        observer.daemon = True
        observer.start()
        self._observer = observer

    def wait(self, seconds: float, stopping: threading.Event) -> None:
        """Sleep at most SECONDS; a hint or STOPPING ends it earlier."""
        if self._observer is None:
            stopping.wait(seconds)
            return
        self.event.wait(seconds)
        self.event.clear()

    def wake(self) -> None:
        self.event.set()

    def stop(self) -> None:
        if self._observer is not None:
            self._observer.stop()
