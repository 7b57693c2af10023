"""PCD (ascii, binary, binary_compressed). Pure numpy; rows are checked against the header."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats import dialect, shifts, unit_words
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan import _lzf, _shades
from pipeline.stages.scan._raw import MOST_POINTS, Raw, from_columns, odd_row, unread

_KINDS = {"F": "f", "U": "u", "I": "i"}
_PACKED = ("rgb", "rgba")
_SILENT = frozenset({*_PACKED, "_"})

Header = dict[str, list[str]]


def read(source: Source, account: Account) -> list[Raw]:
    """The points of a PCD file as one pass; an organised cloud (HEIGHT > 1) keeps row and
    column."""
    data = source.path.read_bytes()
    header, start = _header(source.name, data)
    count = int(header["points"][0])
    bodies = {"ascii": _ascii, "binary": _binary, "binary_compressed": _compressed}
    table, behind = bodies[header["data"][0]](source.name, header, data, start, count)
    if behind:
        account.remark(f"{behind} follow the {count} points of its header; they were not read")
    packed = table.pop("rgb", table.pop("rgba", None))
    raw = from_columns(source.name, table, account)
    raw.colors = raw.colors if packed is None else _unpack(packed, account)
    known = _SILENT | _shades.of_table(raw, table, account)
    account.lost(name for name in unread(table) if name not in known)
    raw.unit = unit_words.said(data[:start])
    above = data[:start].decode("latin-1").splitlines()
    shifts.tell("\n".join(line for line in above if line.startswith("#")), account)
    height, width = int(header["height"][0]), int(header["width"][0])
    if height * width != count:
        account.remark(
            f"its header says {width} × {height} points and {count} points; {count} were read, as"
            " no grid"
        )
    elif height > 1 and width > 1:
        raw.grid = np.stack(np.divmod(np.arange(count, dtype=np.int32), width), axis=1).astype(
            np.int32
        )
    view = [float(x) for x in header.get("viewpoint", [])[:3]]
    if len(view) == 3 and any(view):  # 0 0 0 is what programs write that know nothing
        raw.scanner = np.array(view)
    return [raw]


def _header(name: str, data: bytes) -> tuple[Header, int]:
    header: Header = {}
    at = 0
    while "data" not in header:
        end = data.find(b"\n", at, at + 65536)
        if end < 0:
            raise broken(name, "it is no PCD file (no DATA line)")
        words = data[at:end].decode("latin-1").split()
        at = end + 1
        if words and not words[0].startswith("#"):
            header[words[0].lower()] = words[1:]
    header["data"] = [word.lower() for word in header["data"]]
    header["type"] = [word.upper() for word in header.get("type", [])]
    try:
        if "fields" not in header and "columns" in header:  # version 0.5
            header["fields"] = header["columns"]
        names, sizes, kinds = header["fields"], [int(x) for x in header["size"]], header["type"]
        counts = [int(x) for x in header.get("count", ["1"] * len(names))]
        header.setdefault("height", ["1"])
        header.setdefault("points", [str(int(header["width"][0]) * int(header["height"][0]))])
        header.setdefault("width", header["points"])
        fine = (
            len(names) == len(sizes) == len(kinds) == len(counts)
            and set(kinds) <= set(_KINDS)
            and set(sizes) <= {1, 2, 4, 8}
        )
        fine = (
            fine
            and 0 <= int(header["points"][0]) <= MOST_POINTS
            and all(0 < n <= 10_000 for n in counts)
        )
        fine = fine and int(header["height"][0]) >= 0 and int(header["width"][0]) >= 0
        _row(header | {"count": [str(n) for n in counts]})
        [float(x) for x in header.get("viewpoint", [])]
    except (KeyError, ValueError, IndexError, TypeError):
        fine = False
    if not fine or header["data"][:1] not in (["ascii"], ["binary"], ["binary_compressed"]):
        raise broken(name, "its PCD header is not complete")
    header["count"] = [str(n) for n in counts]
    return header, at


def _row(header: Header) -> np.dtype[Any]:
    described = zip(header["fields"], header["size"], header["type"], header["count"], strict=True)
    return np.dtype(
        [
            (f"{k} {label.lower()}", f"<{_KINDS[kind]}{size}", (int(n),))
            for k, (label, size, kind, n) in enumerate(described)
        ]
    )


def _plain(label: str) -> str:
    return label.split(" ", 1)[1]


def _binary(
    name: str, header: Header, data: bytes, start: int, count: int
) -> tuple[dict[str, NDArray[Any]], str]:
    """The fields by name, and what stands behind the points, in words."""
    row = _row(header)
    if start + row.itemsize * count > len(data):
        raise cut_off(name, count, max(0, len(data) - start) // max(1, row.itemsize))
    rows = np.frombuffer(data, row, count, start)
    left = len(data) - start - row.itemsize * count
    table = {_plain(label): rows[label][:, 0] for label in row.names or ()}
    return table, f"{left} bytes" if left >= max(row.itemsize, 1) else ""


def _compressed(
    name: str, header: Header, data: bytes, start: int, count: int
) -> tuple[dict[str, NDArray[Any]], str]:
    """One field after the other, all packed together."""
    if start + 8 > len(data):
        raise cut_off(name, count, 0)
    packed, plain = (int(size) for size in np.frombuffer(data, "<u4", 2, start))
    if start + 8 + packed > len(data):
        raise cut_off(name, count, int(count * (len(data) - start - 8) / max(1, packed)))
    row = _row(header)
    if plain != row.itemsize * count:
        raise broken(
            name,
            f"its compressed part claims {plain} bytes for {count} points of {row.itemsize} bytes",
        )
    body = _lzf.unpack(data[start + 8 : start + 8 + packed], plain) if plain else b""
    if body is None:
        raise broken(name, "its compressed part is damaged")
    table, at = {}, 0
    for label in row.names or ():
        kind, shape = row[label].subdtype or (row[label], (1,))
        table[_plain(label)] = np.frombuffer(body, kind, count * shape[0], at).reshape(
            count, shape[0]
        )[:, 0]
        at += count * row[label].itemsize
    return table, ""


def _ascii(
    name: str, header: Header, data: bytes, start: int, count: int
) -> tuple[dict[str, NDArray[Any]], str]:
    row = _row(header)
    lines = [line for line in data[start:].splitlines() if line.strip()]
    left, lines = len(lines) - count, lines[:count]
    if len(lines) < count:
        raise cut_off(name, count, len(lines))
    wide = sum(int(n) for n in header["count"])
    try:
        values = np.loadtxt(lines, ndmin=2, comments=None) if count else np.zeros((0, wide))
    except ValueError:
        values = _slowly(name, lines, wide)
    if values.shape[1] != wide:
        raise odd_row(name, lines, wide)
    at, table = 0, {}
    for label, many in zip(row.names or (), header["count"], strict=True):
        kind = row[label].base
        packed = _plain(label) in _PACKED and kind.kind in "ui"
        table[_plain(label)] = (
            np.nan_to_num(values[:, at]).astype(np.int64).astype(np.uint32)
            if packed
            else values[:, at]
        )
        at += int(many)
    return table, f"{left} lines" if left > 0 else ""


def _slowly(name: str, lines: list[bytes], wide: int) -> NDArray[np.float64]:
    """Row by row: every compiler's spelling of "no number"."""
    how = dialect.Dialect()
    rows = [
        [dialect.number(word, how) for word in line.decode("latin-1").split()] for line in lines
    ]
    if any(len(row) != wide or None in row for row in rows):
        raise odd_row(name, lines, wide)
    return np.asarray(rows, np.float64)


def _unpack(packed: NDArray[Any], account: Account) -> NDArray[np.uint8]:
    """Colours (N,3) from 0x00RRGGBB, stored as an integer or as a float of the same bits."""
    if packed.dtype.kind == "f" and packed.dtype.itemsize == 8 and np.isnan(packed).any():
        account.remark(
            "some of its colours are written as nan, which holds none: those points are black"
        )
    if packed.dtype == np.float32:
        bits = packed.view(np.uint32)
    else:
        bits = (
            packed.astype(np.float32).view(np.uint32)
            if packed.dtype.kind == "f"
            else packed.astype(np.uint32)
        )
    return np.stack([(bits >> 16) & 255, (bits >> 8) & 255, bits & 255], axis=1).astype(np.uint8)
