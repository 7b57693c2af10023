"""Light and film of the studio: where light comes from, how linear light becomes a picture."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
KEY_LIGHT = (np.array([-0.45, 0.85, 0.55]) / np.linalg.norm([-0.45, 0.85, 0.55])).astype(np.float32)
UP = np.array([0, 1, 0], np.float32)
RIM_LIGHT = np.array([0.55, 0.25, -0.8], np.float32)
WARM, COOL = np.array([1.0, 0.97, 0.92], np.float32), np.array([0.93, 0.97, 1.0], np.float32)
KEY_POWER, SKY_POWER, RIM_POWER = 1.55, 0.62, 0.16
SOFTNESS = 0.13  # tangent of the key light's half angle
OPEN_GROUND = KEY_POWER * KEY_LIGHT[1] + SKY_POWER * 0.9  # light on ground that nothing shades
# what key, sky and rim send (3 lights, 3 channels) where nothing is in their way
POWERS = np.stack([KEY_POWER * WARM, SKY_POWER * COOL, np.full(3, RIM_POWER, np.float32)])
GROUND_END = 1.3  # from the model's middle: no shadow is drawn beyond
GROUND_FADE = (0.5, GROUND_END)  # the shadow fades between these distances from the middle
STEPS = 1 << 14  # of the film's curve per unit of light: finer than its 256 grey levels anywhere


def turned(degrees: float) -> Array:
    """Rotation (3,3) about the upright axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def unit(vectors: Array) -> Array:
    return np.asarray(
        vectors / np.maximum(np.sqrt(dot(vectors, vectors)), np.float32(1e-12))[:, None]
    )


def square_points(count: int) -> Array:
    """(count, 2) well-spread points of the unit square (Hammersley), in an order that does not
    matter to the eye."""
    number = np.arange(count)
    reverse = sum(((number >> bit) & 1) / 2.0 ** (bit + 1) for bit in range(8))
    points = np.stack([(number + 0.5) / count, reverse], axis=1)
    return np.asarray(points[np.random.default_rng(7).permutation(count)])


def key_directions(count: int) -> Array:
    """Directions (count, 3) to points of the key light."""
    u, v = square_points(count).T
    side = np.cross(KEY_LIGHT, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    other = np.cross(KEY_LIGHT, side)
    radius, angle = np.sqrt(u) * SOFTNESS, 2 * np.pi * v
    spread = (
        KEY_LIGHT
        + (radius * np.cos(angle))[:, None] * side
        + (radius * np.sin(angle))[:, None] * other
    )
    return unit(spread.astype(np.float32))


def sky_directions(count: int) -> Array:
    """Cosine-weighted directions about +Z, (count, 3)."""
    u, v = square_points(count).T
    radius, angle = np.sqrt(u), 2 * np.pi * v
    return np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - u)], axis=-1
    ).astype(np.float32)


def around(normal: Array, local: Array) -> Array:
    """LOCAL directions (about +Z) turned to stand about NORMAL (Duff et al. 2017)."""
    x, y, z = normal.T
    sign = np.where(z >= 0, np.float32(1), np.float32(-1))
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    second = np.stack([b, sign + y * y * a, -y], axis=1)
    return np.asarray(first * local[:, :1] + second * local[:, 1:2] + normal * local[:, 2:])


def sky_share(direction: Array) -> Array:
    """How bright the sky is there: half as bright at the horizon as overhead."""
    return 0.55 + 0.45 * np.maximum(direction[:, 1], 0)


@lru_cache(maxsize=4)
def backdrop(edge: int) -> Array:
    """A light studio wall, linear (EDGE², 3): brighter in the middle, a little darker to the
    corners."""
    step = (np.arange(edge) + 0.5) / edge * 2 - 1
    glow = np.exp(-((step + 0.1) ** 2) * 0.55)[:, None] * np.exp(-(step**2) * 0.55)
    wall = (0.50 + 0.30 * glow)[..., None] * np.array([0.97, 0.985, 1.0])
    return np.asarray(wall.reshape(-1, 3), np.float32)


def on_ground(key: Array, sky: Array, distance: Array) -> Array:
    """Share (N,) of the wall's light that ground shows at a DISTANCE (N,) from the model's middle,
    given the shares of KEY light and SKY that arrive."""
    arrived = key * (KEY_LIGHT[1] * POWERS[0].mean()) + sky * POWERS[1].mean()
    near, far = GROUND_FADE
    fade = np.clip((far - distance) / np.float32(far - near), 0, 1)
    return np.asarray(1 - (1 - np.clip(arrived / OPEN_GROUND, 0, 1)) * 0.8 * fade, np.float32)


def developed(film: Array) -> Array:
    """Linear light → sRGB uint8 with a soft shoulder, so that highlights keep their drawing."""
    return _curve().take((film * np.float32(STEPS)).astype(np.int32), mode="clip")


@lru_cache(maxsize=1)
def _curve() -> Array:
    film = (np.arange(2 * STEPS) + 0.5) / STEPS
    curve = np.where(film < 0.7, film, 0.7 + 0.3 * np.tanh((film - 0.7) / 0.3))
    value = np.where(curve <= 0.0031308, curve * 12.92, 1.055 * np.power(curve, 1 / 2.4) - 0.055)
    return np.asarray(np.clip(value * 255 + 0.5, 0, 255).astype(np.uint8))


def rough(image: Array, levels: int) -> Array:
    """Numbers of the pixels of IMAGE (H,W,3) uint8 that differ from one of their eight neighbours
    by more than LEVELS in any channel."""
    flat = image.reshape(len(image), -1)
    uneven = _spread(np.maximum, flat) - _spread(np.minimum, flat) > levels
    return np.flatnonzero(uneven[:, 0::3] | uneven[:, 1::3] | uneven[:, 2::3])


def _spread(pick: np.ufunc, flat: Array) -> Array:
    """PICK of each value, its neighbours in the rows above and below, then those three values to
    the left and right."""
    tall = flat.copy()
    pick(tall[1:], flat[:-1], out=tall[1:])
    pick(tall[:-1], flat[1:], out=tall[:-1])
    found = tall.copy()
    pick(found[:, 3:], tall[:, :-3], out=found[:, 3:])
    pick(found[:, :-3], tall[:, 3:], out=found[:, :-3])
    return found


def interpolated(field: Array, at: Array) -> Array:
    """Bilinear values of FIELD (H,W,…) at AT (N,2) = x, y; beyond the edge the edge goes on."""
    height, width = field.shape[:2]
    flat = field.reshape(height * width, -1)
    x, y = np.clip(at, -1, [width, height]).astype(np.float32).T
    left, low = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
    total: Array = np.zeros((len(at), flat.shape[1]), np.float32)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        place = np.clip(low + dy, 0, height - 1) * width + np.clip(left + dx, 0, width - 1)
        total += (
            flat.take(place, axis=0)
            * (np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - low)))[:, None]
        )
    return total.reshape(len(at), *field.shape[2:])
