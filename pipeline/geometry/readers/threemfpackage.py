"""The zip archive of a 3MF: its parts by name, read once, and what slicers keep beside them."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import archives
from pipeline.formats.account import Account
from pipeline.geometry.readers.parts import (
    damaged,
)
from pipeline.geometry.readers.pictures import decoded, say_transparent
from pipeline.geometry.readers.threemfmodel import Document, parsed

Array = NDArray[Any]
LARGEST = 1 << 30  # bytes of one part


class Package:
    def __init__(self, name: str, path: Path, account: Account) -> None:
        self.name, self.account = name, account
        self.archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        self.names = {"/" + entry.lstrip("/").lower(): entry for entry in self.archive.namelist()}
        if archives.too_large(
            sum(one.file_size for one in self.archive.infolist()), path.stat().st_size
        ):
            raise InputRejected(
                f"{name} unpacks to far more than it weighs",
                remedy="Export it again, or as STL or PLY.",
            )
        self.placed = 0  # objects so far
        self.documents: dict[str, Document] = {}
        self._pictures: dict[str, Any] = {}

    def bytes(self, part: str) -> bytes | None:
        entry = self.names.get("/" + part.lstrip("/").lower())
        return (
            None
            if entry is None or self.archive.getinfo(entry).file_size > LARGEST
            else self.archive.read(entry)
        )

    def start(self) -> str:
        """The part that the package begins with: as its relations say, else the first model in
        it."""
        for target in self._related("3dmodel"):
            for one in (target, unquote(target)):
                if "/" + one.lstrip("/").lower() in self.names:
                    return "/" + one.lstrip("/")
        found = sorted(
            (name for name in self.names if name.endswith(".model")),
            key=lambda one: (one.count("/"), one),
        )
        if not found:
            raise InputRejected(f"{self.name} is a zip archive without a 3MF model inside")
        return found[0]

    def _related(self, kind: str) -> list[str]:
        """The targets of the package's relations whose type ends in KIND; none where the list of
        relations is damaged or not there."""
        from lxml import etree

        try:
            root = etree.fromstring(
                self.bytes("/_rels/.rels") or b"",
                etree.XMLParser(resolve_entities=False, no_network=True),
            )
        except etree.XMLSyntaxError:
            return []
        return [
            str(node.get("Target", ""))
            for node in root.iter("{*}Relationship")
            if str(node.get("Type", "")).endswith(kind)
        ]

    def document(self, part: str) -> Document:
        key = part.lower()
        if key not in self.documents:
            data = self.bytes(part)
            if data is None:
                raise damaged(self.name, f"it speaks of the part {part}, which is not in it")
            self.documents[key] = parsed(self.name, part, data, self.account)
        return self.documents[key]

    def picture(self, part: str) -> Any:
        if part not in self._pictures:
            short = posixpath.basename(part)
            self.account.declare("texture", short)
            data = self.bytes(part)
            self._pictures[part] = None if data is None else decoded(data, short, self.account)
            say_transparent(self._pictures[part], self.account)
        return self._pictures[part]


def say_slicer(package: Package) -> None:
    """Name what slicers keep beside or inside the standard: parts that are no solids, painting,
    things that are not printed."""
    settings = b"".join(
        package.bytes(one) or b""
        for one in package.names
        if one.startswith("/metadata/") and one.endswith(".config")
    )
    models = b"".join(package.bytes(one) or b"" for one in package.names if one.endswith(".model"))
    odd = re.findall(
        rb'subtype="(?!normal_part)(\w+)"|"volume_type" value="(?!ModelPart)(\w+)"', settings
    )
    if odd:
        package.account.remark(
            f"{len(odd)} of its parts are modifiers, cuts or supports to the slicer; they were read"
            " as solids"
        )
    if re.search(rb'\b(?:paint_color|mmu_segmentation)="[0-9A-Fa-f]', models):
        package.account.declare("part", "its painting by filaments")
    elif len(set(re.findall(rb'key="extruder" value="(\d+)"', settings)) - {b"0"}) > 1:
        package.account.declare("part", "which filament each part is printed with")
    if re.search(rb'<item\b[^>]*\bprintable="0"', models):
        package.account.remark(
            "some of its things are not meant to be printed; they were read, too"
        )
