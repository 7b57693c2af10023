"""Several files of a job as one zip. Nothing is compressed again, so where every byte stands is
known before the first is sent: the zip has a length, and can be fetched in parts."""

from __future__ import annotations

import functools
import hashlib
import os
import zlib
from typing import Any, BinaryIO

from flask import Response

from layout import tree
from webapi.index import details
from webapi.index.schema import Row
from webapi.problems import Problem
from webapi.routes.sending import disposition, open_below, send_stream
from webapi.routes.stored_zip import Entry, StoredZip
from webapi.routes.table import here

COMPANIONS = ("report.html", "scan.json", "preview.png")


def parts_of(row: Row, name: str) -> list[str]:
    """The model file NAME of job ROW and what it cannot do without: an OBJ its material and its
    texture."""
    found = [file["name"] for file in details.artefacts(here().atlas, row)]
    if name not in found:
        raise Problem(
            404,
            "no-such-file",
            f"There is no {name} here.",
            "GET …/artefacts lists the files; POST …/export makes another format of the model.",
        )
    beside = [
        other
        for other in found
        if name.endswith(".obj")
        and other.startswith("model.")
        and other.endswith((".mtl", ".png", ".jpg"))
    ]
    return [name, *beside]


def bundle(row: Row, name: str, companions: bool = True) -> Response:
    """The model NAME with what belongs to it, and with COMPANIONS the report, as one zip that can
    be fetched in parts."""
    return _zipped([(row, name)], row["id"], companions)


def several(rows: list[Row]) -> Response:
    """The finished models of ROWS with their reports, a folder each, as one zip that can be fetched
    in parts."""
    chosen = [(row, f"model.{(row['formats'] or 'glb').partition(',')[0]}") for row in rows]
    return _zipped(chosen, f"{len(rows)}-models", True)


def _zipped(models: list[tuple[Row, str]], called: str, companions: bool) -> Response:
    entries: list[Entry] = []
    mark = hashlib.sha256()
    try:
        for row, name in models:
            _add(entries, mark, row, name, companions)
    except BaseException:
        for entry in entries:
            entry.file.close()
        raise
    archive = StoredZip(entries)
    headers = {
        "Content-Disposition": disposition("attachment", f"{called}.zip"),
        "Cache-Control": "private, no-cache",
    }
    return send_stream(
        archive, archive.size, mark.hexdigest()[:32], headers, "application/zip", "The zip"
    )


def _add(entries: list[Entry], mark: Any, row: Row, name: str, companions: bool) -> None:
    """Put the files of one job into ENTRIES, and what they are remembered by into MARK."""
    atlas = here().atlas
    folder = f"{row['folder']}/{tree.OUTPUT}"
    there = {file["name"] for file in details.artefacts(atlas, row)}
    chosen = parts_of(row, name)
    chosen += [other for other in COMPANIONS if companions and other in there]
    sums = details.checksums(atlas, atlas.root / folder)
    listed = "".join(f"{sums[other]}  {other}\n" for other in chosen if other in sums).encode()
    mark.update(listed)
    for other in chosen:
        file, facts = open_below(atlas, f"{folder}/{other}")
        entries.append(Entry(f"{row['id']}/{other}", file, facts.st_size, _crc(file, facts)))
        mark.update(f"{row['id']}/{other}\0{facts.st_size}\0{entries[-1].crc}\0".encode())
    entries.append(Entry.of(f"{row['id']}/{tree.CHECKSUMS}", listed))


class _Handle:
    """An open file that is not part of what a result is remembered by."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Handle)


def _crc(file: BinaryIO, facts: os.stat_result) -> int:
    return _crc_of(_Handle(file), facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns)


@functools.lru_cache(4096)
def _crc_of(handle: _Handle, device: int, inode: int, size: int, changed: int) -> int:
    """CRC-32 of a file, read once for all the parts that are fetched of a zip."""
    found = 0
    while chunk := handle.file.read(1 << 20):
        found = zlib.crc32(chunk, found)
    return found
