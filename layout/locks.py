"""Locks on this host: held as long as their process lives; no lock file outlives a boot."""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from pathlib import Path
from typing import IO


def boot_id() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


def run_folder() -> Path:
    """This host's folder for lock files; it does not outlive a boot. $INBOX3D_RUN names another one
    for a house of its own on this host."""
    usual = (
        Path("/run/inbox3d")
        if os.geteuid() == 0
        else Path(tempfile.gettempdir()) / f"inbox3d-{os.getuid()}"
    )
    folder = Path(os.environ.get("INBOX3D_RUN") or usual)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def take_lock(path: Path) -> IO[bytes] | None:
    """Hold PATH's lock until the returned file is closed (or the process dies); None where another
    process holds it."""
    file = path.open("ab")  # the lock lives as long as the file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
