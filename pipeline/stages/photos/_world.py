"""The frame that photographs stand in. They tell no size and no place, so it is chosen: z is up as
the photographers held their cameras, -y is the side from which they took it, or the first of them
where they went around, and what they stood around, or looked at, is at the origin at distance 1."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.rigid import Array
from pipeline.stages.photos._pictures import Photo

AROUND = 0.12  # smallest spread of the looking directions by which they meet in a point
ONE_WAY = 0.85  # length of their mean from which on they look at one side, as at a facade
ONE_SIDE = 0.3  # length of the level mean of the ways to the cameras, from which they have a side
SPREAD = 0.15  # of the directions of the pictures' lower edges, by which they tell what is level
LEVEL = 0.25  # of that spread: how far out of level they may be
AGREED = 0.1  # length of the mean of the pictures' own up, below which they tell none
MOST_TIPPED = 0.5  # cosine between what is up by them and the mean of the pictures' own up
REACH = 0.55  # of the distance of the cameras: how far what they stand around may reach


@dataclass
class Shot:
    """One photograph with its camera: world → camera rotation and translation; params f, cx, cy, k
    in pixels of the working copy; points that it sees."""

    photo: Photo
    params: tuple[float, float, float, float]
    rotation: Array
    translation: Array
    sees: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    residual: float = 0.0

    @property
    def name(self) -> str:
        return self.photo.name

    @property
    def centre(self) -> Array:
        return -self.rotation.T @ self.translation


def meeting(shots: list[Shot]) -> tuple[Array, float] | None:
    """Where the cameras' axes meet and how far from it the cameras stand; None where they look one
    way, as along a facade."""
    axes = np.array([shot.rotation[2] for shot in shots])
    eyes = np.array([shot.centre for shot in shots])
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    if (
        np.linalg.eigvalsh(across.sum(0))[0] < AROUND * len(shots)
        or np.linalg.norm(axes.mean(0)) > ONE_WAY
    ):
        return None
    centre = np.linalg.solve(across.sum(0), (across @ eyes[:, :, None]).sum(0)[:, 0])
    ahead = ((centre - eyes) * axes).sum(1)
    if (ahead <= 0).mean() > 0.1:  # they stand back to back, as in a room
        return None
    return centre, float(np.median(np.linalg.norm(eyes - centre, axis=1)))


def framed(shots: list[Shot], points: Array) -> tuple[list[Shot], Array, Any]:
    """SHOTS and POINTS moved into the chosen frame; centre and radius of what they stand around, or
    None."""
    about = meeting(shots)
    if about is None:
        depths = [
            np.median(points[shot.sees] @ shot.rotation[2] + shot.translation[2]) for shot in shots
        ]
        centre, distance = np.median(points, axis=0), float(np.median(depths))
    else:
        centre, distance = about
    turn, scale = _upright(shots, centre), 1.0 / distance
    moved = []
    for shot in shots:
        rotation = shot.rotation @ turn.T
        translation = scale * (shot.rotation @ centre + shot.translation)
        moved.append(Shot(**{**vars(shot), "rotation": rotation, "translation": translation}))
    around = None if about is None else (0.0, 0.0, 0.0, REACH)
    return moved, scale * (points - centre) @ turn.T, around


def tell_up(shots: list[Shot]) -> bool:
    """Whether the pictures agree at all about what is up: taken straight down they need not."""
    return float(np.linalg.norm(_pictures_up(shots))) >= AGREED


def _pictures_up(shots: list[Shot]) -> Array:
    """The mean of the pictures' own up; the shorter, the less they agree."""
    ups = [shot.rotation.T @ np.array([*shot.photo.up, 0.0]) for shot in shots]
    return np.asarray(np.mean(ups, axis=0))


def _upright(shots: list[Shot], centre: Array) -> Array:
    """The rotation that takes the photographers' up to z, and their side of CENTRE to -y, which
    becomes the front of the model."""
    z = _up(shots)
    ways = np.array([shot.centre - centre for shot in shots])
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-12)
    level = ways - np.outer(ways @ z, z)
    sides = (level.mean(0), level[0], np.eye(3)[int(np.argmin(np.abs(z)))])
    front = next(side for side in sides if np.linalg.norm(side) > ONE_SIDE)
    x = np.cross(z, front) / np.linalg.norm(np.cross(z, front))
    return np.stack([x, np.cross(z, x), z])


def _up(shots: list[Shot]) -> Array:
    """What is at right angles to all pictures' lower edges: people hold a camera level and tip it
    up or down, so that the pictures' own up leans where most look one way. That it is where the
    edges do not tell, or a good many cameras were not level."""
    edges = []
    for shot in shots:
        x, y = shot.photo.up
        edges.append(shot.rotation.T @ np.array([-y, x, 0.0]))
    mean = _pictures_up(shots)
    length = float(np.linalg.norm(mean))
    if not tell_up(shots):
        return np.array([0.0, 0.0, 1.0])
    values, axes = np.linalg.eigh(np.transpose(edges) @ np.asarray(edges) / len(shots))
    rolled, spread = np.sqrt(np.clip(values[:2], 0, None))
    towards = float(axes[:, 0] @ mean) / length
    if spread < SPREAD or rolled > LEVEL * spread or abs(towards) < MOST_TIPPED:
        return np.asarray(mean / length)
    return np.asarray(axes[:, 0] * np.sign(towards))
