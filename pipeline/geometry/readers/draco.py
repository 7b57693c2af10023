"""Primitives that are compressed with Draco (library: DracoPy)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.readers.accessors import Accessors
from pipeline.geometry.readers.parts import damaged

Array = NDArray[Any]


def unpacked(
    name: str,
    packed: dict[str, Any],
    primitive: dict[str, Any],
    accessors: Accessors,
    wanted: tuple[str, ...],
) -> tuple[dict[str, Array], Array | None]:
    """The attributes whose names begin with WANTED, and the indices of one primitive; InputRejected
    where the data do not unpack."""
    import DracoPy

    data, _ = accessors.view(packed["bufferView"])
    try:
        mesh = DracoPy.decode(data)
    except (DracoPy.FileTypeException, ValueError, RuntimeError):
        raise damaged(name, "data compressed with Draco do not unpack") from None
    arrays: dict[str, Array] = {}
    for key, number in packed["attributes"].items():
        found = mesh.get_attribute_by_unique_id(number)
        if found is not None and key.startswith(wanted):
            arrays[key] = _values(
                np.asarray(found["data"]),
                accessors.document["accessors"][primitive["attributes"][key]],
            )
    entry = accessors.document["accessors"][primitive["attributes"]["POSITION"]]
    if len(arrays.get("POSITION", ())) != entry["count"]:
        raise damaged(
            name,
            f"{entry['count']} compressed positions are declared, {len(arrays.get('POSITION', ()))}"
            " unpacked",
        )
    faces = getattr(mesh, "faces", None)
    return arrays, None if faces is None else np.asarray(faces).ravel()


def _values(rows: Array, entry: dict[str, Any]) -> Array:
    """ROWS as the accessor ENTRY says that they are meant."""
    rows = rows.reshape(len(rows), -1)
    if rows.dtype.kind == "f":
        return rows.astype(np.float64)
    return np.maximum(rows / np.iinfo(rows.dtype).max, -1.0) if entry.get("normalized") else rows
