"""The pose of glTF's skeletons, and morph targets: where vertices stand in the shown scene."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.readers.accessors import Accessors
from pipeline.geometry.readers.parts import checked

Array = NDArray[Any]


def pose(
    skin: dict[str, Any], worlds: dict[int, Array], accessors: Accessors, account: Account
) -> Array | None:
    """What moves the vertices of each joint (J,4,4), from WORLDS of the nodes; None, which is said,
    where a joint is in no scene."""
    joints = skin["joints"]
    if any(joint not in worlds for joint in joints):
        account.declare("part", "the pose of its skeleton")
        return None
    here = np.stack([worlds[joint] for joint in joints])
    if "inverseBindMatrices" not in skin:
        return here
    undone = accessors.array(skin["inverseBindMatrices"])[: len(joints)]
    return np.asarray(here @ undone.reshape(-1, 4, 4).transpose(0, 2, 1))


def posed(
    name: str, arrays: dict[str, Array], joints: Array, account: Account
) -> tuple[Array, Array | None]:
    """Places and normals of vertices that hang on JOINTS (J,4,4) by their weights."""
    points, normals = arrays["POSITION"].astype(np.float64), arrays.get("NORMAL")
    moved = np.zeros((len(points), 4, 4))
    total = np.zeros(len(points))
    for key in sorted(key for key in arrays if key.startswith("JOINTS_")):
        which = checked(name, arrays[key].astype(np.int64), len(joints))
        weights = arrays["WEIGHTS" + key.removeprefix("JOINTS")]
        if weights.dtype.kind != "f":
            weights = weights / np.iinfo(weights.dtype).max
        for column in range(which.shape[1]):
            moved += weights[:, column, None, None] * joints[which[:, column]]
            total += weights[:, column]
    if (total <= 0).any():
        account.remark(
            f"{int((total <= 0).sum())} vertices hang on no joint and were left in place"
        )
        moved[total <= 0], total[total <= 0] = np.eye(4), 1.0
    moved /= total[:, None, None]
    places = np.einsum("vij,vj->vi", moved[:, :3, :3], points) + moved[:, :3, 3]
    if normals is None or (np.abs(np.linalg.det(moved[:, :3, :3])) < 1e-30).any():
        return places, None
    turned = np.einsum("vji,vj->vi", np.linalg.inv(moved[:, :3, :3]), normals)
    return places, turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-30)


def morphed(
    arrays: dict[str, Array],
    weights: list[float],
    targets: list[dict[str, int]],
    accessors: Accessors,
    account: Account,
) -> dict[str, Array]:
    """ARRAYS with what their morph targets add; normals that no target turns would be wrong and are
    left out."""
    made = dict(arrays)
    for weight, target in zip(weights, targets, strict=False):
        for key, number in target.items() if weight else ():
            if key in ("POSITION", "NORMAL") and key in made:
                made[key] = made[key].astype(np.float64) + weight * accessors.array(number)
            elif key not in ("POSITION", "NORMAL", "TANGENT"):
                account.declare("attribute", f"what a morph target does to {key}")
        if weight and "POSITION" in target and "NORMAL" not in target:
            made.pop("NORMAL", None)
    return made
