"""Is this motion true? Refine it on the surfaces, then weigh what speaks for it against what speaks
against it.

All functions take stacks of motions T_b_a (H,4,4) of pass a onto b, because verification of many is
what makes the guess safe.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _tones
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared

# Lengths are shares of the object's size. What halving and doubling each costs:
# benchmarks/constants.py.
CONTRADICTED = 0.0625  # share of contradicted points at which a motion is worth nothing
UNSEEN = 0.07  # share of the surface that a camera missed at which the score falls to 1/e
CROPPED = 0.3  # share of the score that a camera costs whose frame cut the whole object off
RESIDUAL = 0.008  # length: residual between two surfaces at which the score falls to 1/e
CLASHING = 0.25  # share of the score that is left where the colours do not go together at all
TONED = 1.5  # how fast it rises with how they go together: all of it is left from 0.5 on
_STEP = 0.2  # most that one step of refinement turns (radians) or moves (length)
_DAMPING = 1e-6  # keeps the equations of a surface that slides along itself solvable


@dataclass(frozen=True)
class Evidence:
    """What was found for one motion; shares 0..1, residual as a share of the size."""

    overlap: float  # of the smaller surface, that lies on the other with like normals
    agreement: float  # of what lies close, that has like normals
    # points where the other camera saw past them, against the overlapping ones
    contradiction: float
    # of the surface that the other camera should have seen and did not; of the two ways the smaller
    missing: float
    # the same, the larger: a camera whose frame cut the object off misses much of it rightly
    cropped: float
    residual: float  # median distance to the other's surface in the overlap
    # how the colours go together in the overlap, -1..1; None where there are none, or one only
    tones: float | None = None

    @property
    def score(self) -> float:
        """0..1: overlap, lessened by surfaces that face the wrong way, by contradicted free space,
        by a wide residual and by colours that do not agree."""
        facing = max(0.0, 2 * self.agreement - 1)
        free = max(0.0, 1 - self.contradiction / CONTRADICTED)
        silhouette = float(np.exp(-((self.missing / UNSEEN) ** 2))) * (1 - CROPPED * self.cropped)
        near = float(np.exp(-((self.residual / RESIDUAL) ** 2)))
        colour = (
            1.0
            if self.tones is None
            else float(np.clip(CLASHING + TONED * self.tones, CLASHING, 1.0))
        )
        return self.overlap * facing * free * silhouette * near * colour


def refine(
    a: Prepared, b: Prepared, poses: Array, reaches: tuple[float, ...], dense: bool = False
) -> Array:
    """Point-to-plane refinement, both ways at once, one step per entry of ``reaches``; Tukey
    weights, like normals only."""
    pa, na = (a.fine, a.fine_normals) if dense else (a.coarse, a.coarse_normals)
    pb, nb = (b.fine, b.fine_normals) if dense else (b.coarse, b.coarse_normals)
    for reach in reaches:
        q, weight, index = _pairs(b, poses, pa, na, reach)
        h1, g1 = _equations(rigid.apply(poses, pa), q, b.fine_normals[index], weight)
        q, weight, _ = _pairs(a, inverse(poses), pb, nb, reach)
        moved = q @ np.swapaxes(poses[:, :3, :3], 1, 2) + poses[:, None, :3, 3]
        h2, g2 = _equations(moved, pb, np.broadcast_to(nb, q.shape), weight)
        twist = np.linalg.solve(h1 + h2 + _DAMPING * np.eye(6), -(g1 + g2)[..., None])[..., 0]
        poses = np.stack([rigid.exponential(one) for one in np.clip(twist, -_STEP, _STEP)]) @ poses
    return poses


def _pairs(
    other: Prepared, poses: Array, points: Array, normals: Array, reach: float
) -> tuple[Array, Array, NDArray[np.int32]]:
    """Nearest points (H,N,3) of ``other``, in its frame, with their weights (H,N) and indices."""
    moved = rigid.apply(poses, points)
    index = other.lookup.query(moved)
    q = other.fine[index]
    off = moved - q
    square = rigid.dot(off, off)
    facing = rigid.dot(rigid.turn(poses, normals), other.fine_normals[index])
    alike = (index >= 0) & (square < reach * reach) & (facing > ALIKE)
    return q, np.where(alike, (1 - np.minimum(square / (reach * reach), 1)) ** 2, 0.0), index


def _equations(place: Array, target: Array, plane: Array, weight: Array) -> tuple[Array, Array]:
    """Normal equations (H,6,6), (H,6) of the twist that brings ``place`` onto the planes through
    ``target``."""
    jacobian = np.concatenate([rigid.cross(place, plane), plane], -1)
    weighted = jacobian * weight[..., None]
    residual = rigid.dot(place - target, plane)
    turned = np.swapaxes(weighted, -1, -2)
    return turned @ jacobian, (turned @ residual[..., None])[..., 0]


def inverse(poses: Array) -> Array:
    """Inverses of a stack of rigid motions."""
    out = np.zeros_like(poses)
    turned = np.swapaxes(poses[:, :3, :3], 1, 2)
    out[:, :3, :3] = turned
    out[:, :3, 3] = -(turned @ poses[:, :3, 3:])[..., 0]
    out[:, 3, 3] = 1
    return out


def weigh(a: Prepared, b: Prepared, poses: Array, tolerance: float = NEAR / 2) -> list[Evidence]:
    """Evidence for each motion, from the coarse points of both passes."""
    back = inverse(poses)
    *one, index = look(a, b, poses, tolerance)
    two = look(b, a, back, tolerance)[:4]
    found = []
    for k in range(len(poses)):
        like_a, close_a, against_a, apart_a = (x[k] for x in one)
        like_b, close_b, against_b, apart_b = (x[k] for x in two)
        like, close, against = (
            x @ a.weight + y @ b.weight
            for x, y in ((like_a, like_b), (close_a, close_b), (against_a, against_b))
        )
        missed = sorted((_missing(a, b, poses[k]), _missing(b, a, back[k])))
        residuals = np.r_[apart_a[like_a], apart_b[like_b]]
        found.append(
            Evidence(
                overlap=float(
                    max(like_a @ a.weight / a.weight.sum(), like_b @ b.weight / b.weight.sum())
                ),
                agreement=float(like / max(close, 1)),
                contradiction=float(against / max(like + against, 1)),
                missing=missed[0],
                cropped=missed[1],
                residual=float(np.median(residuals)) if len(residuals) else 1.0,
                tones=_tones.agreement(a, b, like_a, index[k]),
            )
        )
    return found


def look(
    a: Prepared, b: Prepared, poses: Array, tolerance: float = NEAR / 2
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_], Array, NDArray[np.int32]]:
    """Per motion and coarse point of a: on b's surface with like normal, close at all, contradicted
    by b's camera, distance to it, and which of b's fine points it is nearest to."""
    moved, turned = rigid.apply(poses, a.coarse), rigid.turn(poses, a.coarse_normals)
    index = b.lookup.query(moved)
    apart = moved - b.fine[index]
    plane = np.abs((apart * b.fine_normals[index]).sum(-1))
    close = (index >= 0) & ((apart * apart).sum(-1) < NEAR * NEAR) & (plane < tolerance)
    like = close & ((turned * b.fine_normals[index]).sum(-1) > ALIKE)
    against = b.camera.contradicts(moved) if b.camera is not None else np.zeros_like(close)
    return like, close, against & ~like, plane, index


def _missing(a: Prepared, b: Prepared, pose: Array) -> float:
    return (
        0.0
        if b.camera is None
        else b.camera.misses(
            rigid.apply(pose, a.coarse), rigid.turn(pose, a.coarse_normals), a.weight
        )
    )
