"""The arrays of one glTF primitive: what its vertices have, and its corners."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.accessors import Accessors
from pipeline.geometry.readers.parts import damaged

Array = NDArray[Any]
# numbers of each vertex
WIDTHS = {"POSITION": (3,), "NORMAL": (3,), "COLOR_0": (3, 4)}
SILENT = ("TANGENT", "JOINTS_", "WEIGHTS_")
DRACO = "KHR_draco_mesh_compression"


def of_primitive(
    name: str, primitive: dict[str, Any], skinned: bool, accessors: Accessors, account: Account
) -> tuple[dict[str, Array], Array | None]:
    """The attributes that are used, by name, as many rows each as there are positions, and the
    corners, None where they are all the vertices in their order."""
    used = (*WIDTHS, "TEXCOORD_", *(("JOINTS_", "WEIGHTS_") if skinned else ()))
    for key in sorted(primitive["attributes"]):
        if not key.startswith((*used, *SILENT)):
            account.declare("attribute", f"the vertices' {key}")
    packed = primitive.get("extensions", {}).get(DRACO)
    arrays, order = dict[str, Array](), None
    if packed is not None:
        from pipeline.geometry.readers.draco import unpacked

        arrays, order = unpacked(name, packed, primitive, accessors, used)
    arrays |= {
        key: accessors.array(number)
        for key, number in primitive["attributes"].items()
        if key.startswith(used) and key not in (packed or {}).get("attributes", {})
    }
    for key, rows in arrays.items():
        if rows.shape[1] not in WIDTHS.get(key, (1, 2, 3, 4)):
            raise damaged(name, f"{rows.shape[1]} numbers are no {key}")
    if packed is None and (corners := primitive.get("indices")) is not None:
        order = accessors.array(corners)[:, 0]
    return _even(name, arrays, account), order


def _even(name: str, arrays: dict[str, Array], account: Account) -> dict[str, Array]:
    """ARRAYS without those that have another number of rows than the positions, which is said; a
    skeleton holds every vertex or none."""
    count = len(arrays.get("POSITION", ()))
    for key, rows in arrays.items():
        if len(rows) == count:
            continue
        if key.startswith(("JOINTS_", "WEIGHTS_")):
            raise damaged(name, f"it has {count} positions and {len(rows)} values of {key}")
        account.remark(
            f"it has {count} positions and {len(rows)} values of {key}, which were not used"
        )
    return {key: rows for key, rows in arrays.items() if len(rows) == count}
