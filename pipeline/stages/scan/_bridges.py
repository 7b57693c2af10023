"""Surface over places that photographs show, but so plain that nothing in them can be compared: a
belt of one colour around a textured body. It is drawn from what is around it, and marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Pass, PosedPicture, PosedPictures, Scans
from pipeline.geometry import arrays, topology
from pipeline.geometry.raycasting import sized
from pipeline.geometry.rigid import Array
from pipeline.geometry.surface import Surface
from pipeline.stages.scan._surface import Faces
from pipeline.workspace import Workspace

WIDEST = 0.08  # share of the size: how far from every point such surface may be
EDGE = 400  # pixels of the longer edge in which photographs are looked at
PLAIN, WINDOW = 4.0, 5  # of 255: how much a plain place varies in a window of so many pixels
SEEING = 2  # photographs that must show a place
AGREEING, PIERCED = 0.7, 0.2  # share of them in which it is plain; that may have seen through it
BEHIND = 0.02  # share of the depth by which what a photograph saw there may lie behind
STEEPEST = 0.25  # cosine below which a photograph grazes a place
CLOSED = 0.7  # share of the rim of such a place that must be at measured surface


def over_plain_places(
    vertices: Array,
    faces: Faces,
    loose: NDArray[np.bool_],
    apart: Array,
    posed: PosedPictures,
    scans: Scans,
    ws: Workspace,
) -> NDArray[np.bool_]:
    """Of LOOSE faces (F,), which no point supports, those (F,) to keep: photographs show them
    plain, before all that they saw elsewhere, and what was measured closes around them. APART (V,):
    distance of the vertices from the next point."""
    size = float(np.linalg.norm(np.ptp(vertices[faces[~loose]].reshape(-1, 3), axis=0)))
    near = np.flatnonzero(loose & (apart[faces].max(1) < WIDEST * size))
    keep = np.zeros(len(faces), bool)
    if not len(near):
        return keep
    corners = vertices[faces[near]]
    centres = corners.mean(1)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    shown, plain = np.zeros(len(near)), np.zeros(len(near))
    through = np.zeros(len(near))
    for eye in _eyes(posed, scans, ws):
        for total, more in zip((shown, plain, through), eye.tells(centres, normals), strict=True):
            total += more
    blank = (plain >= AGREEING * shown) & (through <= PIERCED * shown)
    keep[near[blank & _in_sight(vertices, faces, centres, normals, posed)]] = True
    return _closed_around(vertices, faces, keep, ~loose)


class _Eye(NamedTuple):
    """A photograph at EDGE pixels: camera and pose; plain (h,w), and the depths that were measured
    from it (h,w), 0 where none was."""

    camera: tuple[float, float, float, float]
    pose: Array
    plain: NDArray[np.bool_]
    depths: Array

    def tells(self, points: Array, normals: Array) -> Iterator[NDArray[np.bool_]]:
        """For POINTS (N,3): shown, plain, and seen through."""
        local = points @ self.pose[:3, :3].T + self.pose[:3, 3]
        fx, fy, cx, cy = self.camera
        z = np.maximum(local[:, 2], 1e-12)
        u, v = local[:, 0] / z * fx + cx, local[:, 1] / z * fy + cy
        height, width = self.plain.shape
        cosine = -((normals @ self.pose[:3, :3].T) * local).sum(1) / np.linalg.norm(local, axis=1)
        inside = (local[:, 2] > 0) & (u > 0) & (v > 0) & (u < width) & (v < height)
        shown = inside & (cosine > STEEPEST)
        at = v.clip(0, height - 1).astype(int), u.clip(0, width - 1).astype(int)
        yield shown
        yield shown & self.plain[at]
        yield shown & (self.depths[at] > (1 + BEHIND) * z)


def _eyes(posed: PosedPictures, scans: Scans, ws: Workspace) -> Iterator[_Eye]:
    measured = {one.name: one for one in scans.passes}
    for picture in posed.pictures:
        yield _eye(picture, measured.get(picture.name), ws)


def _eye(picture: PosedPicture, measured: Pass | None, ws: Workspace) -> _Eye:
    from PIL import Image
    from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

    with Image.open(ws.path(picture.image)) as opened:
        width = opened.width
        grey = opened.convert("L")
    grey.thumbnail((EDGE, EDGE), Image.Resampling.BOX, reducing_gap=None)
    share = grey.width / width
    fx, fy, cx, cy = (share * value for value in picture.camera)
    values = np.asarray(grey, np.float32)
    spread = uniform_filter(values**2, WINDOW) - uniform_filter(values, WINDOW) ** 2
    depths: Array = np.zeros(values.shape)
    if measured is not None:
        x, y, z = arrays.load(ws.path(measured.arrays))["points"].T
        u, v = (x / z * fx + cx).astype(int), (y / z * fy + cy).astype(int)
        inside = (u >= 0) & (v >= 0) & (u < grey.width) & (v < grey.height)
        depths[v[inside], u[inside]] = z[inside]
    # a place is plain as far as its rim: what is beside it reaches into windows there
    plain = maximum_filter(minimum_filter(spread < PLAIN**2, WINDOW), 3 * WINDOW)
    return _Eye((fx, fy, cx, cy), np.asarray(picture.pose), plain, depths)


def _in_sight(
    vertices: Array, faces: Faces, points: Array, normals: Array, posed: PosedPictures
) -> NDArray[np.bool_]:
    """Which POINTS (N,3) SEEING photographs have before all other surface (Open3D ray casting)."""
    import open3d as o3d

    scene = sized(Surface(vertices, faces))
    start = scene.placed(points)
    count = np.zeros(len(points), int)
    for picture in posed.pictures:
        pose = np.asarray(picture.pose)
        way = scene.placed((-pose[:3, :3].T @ pose[:3, 3])[None]) - start
        facing = (way * normals).sum(1) > 0
        rays = np.hstack([start + 0.002 * normals, way]).astype(np.float32)
        hidden = scene.scene.test_occlusions(o3d.core.Tensor(rays), 0.0, 1.0).numpy()
        count += facing & ~hidden
    return np.asarray(count >= SEEING)


def _closed_around(
    vertices: Array, faces: Faces, keep: NDArray[np.bool_], solid: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """KEEP (F,) without the patches that end in the open: less than CLOSED of their rim is at SOLID
    (F,) faces."""
    if not keep.any():
        return keep
    label = np.full(len(faces), -1)
    label[keep] = topology.parts(faces[keep], len(vertices))
    table = topology.edges(faces)
    owner = np.repeat(np.arange(len(faces)), 3)
    order = np.argsort(table.key, kind="stable")
    pairs = np.flatnonzero(table.key[order][1:] == table.key[order][:-1])
    a, b = owner[order[pairs]], owner[order[pairs + 1]]
    a, b = np.concatenate([a, b]), np.concatenate([b, a])
    rim = keep[a] & ~keep[b]
    count = int(label.max()) + 1
    ends = np.bincount(label[a[rim]], minlength=count)
    held = np.bincount(label[a[rim]], weights=solid[b[rim]], minlength=count)
    stays = held >= CLOSED * np.maximum(ends, 1)
    result = keep.copy()
    result[keep] = stays[label[keep]]
    return result
