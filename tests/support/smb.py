"""A laptop whose program keeps files open on the share, as smbclient cannot: handles, oplocks, streams. Through smbprotocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import smbclient
from smbclient._pool import get_smb_tree
from smbprotocol.open import (
    CreateDisposition,
    CreateOptions,
    FileAttributes,
    FilePipePrinterAccessMask,
    ImpersonationLevel,
    Open,
    RequestedOplockLevel,
    ShareAccess,
)


class Laptop:
    """The share at PORT of this machine, by paths such as ``inbox/vase.stl``."""

    def __init__(self, port: int, user: str = "root", password: str = "test") -> None:
        self.port, self._cache = port, {}  # type: ignore[var-annotated]
        self._how: dict[str, Any] = {"port": port, "connection_cache": self._cache}
        smbclient.register_session(
            "127.0.0.1", username=user, password=password, auth_protocol="ntlm", **self._how
        )

    @staticmethod
    def path(name: str) -> str:
        return rf"\\127.0.0.1\atlas\{name}".replace("/", "\\")

    def open(self, name: str, mode: str = "wb") -> IO[bytes]:
        """A handle through which each write goes to the server at once; others may do all meanwhile."""
        file: IO[bytes] = smbclient.open_file(
            self.path(name), mode=mode, buffering=0, share_access="rwd", **self._how
        )
        return file

    def mkdir(self, name: str) -> None:
        smbclient.mkdir(self.path(name), **self._how)

    def rename(self, name: str, goal: str) -> None:
        smbclient.rename(self.path(name), self.path(goal), **self._how)

    def listing(self, name: str) -> list[str]:
        return sorted(smbclient.listdir(self.path(name), **self._how))

    def remove(self, name: str) -> None:
        smbclient.remove(self.path(name), **self._how)

    def caching(self, name: str) -> int:
        """The level of caching that the server grants a new file, where all is asked for; 0: none."""
        file = self._created(name, RequestedOplockLevel.SMB2_OPLOCK_LEVEL_BATCH)
        granted: int = file.oplock_level
        file.close()
        return granted

    def put(self, name: str, content: bytes) -> None:
        """Write a file, or a stream of one (``inbox/vase.stl:AFP_AfpInfo``), as Macs do: made where it is not there."""
        file = self._created(name, RequestedOplockLevel.SMB2_OPLOCK_LEVEL_NONE)
        file.write(content, 0)
        file.close()

    def _created(self, name: str, caching: int) -> Open:
        tree, path = get_smb_tree(self.path(name), **self._how)
        file = Open(tree, path)
        file.create(
            ImpersonationLevel.Impersonation,
            FilePipePrinterAccessMask.GENERIC_READ | FilePipePrinterAccessMask.GENERIC_WRITE,
            FileAttributes.FILE_ATTRIBUTE_NORMAL,
            ShareAccess.FILE_SHARE_READ | ShareAccess.FILE_SHARE_WRITE,
            CreateDisposition.FILE_OPEN_IF,
            CreateOptions.FILE_NON_DIRECTORY_FILE,
            oplock_level=caching,
        )
        return file

    def close(self) -> None:
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._cache)


@contextmanager
def laptop(port: int) -> Iterator[Laptop]:
    one = Laptop(port)
    try:
        yield one
    finally:
        one.close()
