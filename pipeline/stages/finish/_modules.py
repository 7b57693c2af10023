"""ES modules without a build: what a file imports is named by the last part of its path, and
pointed to where it lies."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

_IMPORT = re.compile(r"""(\b(?:from|import)\s*)(["'])([^"'\n]+)\2""")
_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.M)
THREE = "three.module.min.js"  # what its companions call "three"


def pointed(text: str, names: Iterable[str], where: Callable[[str], str]) -> str:
    """TEXT whose imports of files called NAMES lead to where WHERE says."""
    known = set(names)

    def place(found: re.Match[str]) -> str:
        name = THREE if found[3] == "three" else found[3].rpartition("/")[2]
        return f'{found[1]}"{where(name)}"' if name in known else found[0]

    return _MAP.sub("", _IMPORT.sub(place, text))


def inlined(files: list[Path]) -> str:
    """FILES as one import map of data addresses: a page that holds it needs nothing beside it."""
    names = [path.name for path in files]
    table = {
        called(path.name): "data:text/javascript;base64,"
        + base64.b64encode(pointed(path.read_text("utf-8"), names, called).encode()).decode()
        for path in files
    }
    return f'<script type="importmap">{json.dumps({"imports": table})}</script>'


def called(name: str) -> str:
    return f"inbox3d/{name}"
