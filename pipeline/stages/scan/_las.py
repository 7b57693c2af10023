"""LAS and LAZ by laspy, after the header was compared with the bytes."""

from __future__ import annotations

import struct

import numpy as np

from pipeline.errors import BackendUnavailable
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.stages.scan._raw import Raw, to_colors


def read(source: Source, account: Account) -> list[Raw]:
    """One pass in survey coordinates (metres unless the options say else)."""
    _check(source)
    try:
        import laspy
    except ImportError:
        raise BackendUnavailable(
            f"{source.name} needs the package laspy", remedy="pip install 'inbox3d[scan]' on the compute host."
        ) from None
    try:
        held = laspy.read(source.path)
        points = np.stack([np.asarray(held.x), np.asarray(held.y), np.asarray(held.z)], axis=1)
        names = set(held.point_format.dimension_names)
        rgb = np.stack([held.red, held.green, held.blue], axis=1) if {"red", "green", "blue"} <= names else None
    except Exception as error:  # laspy and its decompressor raise many kinds
        raise broken(source.name, f"laspy says: {error}") from None
    return [Raw(source.name, points, colors=None if rgb is None or not rgb.any() else to_colors(np.asarray(rgb)), unit=None)]


def _check(source: Source) -> None:
    with source.path.open("rb") as stream:
        head = stream.read(375)
    if head[:4] != b"LASF" or len(head) < 227:
        raise broken(source.name, "it is no LAS file")
    major, minor, offset = head[24], head[25], struct.unpack_from("<I", head, 96)[0]
    kind, length, many = head[104], struct.unpack_from("<H", head, 105)[0], struct.unpack_from("<I", head, 107)[0]
    if (major, minor) >= (1, 4) and len(head) >= 255:
        many = struct.unpack_from("<Q", head, 247)[0] or many
    size = source.path.stat().st_size
    compressed = bool(kind & 0x80)
    if offset > size or (not compressed and offset + many * length > size):
        raise cut_off(source.name, many, max(0, size - offset) // max(1, length))
