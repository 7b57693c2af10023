"""What only makes plays faster: paths that are put together, compared and opened at once, and no search for circles while a play goes on.

Half of a play's processor time went into Python 3.11's pathlib. A child of a path is made here from its parent's parts, two paths are
compared by theirs, and small files are read and written by their bare descriptors: equal to what pathlib does, as test_swift.py compares.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path, PosixPath, PurePath
from typing import Any
from unittest.mock import patch

_join, _parse = PurePath.__truediv__, PurePath._parse_args  # type: ignore[attr-defined]
_equal, _less, _hash = PurePath.__eq__, PurePath.__lt__, PurePath.__hash__
CHUNK = 1 << 20  # bytes: larger than any file of a play


def _child(self: Any, name: Any) -> Any:
    """SELF / NAME, where NAME is one plain name; else as pathlib does it."""
    if type(name) is not str:
        if not isinstance(name, str):
            return _join(self, name)
        name = str(name)
    if "/" in name or name in ("", ".") or "\0" in name:
        return _join(self, name)
    text, parts = _text(self), self._parts
    child = object.__new__(type(self))
    child._drv, child._root, child._parts = self._drv, self._root, [*parts, name]
    if parts and text[-1] != "/":
        child._str = f"{text}/{name}"
    return child


def _text(self: Any) -> str:
    try:
        text: str = self._str
    except AttributeError:
        text = str(self)
    return text


def _parsed(cls: Any, args: Any) -> Any:
    """The parts of one path without anything odd in it; else as pathlib does it."""
    text = args[0] if len(args) == 1 else None
    if type(text) is not str or cls._flavour.sep != "/" or _is_odd(text):
        return _parse.__func__(cls, args)
    return ("", "/", ["/", *text[1:].split("/")]) if text[0] == "/" else ("", "", text.split("/"))


def _is_odd(text: str) -> bool:
    return (
        text in ("", ".")
        or text[-1] == "/"
        or text[:2] == "./"
        or "//" in text
        or ("/." in text and ("/./" in text or text[-2:] == "/."))
    )


def _is(self: Any, other: Any) -> Any:
    if type(self) is PosixPath is type(other):
        return self._parts == other._parts
    return _equal(self, other)


def _before(self: Any, other: Any) -> Any:
    if type(self) is PosixPath is type(other):
        return self._parts < other._parts
    return _less(self, other)


def _hashed(self: Any) -> int:
    try:
        found: int = self._hash
    except AttributeError:
        found = _hash(self)
    return found


def _bytes(self: Path) -> bytes:
    handle = os.open(self, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = os.read(handle, CHUNK)
        while len(found) >= CHUNK and (more := os.read(handle, CHUNK)):
            found += more
        return found
    finally:
        os.close(handle)


def _name(self: Any) -> str:
    parts: list[str] = self._parts
    if len(parts) > 1 or (parts and not (self._drv or self._root)):
        return parts[-1]
    return ""


def _writes(self: Path, data: bytes) -> int:
    handle = os.open(self, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    try:
        return os.write(handle, data)
    finally:
        os.close(handle)


@contextlib.contextmanager
def swift() -> Iterator[None]:
    """For one play."""
    on = gc.isenabled()
    gc.disable()
    try:
        with (
            patch.object(PurePath, "__truediv__", _child),
            patch.object(Path, "__fspath__", _text, create=True),
            patch.object(PurePath, "_parse_args", classmethod(_parsed)),
            patch.object(PurePath, "__eq__", _is),
            patch.object(PurePath, "__lt__", _before),
            patch.object(PurePath, "__hash__", _hashed),
            patch.object(PurePath, "name", property(_name)),
            patch.object(Path, "read_bytes", _bytes),
            patch.object(Path, "write_bytes", _writes),
        ):
            yield
    finally:
        if on:
            gc.enable()
