"""Lists that people or programs put beside photographs: their text, and which photographs they
name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.formats import tables
from pipeline.formats.meant import meant


def text(path: Path) -> str:
    """What the list says, in whichever encoding an editor or a spreadsheet saved it."""
    data = path.read_bytes()
    return data.decode(tables.encoding(data), "replace")


def key(name: Any) -> str:
    """A photograph's NAME as a list has it, without its ending: other programs keep the pictures in
    another format."""
    folder, slash, bare = str(name).strip().replace("\\", "/").lower().rpartition("/")
    return folder + slash + PurePosixPath(bare).stem


def photographs(asked: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """Which of the photographs NAMES each of ASKED (keys of a list) means; those left out that mean
    none, or one of several: cameras number their pictures alike, each in a folder of its own."""
    known: dict[str, list[str]] = {}
    for name in names:
        known.setdefault(key(name), []).append(name)
    found = {}
    for one in asked:
        those = meant(one, known) or meant(one.rpartition("/")[2], known)
        if len(those) == 1 and len(known[those[0]]) == 1:
            found[one] = known[those[0]][0]
    return found
