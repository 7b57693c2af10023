"""The columns of one scan in an E57 file as arrays: places, colours, the scanner's grid."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.parts import side_by_side
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._raw import to_colors

COLOUR = ("colorRed", "colorGreen", "colorBlue")
GRID = ("rowIndex", "columnIndex")
GREY = 180  # of a point without a colour among others
STATES = ("cartesianInvalidState", "sphericalInvalidState", "isColorInvalid")


def columns(file: Any, header: Any, fields: list[str]) -> dict[str, NDArray[Any]]:
    """FIELDS of one scan, as doubles whatever their width in the file (whole numbers as 64
    bits)."""
    from pye57 import libe57

    count, buffers = header.point_count, libe57.VectorSourceDestBuffer()
    data: dict[str, NDArray[Any]] = {}
    for field in fields:
        data[field] = np.zeros(
            count,
            np.longlong
            if field in (*GRID, *STATES) or field.startswith("is")
            else np.float32
            if field in COLOUR
            else np.float64,
        )
        buffers.append(
            libe57.SourceDestBuffer(file.image_file, field, data[field], count, True, True)
        )
    reader = header.points.reader(buffers)
    held = reader.read()
    reader.close()
    return {field: values[:held] for field, values in data.items()}


def to_xyz(polar: Array) -> Array:
    """Range, azimuth from x towards y, elevation above the x y plane (radians) → x, y, z."""
    far, azimuth, elevation = polar.T
    flat = far * np.cos(elevation)
    return np.stack(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), far * np.sin(elevation)], axis=1
    )


def together(data: dict[str, NDArray[Any]], fields: tuple[str, ...]) -> NDArray[Any] | None:
    return side_by_side([data[field] for field in fields]) if fields[0] in data else None


def colours(
    header: Any, data: dict[str, NDArray[Any]], account: Account
) -> NDArray[np.uint8] | None:
    """0..255 of whatever range the file names; where the values do not fit that range, by the
    values."""
    values = together(data, COLOUR)
    if values is None:
        return None
    invalid = data.get("isColorInvalid", np.zeros(len(values))) != 0
    if invalid.any():
        many = "all" if invalid.all() else f"{int(invalid.sum())} of the {len(invalid)}"
        account.remark(f"{many} colours of a scan are marked as invalid and were not used")
    if invalid.all():
        return None
    most = _limit(header)
    top = float(np.nanmax(values, initial=0.0))
    if most and most / 256 < top <= most and most not in (1.0, 255.0, 65535.0):
        values = values * np.float32(255.0 / most)
    found = to_colors(values, account)
    found[invalid] = GREY
    return found


def _limit(header: Any) -> float:
    try:
        return float(header["colorLimits"]["colorRedMaximum"].value())
    except Exception:  # libE57's own kinds, where the node is not there
        return 0.0


def grid(data: dict[str, NDArray[Any]]) -> NDArray[np.int32] | None:
    """Row and column of each point, where no two points share a cell."""
    grid = together(data, GRID)
    if grid is None or grid.min(initial=0) < 0 or grid.max(initial=0) >= 1 << 20:
        return None
    keys = grid[:, 0].astype(np.int64) << 20 | grid[:, 1]
    return (
        grid.astype(np.int32)
        if len(np.unique(keys)) == len(keys) and np.ptp(grid, axis=0).min() > 0
        else None
    )
