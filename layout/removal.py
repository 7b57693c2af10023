"""Deleting a tree of any depth."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def remove(top: Path) -> OSError | None:
    """Delete TOP and what is below it, however deep. What cannot go is left, and the first reason
    is returned.

    Folders inside a folder are moved up to TOP before it goes: no path and no stack grows with the
    depth.
    """
    kept: dict[str, OSError] = {}
    try:
        if not stat.S_ISDIR(top.lstat().st_mode):
            top.unlink()
            return None
        handle = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            # a handle is no path
            while ahead := [n for n in os.listdir(handle) if n not in kept]:  # noqa: PTH208
                for name in ahead:
                    if (error := _remove_at(handle, name)) is not None:
                        kept[name] = error
        finally:
            os.close(handle)
        if not kept:
            top.rmdir()
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    return next(iter(kept.values()), None)


def _remove_at(top: int, name: str) -> OSError | None:
    """Delete NAME in folder TOP; its own folders are moved up to TOP first. The first reason why it
    stays, if it does."""
    first: OSError | None = None
    try:
        if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
            os.unlink(name, dir_fd=top)
            return None
        inside = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        try:
            for below in os.listdir(inside):  # noqa: PTH208
                error = _take_out(inside, below, top)
                first = first or error
        finally:
            os.close(inside)
        if first is None:
            os.rmdir(name, dir_fd=top)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    return first


def _take_out(inside: int, name: str, top: int) -> OSError | None:
    try:
        if stat.S_ISDIR(os.lstat(name, dir_fd=inside).st_mode):
            os.rename(name, secrets.token_hex(8), src_dir_fd=inside, dst_dir_fd=top)
        else:
            os.unlink(name, dir_fd=inside)
    except FileNotFoundError:
        return None
    except OSError as error:
        return error
    return None
