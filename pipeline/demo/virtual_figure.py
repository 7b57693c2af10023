"""The figure that the virtual scanner looks at: a painted waving cat, made of smooth blobs. No file
is read.

Frame: z up, the cat stands on z = 0 and looks along -y; unit millimetre; about 120 mm tall. It has
no symmetry: one paw is raised, the other holds a coin, the head is turned and tilted, the tail lies
to one side, and no patch of its fur has a twin.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.surface_nets import surface_nets

Array = NDArray[np.float64]
IVORY, ORANGE, BLACK, PINK = (244, 236, 218), (226, 130, 52), (52, 46, 48), (236, 150, 150)
RED, GOLD, GREEN = (200, 36, 44), (222, 174, 60), (60, 140, 96)
BLEND = 1.6  # mm over which blobs flow into each other


class Blob(NamedTuple):
    """A tapered capsule from a to b, its radius going from the first to the second of ``radii``;
    squash scales its axes."""

    a: tuple[float, float, float]
    b: tuple[float, float, float]
    radii: tuple[float, float]
    colour: tuple[int, int, int] = IVORY
    squash: tuple[float, float, float] = (1, 1, 1)


class Figure(NamedTuple):
    """vertices (V,3) mm, triangles (F,3) wound outward, colours (V,3) 0..255."""

    vertices: Array
    triangles: NDArray[np.int64]
    colours: Array

    @property
    def extent(self) -> tuple[float, float, float]:
        """Width, height and depth, mm; z is up."""
        x, y, z = (float(edge) for edge in np.ptp(self.vertices, axis=0))
        return x, z, y

    @property
    def size(self) -> float:
        """Diagonal of the bounding box, mm."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))


BODY = (
    Blob((0, 2, 22), (0, 0, 50), (29, 22)),
    Blob((-21, -6, 13), (-21, -6, 13), (15, 15), squash=(1, 1.2, 1)),
    Blob((21, -6, 13), (21, -6, 13), (15, 15), squash=(1, 1.2, 1)),
    Blob((-17, -27, 6), (-17, -22, 6), (8.5, 8.5)),
    Blob((17, -29, 6), (17, -22, 6), (8.5, 8.5)),
    Blob((23, -4, 56), (38, -12, 84), (9, 8)),
    Blob((39, -15, 90), (38, -17, 93), (10.5, 10)),
    Blob((-21, -8, 54), (-18, -28, 36), (8.5, 7.5)),
    Blob((-14, -33, 30), (-14, -33, 28), (13, 13), GOLD, (0.85, 0.28, 1.2)),
    Blob((4, 26, 8), (-22, 32, 8), (7.5, 7.5)),
    Blob((-22, 32, 8), (-40, 20, 10), (7.5, 7), BLACK),
    Blob((-40, 20, 10), (-46, 2, 18), (7, 6.5)),
    Blob((-46, 2, 18), (-44, -4, 34), (6.5, 5.5), ORANGE),
    Blob((-3, -27, 62), (-3, -27, 62), (6.5, 6.5), GOLD),
)
HEAD = (  # about the middle of the head, looking along -y
    Blob((-4, 0, 0), (4, 0, 0), (23, 23), squash=(1, 0.95, 0.9)),
    Blob((0, -19, -6), (0, -19, -6), (9, 9), squash=(1.2, 0.8, 0.8)),
    Blob((-16, 1, 12), (-21, 3, 29), (10, 2.5), ORANGE),
    Blob((16, 1, 12), (23, 2, 27), (10, 2.5), BLACK),
    Blob((0, -26.4, -3), (0, -26.4, -3), (2.6, 2.6), PINK, (1.2, 0.8, 0.8)),
    Blob((-9.5, -19.2, 3.5), (-9.5, -19.2, 3.5), (4.6, 4.6), BLACK, (0.8, 0.7, 1.2)),
    Blob((9.5, -19.2, 3.5), (9.5, -19.2, 3.5), (4.6, 4.6), GREEN, (0.8, 0.7, 1.2)),
    Blob((-3.6, -25, -10), (-3.6, -25, -10), (2.8, 2.8), IVORY),
    Blob((3.6, -25, -10), (3.6, -25, -10), (2.8, 2.8), IVORY),
)
PATCHES = (  # centre, radius, colour: what the brush did after the blobs had their own colour
    ((24, 18, 40), 19, ORANGE),
    ((-14, 26, 30), 16, BLACK),
    ((-26, -14, 12), 11, ORANGE),
    ((18, 22, 92), 15, BLACK),
    ((-22, 2, 96), 13, ORANGE),
    ((44, -14, 100), 7, ORANGE),
    ((4, 30, 62), 9, ORANGE),
    ((-19, -19, 78), 5, PINK),
    ((13, -24, 82), 5, PINK),
)
HEAD_AT, COLLAR_AT = np.array([-2.0, -4.0, 86.0]), np.array([-1.0, -3.0, 66.0])


def _rotation(yaw: float, roll: float) -> Array:
    """First a roll about y, then a yaw about z; degrees."""
    y, r = np.radians([yaw, roll])
    turn = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    tilt = np.array([[np.cos(r), 0, np.sin(r)], [0, 1, 0], [-np.sin(r), 0, np.cos(r)]])
    return np.asarray(turn @ tilt)


HEAD_TURN = _rotation(yaw=-14, roll=9)


def _distance(points: Array, blob: Blob) -> Array:
    """Signed distance of (N,3) points to one blob, mm; exact only for an unsquashed one of one
    radius."""
    squash = np.asarray(blob.squash, float)
    p, a, b = points / squash, np.asarray(blob.a) / squash, np.asarray(blob.b) / squash
    axis = b - a
    along = np.clip((p - a) @ axis / max(float(axis @ axis), 1e-9), 0, 1)
    radius = blob.radii[0] + along * (blob.radii[1] - blob.radii[0])
    return np.asarray(
        (np.linalg.norm(p - a - along[:, None] * axis, axis=1) - radius) * squash.min()
    )


def _collar(points: Array) -> Array:
    """Signed distance to the red collar, a tilted ring."""
    p = (points - COLLAR_AT) @ _rotation(yaw=0, roll=6)
    ring = np.linalg.norm(p[:, :2] / (1.0, 0.95), axis=1) - 20.5
    return np.asarray(np.hypot(ring, p[:, 2]) - 3.6)


def _parts(points: Array) -> tuple[Array, Array]:
    """Signed distances (N,B) to every part, and the parts' colours (B,3)."""
    in_head = (points - HEAD_AT) @ HEAD_TURN
    columns = (
        [_distance(points, blob) for blob in BODY]
        + [_distance(in_head, blob) for blob in HEAD]
        + [_collar(points)]
    )
    colours = [blob.colour for blob in (*BODY, *HEAD)] + [RED]
    return np.stack(columns, axis=1), np.asarray(colours, float)


def distance(points: Array) -> Array:
    """Signed distance of (N,3) points to the whole figure, mm, negative inside; cut flat at z =
    0."""
    parts, _ = _parts(points)
    nearest = parts.min(axis=1)
    blended = nearest - BLEND * np.log(np.exp(-(parts - nearest[:, None]) / BLEND).sum(axis=1))
    return np.asarray(np.maximum(blended, -points[:, 2]))


def colour(points: Array) -> Array:
    """Colour (N,3) in 0..255 of points on the surface: that of the nearest parts, then the patches
    on ivory fur."""
    parts, colours = _parts(points)
    weight = np.exp(-(parts - parts.min(axis=1, keepdims=True)) / 0.5)
    painted = np.asarray(weight @ colours / weight.sum(axis=1, keepdims=True))
    fur = np.exp(-np.square(np.linalg.norm(painted - IVORY, axis=1) / 40))
    for centre, radius, brush in PATCHES:
        edge = (
            radius
            - np.linalg.norm(points - np.asarray(centre), axis=1)
            + 0.08 * radius * np.sin(points @ np.array([0.5, 0.7, 0.9]))
        )
        share = (fur / (1 + np.exp(-edge / 0.7)))[:, None]
        painted = painted * (1 - share) + share * np.asarray(brush, float)
    return painted


def make(step: float = 1.0) -> Figure:
    """The figure as a triangle mesh, sampled every ``step`` mm (surface nets on the signed
    distance)."""
    low, high = np.array([-62.0, -50.0, -2.5]), np.array([62.0, 50.0, 128.0])
    axes = [np.arange(a, b + step, step) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = np.concatenate([distance(sheet.reshape(-1, 3)) for sheet in grid]).reshape(
        grid.shape[:3]
    )
    cells, triangles = surface_nets(values)
    vertices = low + cells * step
    return Figure(vertices, triangles, colour(vertices))
