"""glTF's arrays: buffers inside, beside and in data addresses; strides, sparse values, normalised
integers, meshopt's compression."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.parts import damaged

Array = NDArray[Any]
_FOR_ADDRESSES = bytes.maketrans(b"-_", b"+/")  # the letters of base64 in addresses
TYPES = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4", 5130: "<f8"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
MESHOPT = ("EXT_meshopt_compression", "KHR_meshopt_compression")
MOST = 1 << 33  # bytes of one array


class Accessors:
    """The arrays of one document."""

    def __init__(
        self, name: str, document: dict[str, Any], blob: bytes, beside: Companions
    ) -> None:
        self.name, self.document, self.blob, self.beside = name, document, blob, beside
        self._buffers: dict[int, bytes] = {}
        self._views: dict[int, bytes] = {}

    def buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            entry = self.document["buffers"][index]
            uri = entry.get("uri")
            data = self.blob if uri is None else self.resource(uri, "buffer")
            if len(data) < entry.get("byteLength", 0):
                raise damaged(
                    self.name,
                    f"buffer {index} has {len(data)} bytes, {entry['byteLength']} are declared",
                )
            self._buffers[index] = data
        return self._buffers[index]

    def resource(self, uri: str, what: str) -> bytes:
        """What URI means: a data address, or a file of the drop. InputRejected asks for the file by
        name."""
        if uri.startswith("data:"):
            return data_address(self.name, uri)
        found = self.beside.find(uri)
        if found is None:
            short = uri.replace("\\", "/").rpartition("/")[2]
            raise InputRejected(f"{self.name} needs the file {short}, which is not in the drop",
                                remedy=f"Drop {short} together with {self.name}.")  # fmt: skip
        return self.beside.files[found].read_bytes()

    def view(self, index: int) -> tuple[bytes, int]:
        """The bytes of a buffer view and its stride, 0 where the values are packed."""
        entry = self.document["bufferViews"][index]
        packed = next(
            (entry["extensions"][key] for key in MESHOPT if key in entry.get("extensions", ())),
            None,
        )
        if packed is not None:
            if index not in self._views:
                self._views[index] = self._unpacked(packed)
            return self._views[index], packed["byteStride"]
        data, start, length = (
            self.buffer(entry["buffer"]),
            entry.get("byteOffset", 0),
            entry["byteLength"],
        )
        if start < 0 or length < 0 or start + length > len(data):
            raise damaged(self.name, f"buffer view {index} reaches beyond its buffer")
        return data[start : start + length], entry.get("byteStride", 0)

    def _unpacked(self, packed: dict[str, Any]) -> bytes:
        import meshoptimizer

        data, start = self.buffer(packed["buffer"]), packed.get("byteOffset", 0)
        source, count, stride = (
            data[start : start + packed["byteLength"]],
            packed["count"],
            packed["byteStride"],
        )
        if count * stride > MOST:
            raise damaged(self.name, "a compressed array is larger than can be")
        try:
            match packed["mode"]:
                case "ATTRIBUTES":
                    rows: Array = meshoptimizer.decode_vertex_buffer(
                        count, stride, source, dtype=np.dtype((np.void, stride))
                    )
                case "TRIANGLES":
                    rows = meshoptimizer.decode_index_buffer(count, 4, source).astype(
                        "<u4" if stride == 4 else "<u2"
                    )
                case _:
                    rows = meshoptimizer.decode_index_sequence(count, 4, source).astype(
                        "<u4" if stride == 4 else "<u2"
                    )
        except (RuntimeError, ValueError):
            raise damaged(self.name, "an array compressed by meshopt does not unpack") from None
        return _filtered(rows.tobytes(), count, stride, packed.get("filter", "NONE"))

    def array(self, index: int) -> Array:
        """Accessor INDEX as (count, width): float64 where it is float or normalised, else
        integers."""
        if index < 0:
            raise damaged(self.name, f"it refers to the accessor {index}")
        entry = self.document["accessors"][index]
        if entry["componentType"] not in TYPES or entry["type"] not in WIDTHS:
            what = f"{entry['type']} of {entry['componentType']}"
            raise damaged(self.name, f"accessor {index} has the type {what[:40]}, which is none")
        kind, width, count = (
            np.dtype(TYPES[entry["componentType"]]),
            WIDTHS[entry["type"]],
            int(entry["count"]),
        )
        if count < 0 or count * width * 8 > MOST:
            raise damaged(self.name, f"accessor {index} has {count} values")
        cells = np.zeros((count, width), kind)
        if "bufferView" in entry and count:
            cells = self._rows(
                index, entry["bufferView"], entry.get("byteOffset", 0), kind, width, count
            )
        if sparse := entry.get("sparse"):
            where, values = sparse["indices"], sparse["values"]
            at = self._rows(
                index,
                where["bufferView"],
                where.get("byteOffset", 0),
                np.dtype(TYPES[where["componentType"]]),
                1,
                sparse["count"],
            )
            new = self._rows(
                index,
                values["bufferView"],
                values.get("byteOffset", 0),
                kind,
                width,
                sparse["count"],
            )
            cells = cells.copy()
            cells[at[:, 0]] = new
        if kind.kind == "f":
            return cells.astype(np.float64)
        if entry.get("normalized"):
            return np.maximum(cells / np.iinfo(kind).max, -1.0)
        return cells

    def _rows(
        self, index: int, view: int, start: int, kind: np.dtype[Any], width: int, count: int
    ) -> Array:
        data, stride = self.view(view)
        step = stride or kind.itemsize * width
        if (
            start < 0
            or step < kind.itemsize
            or (count and start + step * (count - 1) + kind.itemsize * width > len(data))
        ):
            raise damaged(self.name, f"accessor {index} reaches beyond its bytes")
        return np.ndarray((count, width), kind, data, start, (step, kind.itemsize))


def data_address(name: str, uri: str) -> bytes:
    head, _, body = uri.partition(",")
    data = unquote_to_bytes(body)
    if not head.endswith(";base64"):
        return data
    data = b"".join(data.split()).translate(_FOR_ADDRESSES).rstrip(b"=")
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise damaged(name, "data inside it is not base64") from None


def _filtered(data: bytes, count: int, stride: int, filter_: str) -> bytes:
    """Meshopt's filters, undone as its specification says."""
    if filter_ == "OCTAHEDRAL":
        kind = np.int8 if stride == 4 else np.int16
        rows = np.frombuffer(data, kind).reshape(count, 4).astype(np.float64)
        one = rows[:, 2:3]
        x, y = rows[:, 0] / one[:, 0], rows[:, 1] / one[:, 0]
        z = 1.0 - np.abs(x) - np.abs(y)
        fold = np.maximum(-z, 0)
        found = np.stack([x - np.copysign(fold, x), y - np.copysign(fold, y), z], axis=1)
        found /= np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)
        made = np.round(found * np.iinfo(kind).max)
        return np.concatenate([made, rows[:, 3:]], axis=1).astype(kind).tobytes()
    if filter_ == "EXPONENTIAL":
        whole = np.frombuffer(data, "<i4")
        return bytes(
            np.ldexp((whole << 8 >> 8).astype(np.float32), whole >> 24).astype("<f4").tobytes()
        )
    return data
