"""Images that a request names by path: found below inputs/ on Atlas without following a link, and
copied into the draft."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from pathlib import Path

from layout import tree
from layout.tree import Atlas
from webapi.problems import Problem
from webapi.text import clean
from webapi.uploads.paths import DEPTH_LIMIT
from webapi.uploads.receive import CHUNK


def image_path(atlas: Atlas, asked: str) -> str:
    """``/inputs/a.png``, ``inputs/a.png`` and ``a.png`` are one path below inputs/; Problem unless
    it is a plain file there."""
    path, handle = _open_image(atlas, asked)
    os.close(handle)
    return path


def copy_images(atlas: Atlas, paths: list[str], draft: Path) -> None:
    """Copy images from inputs/ into DRAFT under their own paths: what is worked on is what stood
    there when it was asked for."""
    for asked in paths:
        path, handle = _open_image(atlas, asked)
        folder = draft / tree.INPUT
        for part in path.split("/")[:-1]:
            folder /= part
            with contextlib.suppress(FileExistsError):
                atlas.disk.mkdir(folder)
        with (
            os.fdopen(handle, "rb") as source,
            (folder / path.rpartition("/")[2]).open("xb") as target,
        ):
            shutil.copyfileobj(source, target, CHUNK)
            os.fsync(target.fileno())


def _open_image(atlas: Atlas, asked: str) -> tuple[str, int]:
    """(path below inputs/, open file)."""
    text = asked.removeprefix("/").removeprefix("inputs/")
    try:
        return text, open_below(atlas.inputs, text)
    except OSError:
        raise Problem(
            422, "image-path", f"image_paths: {clean(asked, 120)!r} is no file below inputs/.",
            "Put the image into inputs/ on the share and name it from there.",
        ) from None  # fmt: skip


def open_below(root: Path, path: str) -> int:
    """The plain file at PATH below ROOT, open for reading. Opened component by component without
    following links, and judged after it was opened; OSError for anything else."""
    parts = path.split("/")
    bad = any(part.startswith(".") or not part or "\0" in part for part in parts)
    if bad or len(parts) > DEPTH_LIMIT or len(path) > 1000:
        raise FileNotFoundError(path)
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for number, part in enumerate(parts):
            flags = (
                os.O_RDONLY
                | os.O_NOFOLLOW
                | os.O_NONBLOCK
                | (os.O_DIRECTORY if number < len(parts) - 1 else 0)
            )
            deeper = os.open(part, flags, dir_fd=handle)
            os.close(handle)
            handle = deeper
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1 or found.st_size == 0:
            raise FileNotFoundError(path)
    except (OSError, UnicodeEncodeError):
        os.close(handle)
        raise FileNotFoundError(path) from None
    return handle
