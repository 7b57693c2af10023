"""Which reader a file needs: by its first bytes where they tell, else by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module

from pipeline.errors import InputRejected
from pipeline.formats import signatures, tables
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken
from pipeline.formats.zeros import left_empty
from pipeline.geometry.readers.companions import Companions
from pipeline.stages.scan import _meshes, _ptx
from pipeline.stages.scan._raw import Raw

READERS = {
    ".ply": "_ply",
    ".pcd": "_pcd",
    **dict.fromkeys(tables.SUFFIXES, "_text"),
    ".obj": "_meshes",
    ".stl": "_meshes",
    ".glb": "_meshes",
    ".off": "_meshes",
    ".e57": "_e57",
    ".las": "_las",
    ".laz": "_las",
    ".ptx": "_ptx",
}


def is_scan(name: str) -> bool:
    """Whether the name says that this file holds a scan."""
    return _suffix(name) in READERS


def is_prose(source: Source) -> bool:
    """Whether a .txt or .csv holds no row of three numbers near its beginning: a readme that was
    packed with the passes."""
    if _suffix(source.name) not in (".txt", ".csv"):
        return False
    with source.path.open("rb") as stream:
        lines = tables.head_lines(stream.read(1 << 16), whole=True)
    return not any(map(tables.is_row, lines))


def _suffix(name: str) -> str:
    return "." + name.lower().rpartition(".")[2]


def read(source: Source, account: Account, beside: Companions) -> Iterable[Raw]:
    """All passes of one file, of formats for large surveys read one after the other; what it
    declares and does not give is noted. BESIDE are the files that it may refer to.

    InputRejected names the file and what is wrong with it.
    """
    size = source.path.stat().st_size
    if size == 0:
        raise InputRejected(
            f"{source.name} is empty (0 bytes)", remedy="Copy or export the file again."
        )
    with source.path.open("rb") as stream:
        head = stream.read(512)
    other = signatures.sniff(head)
    if other and other in signatures.NO_MODEL:
        remedy = "Take it out of the folder, or drop the scan it was meant to be."
        raise InputRejected(
            f"{source.name} is {signatures.WORDS[other]}, not a scan", remedy=remedy
        )
    module = READERS[_suffix(source.name)]
    if other in ("ply", "pcd") and module != "_meshes":
        module = f"_{other}"  # whatever it is called
    elif module == "_text" and _ptx.begins(head):
        module = "_ptx"
    elif not head.strip(b"\0"):
        raise broken(source.name, "it begins with nothing but zero bytes")
    if empty := left_empty(source.name, source.path):
        account.remark(empty)
    if module == "_meshes":
        return _meshes.read(source, account, beside)
    reader: Callable[[Source, Account], Iterable[Raw]] = import_module(
        f"pipeline.stages.scan.{module}"
    ).read
    return reader(source, account)
