"""Photographs as tensors, made smaller, with their cameras; and which of them see the same from
useful angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pipeline.artefacts import PosedPicture, PosedPictures
from pipeline.geometry import arrays
from pipeline.geometry.rigid import Array
from pipeline.geometry.stereo import View
from pipeline.workspace import Workspace

BEST_ANGLE, TOO_WIDE = 12.0, 18.0  # degrees between two views of a point; how fast wider ones lose
NARROW = 0.25  # degrees between two views below which the one confirms whatever the other tells
FEWEST_SHARED = 15  # points that two photographs must share


class Opened(NamedTuple):
    """colours: (H, W, 3) uint8; counts: (H, W) bool, without what the photograph's mask leaves
    out."""

    view: View
    colours: Any
    counts: Any


def opened(picture: PosedPicture, edge: int, device: Any, ws: Workspace) -> Opened:
    """The view of PICTURE with its longer edge at EDGE pixels at the most."""
    import torch
    from PIL import Image

    with Image.open(ws.path(picture.image)) as file:
        width, height = file.size
        small = file.convert("RGB")
    small.thumbnail((edge, edge), Image.Resampling.BOX, reducing_gap=None)
    fx, fy, cx, cy = picture.camera
    sx, sy = small.width / width, small.height / height
    k = np.array([[fx * sx, 0, cx * sx], [0, fy * sy, cy * sy], [0, 0, 1.0]])
    colours = np.array(small)
    gray = torch.from_numpy(colours @ np.array([0.299, 0.587, 0.114], np.float32)).to(device)
    pose = np.asarray(picture.pose)
    view = View(gray, k, pose[:3, :3], pose[:3, 3])
    return Opened(view, colours, counting(picture.mask, small.size[::-1], ws))


def counting(mask: str | None, size: tuple[int, int], ws: Workspace) -> Any:
    """What MASK leaves in, (H, W) bool of SIZE (H, W); all of it without one."""
    from PIL import Image

    if mask is None:
        return np.ones(size, bool)
    with Image.open(ws.path(mask)) as file:
        return np.asarray(file.resize(size[::-1], Image.Resampling.BOX)) == 255


@dataclass
class Plan:
    """For one photograph: the others to compare it with, and the depths between which to look."""

    others: tuple[int, ...]
    depths: tuple[float, float]  # nearest, farthest


def plans(posed: PosedPictures, count: int, ws: Workspace) -> list[Plan | None]:
    """What each photograph is compared with: up to COUNT others that share many points at a useful
    angle; None where too few do."""
    stored = arrays.load(ws.path(str(posed.sparse)))
    points, seen = stored["points"], stored["seen"]
    if posed.about is not None:
        near = np.linalg.norm(points - posed.about[:3], axis=1) < posed.about[3]
        seen = seen[near[seen[:, 0]]]
    poses = [np.asarray(one.pose) for one in posed.pictures]
    eyes = [-pose[:3, :3].T @ pose[:3, 3] for pose in poses]
    own = [np.sort(seen[seen[:, 1] == number, 0]) for number in range(len(poses))]
    found: list[Plan | None] = []
    for a, pose in enumerate(poses):
        ranked = sorted(
            (-weight, b)
            for b in range(len(poses))
            if b != a and (weight := _weight(points, own[a], own[b], eyes[a], eyes[b])) > 0
        )
        depths = points[own[a]] @ pose[2, :3] + pose[2, 3]
        depths = depths[depths > 0]
        if len(ranked) < 1 or len(depths) < FEWEST_SHARED:
            found.append(None)
            continue
        low, high = np.quantile(depths, [0.01, 0.98])
        others = tuple(b for _, b in ranked[:count])
        found.append(Plan(others, (float(low * 0.85), float(high * 1.15))))
    return found


def _weight(points: Array, mine: Any, its: Any, eye: Array, other: Array) -> float:
    both = points[np.intersect1d(mine, its, assume_unique=True)]
    if len(both) < FEWEST_SHARED:
        return 0.0
    a, b = eye - both, other - both
    cosine = (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    angle = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    if np.median(angle) < NARROW:
        return 0.0
    wide = np.exp(-(((angle - BEST_ANGLE) / TOO_WIDE) ** 2))
    return float(np.where(angle < BEST_ANGLE, (angle / BEST_ANGLE) ** 1.5, wide).sum())
