"""A look at a zip's table of contents before it is taken: bombs and slips are refused at once, by
name.

The archive itself is unpacked by the engine, in its sandbox and under the same limits; the web
process never unpacks anything.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

from layout import names, walk
from pipeline.formats import archives
from webapi.problems import Problem
from webapi.text import clean

TABLE_BYTES = 16 << 20


def check(path: Path) -> None:
    """Problem 422 where PATH is a zip that cannot be unpacked safely; other files are not looked
    at."""
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return
        _check_table_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (
        zipfile.BadZipFile,
        struct.error,
        NotImplementedError,
        OSError,
        UnicodeDecodeError,
        ValueError,
    ):
        raise _refused(path, "is cut off, or no zip") from None
    if sum(not entry.is_dir() for entry in entries) > archives.MOST_FILES:
        raise _refused(path, f"holds more than {archives.MOST_FILES} files")
    folds: set[str] = set()
    total = 0
    for entry in entries:
        _check_entry(path, entry, folds)
        total += entry.file_size
    packed = path.stat().st_size
    if archives.too_large(total, packed):
        raise _refused(path, f"would unpack to {total / 1e9:.1f} GB from {packed / 1e6:.1f} MB")


def _check_table_size(path: Path) -> None:
    """The table of contents is read into memory whole, so its announced size is looked at first."""
    with path.open("rb") as tail:
        size = path.stat().st_size
        tail.seek(max(0, size - 65_600))
        data = tail.read()
    at = data.rfind(b"PK\x05\x06")
    if at < 0 or len(data) - at < 22:
        raise _refused(path, "is cut off, or no zip")
    if struct.unpack_from("<L", data, at + 12)[0] > TABLE_BYTES:
        raise _refused(path, "has a table of contents that is too large")


def _check_entry(path: Path, entry: zipfile.ZipInfo, folds: set[str]) -> None:
    name = entry.orig_filename
    parts = name.replace("\\", "/").split("/")
    if (
        name.startswith(("/", "\\"))
        or ".." in parts
        or (len(name) > 1 and name[1] == ":")
        or "\0" in name
    ):
        raise _refused(path, f"holds an entry that leaves its folder: {clean(name, 80)}")
    if words := walk.beyond("/".join(parts).rstrip("/")):
        raise _refused(path, clean(words, 120))
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(path, f"holds a link or a device: {clean(name, 80)}")
    if entry.flag_bits & 1:
        raise _refused(path, f"is encrypted: {clean(name, 80)}")
    if not entry.is_dir() and not names.left_out("/".join(parts)):
        fold = names.fold("/".join(parts))
        if fold in folds:
            raise _refused(path, f"holds two entries called {clean(name, 80)}")
        folds.add(fold)


def _refused(path: Path, why: str) -> Problem:
    return Problem(
        422,
        "zip",
        f"{clean(path.name, 120)} {why}.",
        "Pack plain files and folders, without links and passwords.",
    )
