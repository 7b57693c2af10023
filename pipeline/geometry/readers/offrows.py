"""The rows of OFF: lines of text, text broken anywhere, or binary."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.off import OffHeader
from pipeline.formats.refusals import incomplete
from pipeline.geometry.readers.textnumbers import numbers

Array = NDArray[Any]


def text(name: str, data: bytes, header: OffHeader) -> tuple[Array, Array]:
    """All numbers one after another, and how many each row has: a row is a line, unless the counts
    of the header fit the numbers and not the lines."""
    values, counts = numbers(name, "row", re.sub(rb"#[^\n]*", b"", data[header.length :]))
    counts = counts[counts > 0]
    if _fit(values, counts, header):
        return values, counts
    for skip in (0, 1):  # the number of edges, where it stands in a line of its own
        for width in (header.width, header.width - header.colors):
            if (streamed := _streamed(values[skip:], width, header)) is not None:
                return values[skip:], streamed
    return values, counts


def _fit(values: Array, counts: Array, header: OffHeader) -> bool:
    rows = header.vertices + header.faces
    if len(counts) < rows or counts[: header.vertices].min(initial=9) < 3:
        return False
    here = slice(header.vertices, rows)
    return bool((values[(np.cumsum(counts) - counts)[here]] < counts[here]).all())


def _streamed(values: Array, width: int, header: OffHeader) -> Array | None:
    """The lengths of the rows of a file whose line ends mean nothing, without colours of faces;
    None where they do not use up all numbers."""
    at, corners = header.vertices * width, list[int]()
    while len(corners) < header.faces and at < len(values) and values[at] >= 0:
        corners.append(int(values[at]) + 1)
        at += corners[-1]
    if at != len(values) or len(corners) < header.faces:
        return None
    return np.array([width] * header.vertices + corners, np.int64)


def binary(name: str, data: bytes, header: OffHeader) -> tuple[Array, Array]:
    """The numbers of a binary file as if they stood in lines: vertices of floats, faces of counted
    corners and counted colours."""
    cells = (len(data) - header.length) // 4
    whole = np.frombuffer(data, header.order + "i4", cells, header.length)
    floats = whole.view(header.order + "f4").astype(np.float64)
    at = header.vertices * header.width
    if at > cells:
        there = cells // header.width
        raise incomplete(name, f"its header promises {header.vertices} vertices, {there} are there")
    rows, counts = [floats[:at]], [header.width] * header.vertices
    for _ in range(header.faces):
        corners = int(whole[at]) if at < cells else 0
        behind = at + 1 + corners
        colors = int(whole[behind]) if corners >= 0 and behind < cells else -1
        if colors < 0 or behind + 1 + colors > cells:
            break
        rows += [whole[at:behind], floats[behind + 1 : behind + 1 + colors]]
        counts.append(1 + corners + colors)
        at = behind + 1 + colors
    if len(counts) < header.vertices + header.faces:
        there = max(len(counts) - header.vertices, 0)
        raise incomplete(name, f"its header promises {header.faces} faces, {there} are there")
    return np.concatenate(rows).astype(np.float64), np.array(counts, np.int64)
