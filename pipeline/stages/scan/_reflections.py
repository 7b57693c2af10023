"""Planes that mirror a body at size 1: refined to its surface, and whether that holds them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.rigid import Array
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared

MIRRORED = 0.9  # of the surface that a mirror plane must bring onto itself
_SHARP = 3.5  # times the noise that the surface and its image may lie apart
# least mean square of what a small move of a plane does to its image's distance from the surface,
# beyond what the normals' noise makes of it
_HELD = 0.002
_UNSURE = 2.0  # times that noise, which is estimated
_REACH = (0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.02, 0.015, 0.015)  # length: of each step


@dataclass(frozen=True)
class Reflection:
    """normal · p = offset, at size 1; score: the share of the surface that it brings onto
    itself."""

    normal: Array
    offset: float
    score: float = 0.0

    def image(self, points: Array) -> Array:
        return np.asarray(points - 2 * np.outer(points @ self.normal - self.offset, self.normal))

    def turned(self, normals: Array) -> Array:
        return np.asarray(normals - 2 * np.outer(normals @ self.normal, self.normal))


def onto(body: Prepared, plane: Reflection | None, reach: float) -> tuple[NDArray[np.bool_], Array]:
    """Which coarse points' images lie on the body, and how far off its surface these are; of the
    points as they are without a plane."""
    image, turned = body.coarse, body.coarse_normals
    if plane is not None:
        image, turned = plane.image(image), plane.turned(turned)
    index = body.lookup.query(image)
    apart, facing = image - body.fine[index], body.fine_normals[index]
    off = (apart * facing).sum(1)
    like = (index >= 0) & ((apart * apart).sum(1) < reach * reach) & (np.abs(off) < reach / 2)
    like &= (turned * facing).sum(1) > ALIKE
    return like, off[like]


def settled(body: Prepared, plane: Reflection, noise: float) -> Reflection | None:
    """The plane near this one that mirrors the body, if one does: Gauss-Newton over its normal and
    offset, image points onto the planes that they meet."""
    for reach in _REACH:
        like, off = onto(body, plane, reach)
        if like.sum() < 50:
            return None
        rows, across = _rows(body, plane, like)
        step = np.clip(np.linalg.lstsq(rows, -off, rcond=None)[0], -0.1, 0.1)
        normal = plane.normal + step[1:] @ across
        length = float(np.linalg.norm(normal))
        plane = Reflection(normal / length, (plane.offset + float(step[0])) / length)
    like, off = onto(body, plane, NEAR)
    score = float(like.mean())
    if score < MIRRORED or float(np.median(np.abs(off))) > _SHARP * noise:
        return None
    return Reflection(plane.normal, plane.offset, score)


def _rows(body: Prepared, plane: Reflection, like: NDArray[np.bool_]) -> tuple[Array, Array]:
    """(N,3) by how much each image comes nearer to the plane that it meets when the offset grows
    and when the normal leans to either side; and these two sides (2,3)."""
    points = body.coarse[like]
    facing = body.fine_normals[body.lookup.query(plane.image(points))]
    height, along = points @ plane.normal - plane.offset, facing @ plane.normal
    across = np.linalg.svd(plane.normal[None])[2][1:]
    leans = [-2 * (height * (facing @ side) + points @ side * along) for side in across]
    return np.stack([2 * along, *leans], 1), across


def held(body: Prepared, plane: Reflection, like: NDArray[np.bool_]) -> bool:
    """Whether every small move of the plane takes the image out of the surface, by more than the
    noise of the normals makes of it: they are compared with the mirrored ones that they meet."""
    rows, across = _rows(body, plane, like)
    points = body.coarse[like]
    met = body.fine_normals[body.lookup.query(plane.image(points))]
    apart = ((plane.turned(body.coarse_normals[like]) - met) ** 2).sum(1)
    unrest = float(np.median(apart)) / (4 * np.log(2))  # radians², of one normal to one side
    height = points @ plane.normal - plane.offset
    arms = np.r_[1.0, ((points @ across.T) ** 2 + height[:, None] ** 2).mean(0)]
    square = rows.T @ rows / len(rows) - _UNSURE * 4 * unrest * np.diag(arms)
    return bool(np.linalg.eigvalsh(square)[0] > _HELD)
