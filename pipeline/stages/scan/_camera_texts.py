"""What programs and phones write about a camera in a text: focal lengths, and T_common_camera (4,4)
in the many ways there are."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import numpy as np

from pipeline.formats.frames import Frame, time_of
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NAMED = {
    one: re.compile(rf"(?<![a-z])\"?{one}\"?\s*[=:]\s*({_NUMBER})", re.I)
    for one in ("fx", "fy", "cx", "cy", "width", "height")
}
_APART = 0.05  # seconds between a frame and the pose that counts for it
# phones count x right, y up, z back; here x right, y down, z ahead
_PHONE = np.diag([1.0, -1.0, -1.0, 1.0])


class Camera(NamedTuple):
    """Pixels; width and height are those of the pictures that the numbers count in, 0: unknown."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int = 0
    height: int = 0

    def of(self, width: int, height: int) -> Camera:
        """The same camera for pictures of another size."""
        if not self.width or not self.height:
            return self._replace(width=width, height=height)
        x, y = width / self.width, height / self.height
        return Camera(self.fx * x, self.fy * y, self.cx * x, self.cy * y, width, height)


def stem(name: str) -> str:
    base = name.replace("\\", "/").rpartition("/")[2].lower()
    return re.sub(r"[._-]?(poses?|cameras?|info)?\.[a-z]+$", "", base)


def stems(frame: Frame) -> set[str]:
    return {
        re.sub(r"[._-]?(colou?r|rgb|depth|image)$", "", stem(name.removesuffix(".gz")))
        for name in (frame.colour, frame.depth)
    }


def camera_in(text: str) -> Camera | None:
    """Named numbers, a 3×3 matrix, Open3D's column-major list, or one line fx fy cx cy."""
    named = {key: float(hit[1]) for key, form in _NAMED.items() if (hit := form.search(text))}
    size = (int(named.get("width", 0)), int(named.get("height", 0)))
    if {"fx", "fy", "cx", "cy"} <= named.keys():
        return Camera(named["fx"], named["fy"], named["cx"], named["cy"], *size)
    told = _json(text)
    if isinstance(told, dict):
        matrix = told.get("intrinsic_matrix") or told.get("K") or told.get("camera_matrix")
        values = np.ravel(matrix) if isinstance(matrix, list) else np.zeros(0)
        if values.size == 9 and values.dtype.kind in "fi":
            whole = values.reshape(3, 3)
            whole = whole if whole[2, 2] == 1 and not whole[2, :2].any() else whole.T
            return Camera(whole[0, 0], whole[1, 1], whole[0, 2], whole[1, 2], *size)
    rows = rows_in(text)
    if len(rows) == 3 and [len(row) for row in rows] == [3, 3, 3] and rows[2] == [0, 0, 1]:
        return Camera(rows[0][0], rows[1][1], rows[0][2], rows[1][2])
    if len(rows) == 1 and len(rows[0]) == 4 and min(rows[0][:2]) > 50:
        return Camera(rows[0][0], rows[0][1], rows[0][2], rows[0][3])
    return None


def phone_pose(text: str) -> Array | None:
    """Polycam's t_00 … t_23, or a 4×4 under the names that phone apps use."""
    told = _json(text)
    if not isinstance(told, dict):
        return None
    if "t_00" in told:
        rows = [[float(told.get(f"t_{i}{j}", 0)) for j in range(4)] for i in range(3)]
        return rigid_of(np.array([*rows, [0, 0, 0, 1]]), phone=True)
    for key in ("cameraPoseARFrame", "transform_matrix", "pose"):
        values = np.ravel(told[key]) if isinstance(told.get(key), list) else np.zeros(0)
        if values.size == 16 and values.dtype.kind in "fi":
            return rigid_of(values.reshape(4, 4), phone=True)
    return None


def listed(text: str, frames: list[Frame]) -> list[Array | None] | None:
    """Poses of all frames in one text: TUM's time and seven numbers, seven or sixteen numbers a
    line in the frames' order, Open3D's log of blocks, Record3D's list."""
    told = _json(text)
    if isinstance(told, dict):
        poses = told.get("poses")
        rows = [[float(v) for v in row] for row in poses] if isinstance(poses, list) else []
        fine = rows and len(rows) == len(frames) and all(len(row) == 7 for row in rows)
        if not fine:
            return None
        found = [_of_quaternion(row[4:], row[:4]) for row in rows]
        return [None if one is None else one @ _PHONE for one in found]
    rows = rows_in(text)
    lengths = {len(row) for row in rows}
    if lengths == {8}:
        times = np.array([row[0] for row in rows])
        return [_at(times, rows, frame) for frame in frames]
    if len(rows) == len(frames) and lengths == {7}:
        return [_of_quaternion(row[:3], row[3:]) for row in rows]
    if len(rows) == len(frames) and lengths <= {12, 16}:
        return [rigid_of(np.array([*row, 0, 0, 0, 1][:16]).reshape(4, 4)) for row in rows]
    if len(rows) == 5 * len(frames) and [len(row) for row in rows[:5]] == [3, 4, 4, 4, 4]:
        return [rigid_of(np.array(rows[k + 1 : k + 5])) for k in range(0, len(rows), 5)]
    return None


def _at(times: Array, rows: list[list[float]], frame: Frame) -> Array | None:
    """The pose of the nearest time."""
    own = time_of(frame.depth)
    if own is None:
        return None
    near = int(np.abs(times - own).argmin())
    if abs(times[near] - own) > _APART:
        return None
    return _of_quaternion(rows[near][1:4], rows[near][4:])


def _of_quaternion(place: list[float], xyzw: list[float]) -> Array | None:
    length = float(np.linalg.norm(xyzw))
    if not 0.9 < length < 1.1:
        return None
    pose = np.eye(4)
    pose[:3, :3] = rigid.from_quaternion(np.array([xyzw[3], *xyzw[:3]]) / length)
    pose[:3, 3] = place
    return rigid_of(pose)


def rigid_of(pose: Array, phone: bool = False) -> Array | None:
    """None for what is no rotation and shift: programs write zeros and NaN where they lost
    track."""
    if not rigid.is_rigid(pose, 1e-2):
        return None
    return pose @ _PHONE if phone else pose


def rows_in(text: str) -> list[list[float]]:
    """Rows of numbers; none where another line stands between them, comments apart."""
    rows = []
    for line in text.splitlines():
        words = line.replace(",", " ").split()
        if not words or words[0].startswith(("#", "//")):
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            return []
    return rows


def _json(text: str) -> Any:
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
