"""glTF and GLB: the document and the binary part of a file, before anything in it is believed."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from pipeline.errors import InputRejected

_REFERENCES = frozenset(
    {"mesh", "material", "indices", "scene", "skin", "source", "sampler", "camera", "bufferView"}
)
AGAIN = "Export it again and drop it anew."


def read(name: str, path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON document of a .glb or .gltf and the GLB's binary part, b"" where it has none.
    InputRejected names what is wrong."""
    data = path.read_bytes()
    text, blob = (
        _chunks(name, data)
        if data.startswith(b"glTF")
        else (data.removeprefix(b"\xef\xbb\xbf"), b"")
    )
    try:
        document = json.loads(text, object_hook=_said, parse_float=_number)
        asset = document.get("asset", {})
        if isinstance(document.get("meshes"), dict):  # 2.0 has lists
            asset = {"version": "1.0"} | asset
        version, least = str(asset.get("version", "2.0")), str(asset.get("minVersion", "2.0"))
    except (ValueError, AttributeError, RecursionError):
        raise InputRejected(
            f"{name} is a damaged glTF file: its JSON part does not parse", remedy=AGAIN
        ) from None
    if version.split(".")[0] != "2":
        raise InputRejected(
            f"{name} is glTF version {version}; only version 2 is read",
            remedy="Export it as glTF 2.0.",
        )
    if least not in ("2", "2.0"):
        raise InputRejected(
            f"{name} wants a reader of glTF {least[:20]} (its minVersion); 2.0 is read here",
            remedy="Export it as glTF 2.0.",
        )
    return document, blob


def _said(entry: dict[str, Any]) -> dict[str, Any]:
    """ENTRY without what programs write where there is nothing: null, and references to -1."""
    return {
        key: value
        for key, value in entry.items()
        if value is not None and not (key in _REFERENCES and value == -1)
    }


def _number(digits: str) -> float | int:
    """A number of JSON; 3.0 is 3, for some programs write indices and counts so."""
    value = float(digits)
    return int(value) if value.is_integer() and abs(value) < 1 << 53 else value


def _chunks(name: str, data: bytes) -> tuple[bytes, bytes]:
    if len(data) < 20:
        raise InputRejected(f"{name} is a damaged GLB: its header is not complete", remedy=AGAIN)
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise InputRejected(
            f"{name} is glTF version {version}; only version 2 is read",
            remedy="Export it as glTF 2.0.",
        )
    at, found = 12, dict[bytes, bytes]()
    while at + 8 <= min(length, len(data)):
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > len(data):
            raise InputRejected(
                f"{name} is a damaged GLB: one of its parts is larger than the file", remedy=AGAIN
            )
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if b"JSON" not in found:
        raise InputRejected(f"{name} is a damaged GLB: its first part is not JSON", remedy=AGAIN)
    return found[b"JSON"].rstrip(b"\0"), found.get(b"BIN\0", b"")
