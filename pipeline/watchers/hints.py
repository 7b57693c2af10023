"""Hints: something may have happened in these folders. Only a wake-up; the scan on a timer is the
truth.

Non-recursive inotify through watchdog, and only on local disks: a recursive watch livelocks beyond
about 5 000 folders, and network mounts show no events of other hosts. So the processes of one host
ring for each other in a folder of its own; and where a Redis is named, the web layer's bell wakes
every host.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from layout.locks import run_folder

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver

log = logging.getLogger(__name__)

SETTLES = 0.02  # seconds: one change of the tree is several events
BELL, BELL_AWAY = "3d:bell", 5.0
NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "ceph",
        "glusterfs",
        "lustre",
        "afs",
        "fuse.sshfs",
        "fuse.glusterfs",
        "virtiofs",
        "davfs",
    }
)


def file_system(path: Path, mounts: str | None = None) -> str:
    """Type of the file system that holds PATH, from the mount table; the longest mount point wins,
    the last of equals."""
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


class Bell:
    """Rung by a process of this host that put a job where others of it may take it on."""

    def __init__(self, uuid: str) -> None:
        self.folder = run_folder() / f"bell-{uuid}"
        self.folder.mkdir(exist_ok=True)

    def ring(self) -> None:
        with contextlib.suppress(OSError):  # it is for haste only
            (self.folder / "rung").touch()


class Hints:
    """Wakes a waiting loop when a direct child of one of FOLDERS comes, goes or changes, or when
    the bell rings in Redis (BELL_URL)."""

    def __init__(self, folders: Sequence[Path], bell_url: str | None = None) -> None:
        self.event, self._over, self._bell = (
            threading.Event(),
            threading.Event(),
            bell_url is not None,
        )
        if bell_url is not None:
            threading.Thread(
                target=self._listen, args=(bell_url,), name="bell", daemon=True
            ).start()
        self._observer: BaseObserver | None = None
        local = [folder for folder in folders if not is_network(folder)]
        with contextlib.suppress(ImportError, OSError):
            if local:
                self._start(local)

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
        if self._observer is None and not self._bell:
            stopping.wait(seconds)
            return
        if self.event.wait(seconds):
            stopping.wait(SETTLES)
        self.event.clear()

    def _listen(self, url: str) -> None:
        """Wake at every message on the bell's channel; a Redis that is away is asked again
        later."""
        try:
            import redis
        except ImportError:
            return
        while not self._over.is_set():
            try:
                bell = redis.Redis.from_url(url, socket_connect_timeout=5).pubsub()  # type: ignore[no-untyped-call]
                bell.subscribe(BELL)
                while not self._over.is_set():
                    if bell.get_message(timeout=1.0):
                        self.event.set()
            except (redis.exceptions.RedisError, OSError):
                self._over.wait(BELL_AWAY)

    def wake(self) -> None:
        self.event.set()

    def stop(self) -> None:
        self._over.set()
        if self._observer is not None:
            self._observer.stop()
