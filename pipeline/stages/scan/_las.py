"""LAS and LAZ by laspy, after the header was compared with the bytes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from pipeline.errors import BackendUnavailable
from pipeline.formats import crs, laz
from pipeline.formats.account import Account
from pipeline.formats.crs import Lengths
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES
from pipeline.stages.scan import _las_fields as fields
from pipeline.stages.scan import _shades
from pipeline.stages.scan._raw import Raw, refuse_degrees, to_colors

_MOST_RATIO = 1000  # LAZ reaches about 20; beyond, the count is not true
_GEO_KEYS, _GEO_DOUBLES, _WKT = 34735, 34736, 2112


def read(source: Source, account: Account) -> list[Raw]:
    """One pass in survey coordinates, in the unit of the file's coordinate system; points that the
    file marks as withheld are left out."""
    said, behind = _check(source)
    if behind:
        account.remark(
            f"{behind} bytes, room for further points, follow those that its header declares; they"
            " were not read"
        )
    try:
        import laspy
    except ImportError:
        raise BackendUnavailable(
            f"{source.name} needs the package laspy",
            remedy="pip install 'inbox3d[scan]' on the compute host.",
        ) from None
    try:
        held = laspy.read(source.path)
        points, varied = fields.places(held), fields.varied(held.points.array)
        kept = fields.kept(held, varied)
        colours, lengths = fields.colours(held), _lengths(held)
        lost, shine = [*fields.lost(held, varied)], np.asarray(held.intensity)
    except (
        BaseException
    ) as error:  # laspy raises many kinds, and the panics of its unpacker are no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise broken(source.name, f"laspy says: {error}") from None
    account.count("points", said, len(points))
    if kept is not None:
        account.remark(
            f"{int((~kept).sum())} of its points are marked as withheld (deleted) and were left out"
        )
        points, colours = points[kept], None if colours is None else colours[kept]
        shine = shine[kept]
    unit = _unit(source.name, lengths, points, account)
    raw = Raw(
        source.name,
        points,
        colors=None if colours is None else to_colors(colours, account),
        unit=unit,
        located=bool(lengths.name or lengths.flat),
        survey=True,
    )
    painted = "intensity" in lost and _shades.paint(raw, shine, account)
    account.lost(name for name in lost if not (painted and name == "intensity"))
    return [raw]


def _lengths(held: Any) -> Lengths:
    """What the file's coordinate system says; a well-known text counts before keys."""
    records = {
        vlr.record_id: vlr.record_data_bytes()
        for vlr in [*held.vlrs, *(held.evlrs or [])]
        if vlr.user_id == "LASF_Projection"
    }
    if _WKT in records:
        return crs.of_wkt(records[_WKT].split(b"\0")[0].decode("utf-8", "replace"))
    return (
        crs.of_geokeys(records[_GEO_KEYS], records.get(_GEO_DOUBLES, b""))
        if _GEO_KEYS in records
        else Lengths()
    )


def _unit(name: str, lengths: Lengths, points: Array, account: Account) -> str | None:
    """The unit of x and y; z in another one is converted, here, and a unit that has no name of
    ours, to metres."""
    if lengths.degrees and np.abs(points[:, :2]).max(initial=0) <= 360:
        raise broken(
            name,
            "its coordinate system counts in degrees of longitude and latitude, which are no"
            " lengths; project it first",
        )
    if lengths.flat is None:
        refuse_degrees(name, points)
        if lengths.code:
            account.remark(f"its unit, number {lengths.code} of EPSG, is not known here")
        elif lengths.name:
            account.remark(f"its coordinate system {lengths.name} does not name its unit here")
        if lengths.height is None or lengths.height == 1.0:
            return None
        lengths = lengths._replace(flat=1.0)
        account.remark(
            "its coordinate system names the unit of z alone; x and y were taken as metres"
        )
    assert lengths.flat is not None
    named = crs.unit_of(lengths.flat)
    unit, target = (named, lengths.flat) if named in METRES else ("m", 1.0)
    if target != lengths.flat:
        account.remark(
            f"one unit of its coordinate system is {lengths.flat:g} m; it was converted to metres"
        )
    height = lengths.height or lengths.flat
    if abs(height / lengths.flat - 1) > 1e-4:
        account.remark(
            f"its heights count in {crs.unit_of(height) or f'units of {height:g} m'} and were"
            f" converted to {unit}"
        )
    if (flat := lengths.flat / target) != 1 or height != target:
        points *= [flat, flat, height / target]
    return unit


def _check(source: Source) -> tuple[int, int]:
    """The points that the header speaks of, and how many bytes behind them nothing speaks of, where
    that is a point or more."""
    with source.path.open("rb") as stream:
        head = stream.read(375)
    if head[:4] != b"LASF" or len(head) < 227:
        raise broken(source.name, "it is no LAS file")
    major, minor, offset = head[24], head[25], struct.unpack_from("<I", head, 96)[0]
    kind, length, many = (
        head[104],
        struct.unpack_from("<H", head, 105)[0],
        struct.unpack_from("<I", head, 107)[0],
    )
    if (major, minor) >= (1, 4) and len(head) >= 255:
        many = struct.unpack_from("<Q", head, 247)[0] or many
    if not all(np.isfinite(step) and step for step in struct.unpack_from("<3d", head, 131)):
        raise broken(source.name, "its header gives a scale of 0, so no place can be told")
    size = source.path.stat().st_size
    compressed = bool(kind & 0x80)
    if offset > size or (not compressed and offset + many * length > size):
        raise cut_off(source.name, many, max(0, size - offset) // max(1, length))
    before, records = struct.unpack_from("<H", head, 94)[0], struct.unpack_from("<I", head, 100)[0]
    begin, further = (
        struct.unpack_from("<QI", head, 235) if minor >= 4 and len(head) >= 255 else (size, 0)
    )
    if 54 * records > max(offset - before, 0) or 60 * further > max(size - begin, 0):
        raise broken(source.name, "its header speaks of more records than there is room for")
    if compressed and many * length > _MOST_RATIO * size + (1 << 20):
        raise broken(
            source.name, f"its header speaks of {many} points, far more than {size} bytes can hold"
        )
    if compressed and many:
        with source.path.open("rb") as stream:
            if why := laz.contradiction(stream, size, many):
                raise broken(source.name, why)
    waves = (major, minor) >= (1, 3) and struct.unpack_from("<Q", head, 227)[0]
    behind = 0 if compressed or further or waves else size - offset - many * length
    return int(many), behind if behind >= max(length, 1) else 0
