"""Rigid motions as 4×4 float64 matrices with column vectors: p' = T p."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Matrix

Array = NDArray[np.float64]


def apply(pose: Array, points: Array) -> Array:
    """Move points (N,3); a stack of poses (H,4,4) gives (H,N,3)."""
    return np.asarray(points @ np.swapaxes(pose[..., :3, :3], -1, -2) + pose[..., None, :3, 3])


def turn(pose: Array, vectors: Array) -> Array:
    """Rotate directions (N,3); a stack of poses (H,4,4) gives (H,N,3)."""
    return np.asarray(vectors @ np.swapaxes(pose[..., :3, :3], -1, -2))


def dot(a: Array, b: Array) -> Array:
    """Products of vectors (…,3) with others, summed over the last axis: (…).

    Three products added: NumPy's sum over an axis of three costs several times as much.
    """
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2])


def cross(a: Array, b: Array) -> Array:
    """Cross products (…,3) of vectors with others; np.cross moves axes about at twice the cost."""
    out = np.empty(np.broadcast_shapes(a.shape, b.shape))
    for k, (i, j) in enumerate(((1, 2), (2, 0), (0, 1))):
        out[..., k] = a[..., i] * b[..., j] - a[..., j] * b[..., i]
    return out


def invert(pose: Array) -> Array:
    """The inverse of one rigid motion."""
    inverse = np.eye(4)
    inverse[:3, :3] = pose[:3, :3].T
    inverse[:3, 3] = -pose[:3, :3].T @ pose[:3, 3]
    return inverse


def degrees(rotation: Array) -> float:
    """Angle of a rotation (3×3 or the upper left of a 4×4); exact near zero too, where arccos of
    the trace is not."""
    r = rotation[:3, :3]
    sine = np.linalg.norm([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    return float(np.degrees(np.arctan2(sine, np.trace(r) - 1)))


def difference(a: Array, b: Array, centre: Array) -> tuple[float, float]:
    """How far two poses of one body are apart: (degrees, distance between the two places of
    ``centre``)."""
    return degrees(a[:3, :3].T @ b[:3, :3]), float(
        np.linalg.norm(apply(a, centre[None]) - apply(b, centre[None]))
    )


def fit(source: Array, target: Array, weights: Array | None = None) -> Array:
    """Least-squares rigid motions source → target for stacks (…,K,3) of point pairs with weights
    (…,K): (…,4,4)."""
    w = np.ones(source.shape[:-1]) if weights is None else weights
    w = w / np.maximum(w.sum(-1, keepdims=True), 1e-12)
    ca, cb = (w[..., None] * source).sum(-2), (w[..., None] * target).sum(-2)
    return from_moments(
        np.swapaxes((source - ca[..., None, :]) * w[..., None], -1, -2)
        @ (target - cb[..., None, :]),
        ca,
        cb,
    )


def from_moments(h: Array, ca: Array, cb: Array) -> Array:
    """Rigid motions (…,4,4) from cross-covariances (…,3,3) of source and target and their means
    (…,3) (Kabsch)."""
    u, _, vt = np.linalg.svd(h)
    flip = np.ones(h.shape[:-1])
    flip[..., 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    rotation = np.swapaxes(vt, -1, -2) @ (flip[..., None] * np.swapaxes(u, -1, -2))
    pose = np.zeros((*h.shape[:-2], 4, 4))
    pose[..., :3, :3] = rotation
    pose[..., :3, 3] = cb - (rotation @ ca[..., None])[..., 0]
    pose[..., 3, 3] = 1
    return pose


def similarity(source: Array, target: Array) -> tuple[float, Array, Array]:
    """Scale, rotation (3,3) and move (3,) of SOURCE (N,3) onto TARGET (N,3), by least squares
    (Umeyama)."""
    scale, turn = similarity_around_zero(source - source.mean(0), target - target.mean(0))
    return scale, turn, target.mean(0) - scale * turn @ source.mean(0)


def similarity_around_zero(a: Array, b: Array) -> tuple[float, Array]:
    """Scale and rotation (3,3) of A (N,3) onto B, both around zero, by least squares."""
    u, d, vt = np.linalg.svd(b.T @ a)
    fix = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    return float(np.trace(np.diag(d) @ fix) / max((a**2).sum(), 1e-30)), u @ fix @ vt


def exponential(twist: Array) -> Array:
    """The motion of a twist (rotation vector, translation)."""
    angle = float(np.linalg.norm(twist[:3]))
    pose = np.eye(4)
    pose[:3, 3] = twist[3:]
    if angle > 0:
        x, y, z = twist[:3] / angle
        k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        pose[:3, :3] += np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)
    return pose


def to_matrix(pose: Array) -> Matrix:
    """A pose as it stands in artefacts and scan.json."""
    return tuple(tuple(float(x) for x in row) for row in pose)


def is_rigid(pose: Array, tolerance: float = 1e-3) -> bool:
    """Whether a 4×4 matrix is finite and a rotation with a translation, nothing else."""
    if pose.shape != (4, 4) or not np.isfinite(pose).all():
        return False
    r = pose[:3, :3]
    return bool(
        np.allclose(r @ r.T, np.eye(3), atol=tolerance)
        and np.linalg.det(r) > 0
        and np.allclose(pose[3], [0, 0, 0, 1], atol=tolerance)
    )


def turned(points: Array, azimuth: float) -> Array:
    """Canonical points (N,3) turned about y, so that what faced the front (+z) faces AZIMUTH
    degrees (90: +x)."""
    a = np.radians(azimuth)
    return np.asarray(
        points @ np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    )


def from_quaternion(wxyz: Array) -> Array:
    """The rotation (3,3) of a quaternion w, x, y, z of length one."""
    w, x, y, z = wxyz
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip
