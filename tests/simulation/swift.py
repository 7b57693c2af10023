"""What only makes plays faster: paths that are put together at once, and no search for circles while a play goes on.

A third of a play's processor time went into joining names in Python 3.11's pathlib. A child of a path is made here from its parent's
parts: equal to what pathlib makes, as test_swift.py compares.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any
from unittest.mock import patch

_join = PurePath.__truediv__


def _child(self: Any, name: Any) -> Any:
    """SELF / NAME, where NAME is one plain name; else as pathlib does it."""
    if type(name) is not str or "/" in name or name in ("", ".") or "\0" in name:
        return _join(self, name)
    text = str(self)
    child = object.__new__(type(self))
    child._drv, child._root, child._parts = self._drv, self._root, [*self._parts, name]
    if self._parts and text[-1] != "/":
        child._str = f"{text}/{name}"
    return child


def _text(self: Any) -> str:
    try:
        text: str = self._str
    except AttributeError:
        text = str(self)
    return text


@contextlib.contextmanager
def swift() -> Iterator[None]:
    """For one play."""
    on = gc.isenabled()
    gc.disable()
    try:
        with (
            patch.object(PurePath, "__truediv__", _child),
            patch.object(Path, "__fspath__", _text, create=True),
        ):
            yield
    finally:
        if on:
            gc.enable()
