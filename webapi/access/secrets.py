"""What signs sessions, and which of the ended ones must still be known."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path


def still_valid(ended: Path) -> set[str]:
    """The sessions that ENDED names and whose cookies have not expired; the file is written anew
    with them."""
    with contextlib.suppress(FileNotFoundError):
        rows = [line.split() for line in ended.read_text("ascii").splitlines()]
        valid = [
            row for row in rows if len(row) == 2 and row[1].isdigit() and int(row[1]) > time.time()
        ]
        ended.write_text("".join(f"{session} {expiry}\n" for session, expiry in valid), "ascii")
        return {session for session, _ in valid}
    return set()


def host_secret(path: Path) -> bytes:
    """The secret of this host's sessions: 32 random bytes in PATH, mode 0600, made on first use."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(32))
    return path.read_bytes()
