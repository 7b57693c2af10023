"""The few file calls that everything else in this package uses; the seam where tests put a
misbehaving disk.

Every call goes through ``Disk._do``. A share that is full, read-only, stale or gone raises
LineFault, so that nobody above takes it for a fault of a job.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from layout import room
from layout.calls import (
    FOLDER,
    Entry,
    Stood,
    ask,
    copy,
    fsync_folder,
    listed,
    read,
    sha256,
    stood,
    sync_around,
    write,
)
from layout.closing import close
from layout.removal import remove

__all__ = ["LINE_ERRNOS", "Disk", "Entry", "LineFault", "Stood"]

T = TypeVar("T")

LINE_ERRNOS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.ESTALE,
        errno.EBADF,  # an NFS client's word for a file held open whose server forgot it
        errno.EIO,
        errno.EREMOTEIO,
        errno.EBUSY,
        errno.EINTR,
        errno.EAGAIN,
        errno.ENOTCONN,
        errno.ECONNRESET,
        errno.ECONNABORTED,
        errno.ECONNREFUSED,
        errno.EPIPE,
        errno.ESHUTDOWN,
        errno.ETIMEDOUT,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENODEV,
        errno.ENOLCK,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
    }
)


OWN = ".pipeline"  # the hidden folder of the tree that is no temporary name


NONCE = 4  # bytes that tell apart the hidden neighbours of one file


def neighbour_of(name: str) -> str | None:
    """The name of the file that a hidden neighbour called NAME was to replace; None where NAME is
    no such neighbour's."""
    found = re.fullmatch(rf"\.(.+)\.[0-9a-f]{{{2 * NONCE}}}", name)
    return found[1] if found else None


class LineFault(OSError):
    """The share or the disk does not work at present; nothing is wrong with any job."""

    who = "operator"
    remedy = "Free space on Atlas, or bring the share back; work resumes by itself."

    @property
    def message(self) -> str:
        what = self.strerror or str(self)
        if self.errno in room.FULL:
            path = Path(os.fsdecode(self.filename)) if self.filename else None
            what = f"Atlas is full: {room.lack(self.errno, path) or 'no space is left on its disk'}"
        return what + (f" ({self._where()})" if self.filename else "")

    def _where(self) -> str:
        """The path that did not work; of a temporary name, drawn anew at every try, its folder: so
        a fault that lasts keeps its words."""
        path = Path(os.fsdecode(self.filename))
        for part in (path, *path.parents):
            shell = part == path or "@" in part.name
            if part.name.startswith(".") and part.name != OWN and shell:
                return str(part.parent)
        return str(path)


class Disk:
    """File calls on the real disk. ``durable``: fsync both parents after a rename and every file
    after a write."""

    def __init__(self, durable: bool = True) -> None:
        self.durable = durable

    def _do(self, call: str, function: Callable[..., T], *args: Any) -> T:
        try:
            return function(*args)
        except LineFault:
            raise
        except OSError as error:
            if error.errno in LINE_ERRNOS:
                raise LineFault(error.errno, error.strerror, error.filename) from error
            raise

    # -- names ---------------------------------------------------------------------------------
    def rename(self, source: Path, target: Path) -> None:
        self._do("rename", os.rename, source, target)
        if self.durable:
            for parent in {source.parent, target.parent}:
                self.fsync_dir(parent)

    def mkdir(self, path: Path) -> None:
        """Make one directory whose parent is there; never parents, never silently an existing
        one."""
        self._do("mkdir", os.mkdir, path)

    def rmdir(self, path: Path) -> None:
        self._do("rmdir", os.rmdir, path)

    def unlink(self, path: Path) -> None:
        self._do("unlink", os.unlink, path)

    def scandir(self, path: Path) -> list[Entry]:
        """Names below PATH, unsorted. A missing directory raises; it is never taken for an empty
        one."""
        return self._do("scandir", listed, path)

    def stats(self, path: Path | str) -> list[Stood]:
        """What stands below PATH, unsorted, with attributes: one call for a folder, however many
        files it holds."""
        return self._do("scandir", stood, path)

    def names(self, path: Path) -> list[str]:
        """Names below PATH and nothing else about them: for folders that hold a hundred
        thousand."""
        return self._do("names", os.listdir, path)

    def lstat(self, path: Path) -> os.stat_result | None:
        """Attributes of PATH itself, or None where it is not seen. Not seen proves nothing on a
        network mount."""
        try:
            return self._do("lstat", os.lstat, path)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def ask(self, path: Path) -> None:
        """Open PATH: what ``lstat`` says of it then is the server's word, not a cache's of a minute
        ago."""
        self._do("ask", ask, path)

    def seen(self, path: Path) -> bool:
        """Whether PATH stands in a fresh listing of its parent: stat() answers from stale negative
        caches on NFS."""
        try:
            return any(entry.name == path.name for entry in self.scandir(path.parent))
        except (FileNotFoundError, NotADirectoryError):
            return False

    def fsync_dir(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._do("fsync_dir", fsync_folder, path)

    def sync_around(self, path: Path) -> None:
        """What others wrote below PATH reaches the disk: a copier's last bytes may still be in the
        system's memory for half a minute. One call however many files there are; it waits for all
        that is written to this file system at present."""
        if self.durable:
            self._do("sync_around", sync_around, path)

    # -- contents ------------------------------------------------------------------------------
    def read(self, path: Path, limit: int | None = None) -> bytes:
        return self._do("read", read, path, limit)

    def write_new(self, path: Path, data: bytes) -> None:
        """Create PATH; FileExistsError when somebody else was first."""
        self._do("write_new", write, path, data, os.O_EXCL, self.durable)

    def write_in_place(self, path: Path, data: bytes) -> None:
        """Overwrite PATH without a rename (heartbeats: no new directory entry every few
        seconds)."""
        self._do("write_in_place", write, path, data, 0, False)

    def replace(self, path: Path, data: bytes) -> None:
        """Put DATA at PATH by writing a hidden neighbour and renaming it over PATH."""
        neighbour = path.parent / f".{path.name}.{secrets.token_hex(NONCE)}"
        try:
            self._do("write_temporary", write, neighbour, data, os.O_EXCL, self.durable)
            self._do("replace", os.replace, neighbour, path)
        except OSError as error:
            with contextlib.suppress(OSError):
                neighbour.unlink()
            # nobody finds that name; PATH is what could not be written
            if error.filename == str(neighbour):
                error.filename = str(path)
            raise

    def copy(
        self,
        source: Path | str,
        target: Path | str,
        durable: bool | None = None,
        tick: Callable[[int], None] | None = None,
    ) -> str:
        """Copy a regular file and return the SHA-256 of what was read. DURABLE: unless said
        otherwise as this disk is; scratch need not outlive a power cut. TICK hears of every chunk's
        bytes and may end the copy by raising."""
        durable = self.durable if durable is None else durable
        return self._do("copy", copy, source, target, durable, tick)[0]

    def copy_within(
        self,
        folders: tuple[int, int],
        source: str,
        target: str,
        tick: Callable[[int], None] | None = None,
    ) -> tuple[str, os.stat_result]:
        """As ``copy``, not durable, for very many: the kernel walks only once to the open FOLDERS
        of SOURCE and TARGET, which bear one name. Returns the attributes too that the file had
        before it was read."""
        return self._do("copy", copy, source, target, False, tick, folders)

    @contextlib.contextmanager
    def folders(self, source: str, target: str) -> Iterator[tuple[int, int]]:
        """Two folders held open, to copy from the one to the other."""
        reader = self._do("open_dir", os.open, source, FOLDER)
        try:
            writer = self._do("open_dir", os.open, target, FOLDER)
            try:
                yield reader, writer
            finally:
                os.close(writer)
        finally:
            os.close(reader)

    def sha256(self, path: Path) -> str:
        """SHA-256 of what the server holds: the page cache is dropped first, else the client would
        read its own memory."""
        return self._do("sha256", sha256, path)

    def remove_tree(self, path: Path) -> OSError | None:
        """Delete PATH and what is below it; leftovers (.nfsXXXX, files held open) stay for the next
        try, and the reason is returned."""
        return self._do("remove_tree", remove, path)

    def close_tree(self, path: Path) -> int:
        """Take the group's right to write from PATH and all below it; returns how many entries are
        another's and stay as they are."""
        return self._do("close_tree", close, str(path))
