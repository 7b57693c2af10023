"""PTX: one or several gridded scans with the scanner's place and pose. Pure numpy."""

from __future__ import annotations

import itertools
from typing import TextIO

import numpy as np

from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.geometry import rigid
from pipeline.stages.scan._raw import MOST_POINTS, Raw, odd_row, to_colors


def read(source: Source) -> list[Raw]:
    """Each scan in the file is a pass in the scanner's own frame (scanner at 0 0 0), with its pose and its grid."""
    found: list[Raw] = []
    with source.path.open(encoding="latin-1") as stream:
        while (line := stream.readline()) and line.strip():
            found.append(_scan(source.name, line, stream))
    if not found:
        raise broken(source.name, "it holds no scan")
    return found


def _scan(name: str, first: str, stream: TextIO) -> Raw:
    try:
        columns, rows = int(first), int(stream.readline())
        head = [[float(word) for word in stream.readline().split()] for _ in range(8)]  # scanner's place, three axes, 4×4
        pose = np.array(head[4:8]).T  # PTX writes row vectors
    except ValueError:
        raise broken(name, "its PTX header is not complete") from None
    if pose.shape != (4, 4) or not 0 < columns * rows <= MOST_POINTS:
        raise broken(name, "its PTX header is not complete")
    lines = list(itertools.islice(stream, columns * rows))
    if len(lines) < columns * rows or len(lines[-1].split()) < 3:
        raise cut_off(name, columns * rows, max(0, len(lines) - 1))
    try:
        values = np.loadtxt(lines, ndmin=2)
    except ValueError:
        raise odd_row(name, lines, len(lines[0].split())) from None
    grid = np.stack(np.divmod(np.arange(columns * rows), rows)[::-1], axis=1).astype(np.int32)  # column by column
    colors = to_colors(values[:, 4:7].astype(np.uint8)) if values.shape[1] >= 7 else None
    points = np.where((values[:, :3] != 0).any(1)[:, None], values[:, :3], np.nan)  # 0 0 0: the laser met nothing
    return Raw(name, points, None, colors, grid, scanner=np.zeros(3), pose=pose if rigid.is_rigid(pose) else None, unit="m")
