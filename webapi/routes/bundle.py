"""Several files of a job as one zip, made while it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any, cast

from flask import Response

from layout import tree
from layout.tree import Atlas
from webapi.index import details
from webapi.index.schema import Row
from webapi.problems import Problem
from webapi.routes.sending import disposition, open_below
from webapi.routes.table import here

COMPANIONS = ("report.html", "scan.json", "preview.png")


def bundle(row: Row, name: str) -> Response:
    """The model NAME and its companions as a zip that is made while it is sent; nothing is
    compressed again."""
    atlas, found = here().atlas, [file["name"] for file in details.artefacts(here().atlas, row)]
    if name not in found:
        raise Problem(
            404, "no-such-file", f"There is no {name} here.", "GET …/artefacts lists the files."
        )
    beside = [
        other
        for other in found
        if name.endswith(".obj")
        and other.startswith("model.")
        and other.endswith((".mtl", ".png", ".jpg"))
    ]
    chosen = [name, *beside, *(other for other in COMPANIONS if other in found)]
    headers = {"Content-Disposition": disposition("attachment", f"{row['id']}.zip")}
    folder = f"{row['folder']}/{tree.OUTPUT}"
    sums = details.checksums(atlas, atlas.root / folder)
    listed = "".join(f"{sums[other]}  {other}\n" for other in chosen if other in sums).encode()
    return Response(
        zip_of(atlas, folder, row["id"], chosen, listed),
        200,
        headers,
        content_type="application/zip",
    )


class _Sink(io.RawIOBase):
    """What zipfile writes, to be taken away piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.pieces.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        pieces, self.pieces = self.pieces, []
        return b"".join(pieces)


def zip_of(
    atlas: Atlas, folder: str, prefix: str, chosen: list[str], sums: bytes
) -> Iterator[bytes]:
    """The files CHOSEN of FOLDER below PREFIX, and SUMS as their checksums.sha256."""
    sink = _Sink()
    with zipfile.ZipFile(cast(Any, sink), "w", zipfile.ZIP_STORED) as archive:
        for name in chosen:
            file, facts = open_below(atlas, f"{folder}/{name}")
            entry = zipfile.ZipInfo(f"{prefix}/{name}", (1980, 1, 1, 0, 0, 0))
            entry.file_size, entry.external_attr = facts.st_size, 0o644 << 16
            with file, archive.open(entry, "w", force_zip64=facts.st_size > 1 << 31) as target:
                while chunk := file.read(1 << 18):
                    target.write(chunk)
                    yield sink.take()
        archive.writestr(zipfile.ZipInfo(f"{prefix}/{tree.CHECKSUMS}", (1980, 1, 1, 0, 0, 0)), sums)
    yield sink.take()
