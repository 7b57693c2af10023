"""Light and film of the studio: where light samples lie, how they are smoothed, how linear light becomes a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
KEY_LIGHT = np.array([-0.45, 0.85, 0.55]) / np.linalg.norm([-0.45, 0.85, 0.55])
RIM_LIGHT = np.array([0.55, 0.25, -0.8], np.float32)
WARM, COOL = np.array([1.0, 0.97, 0.92], np.float32), np.array([0.93, 0.97, 1.0], np.float32)
KEY_POWER, SKY_POWER, RIM_POWER = 1.55, 0.62, 0.16
SOFTNESS = 0.13  # tangent of the key light's half angle
SAMPLES = 2  # of either light per subpixel
TILE = 4  # every TILE × TILE block of subpixels shares one set of light samples
OPEN_GROUND = KEY_POWER * KEY_LIGHT[1] + SKY_POWER * 0.9  # light on ground that nothing shades


def turned(degrees: float) -> Array:
    """Rotation (3,3) about the upright axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)


def dot(a: Array, b: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", a, b))


def unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.sqrt(dot(vectors, vectors)), np.float32(1e-12))[:, None])


def square_points(count: int) -> Array:
    """(count, 2) well-spread points of the unit square (Hammersley), in an order that does not matter to the eye."""
    number = np.arange(count)
    reverse = sum(((number >> bit) & 1) / 2.0 ** (bit + 1) for bit in range(8))
    points = np.stack([(number + 0.5) / count, reverse], axis=1)
    return np.asarray(points[np.random.default_rng(7).permutation(count)])


def key_directions() -> Array:
    """Directions to points of the key light, (TILE², SAMPLES, 3)."""
    u, v = square_points(TILE * TILE * SAMPLES).T
    side = np.cross(KEY_LIGHT, [0.0, 0.0, 1.0])
    side /= np.linalg.norm(side)
    other = np.cross(KEY_LIGHT, side)
    radius, angle = np.sqrt(u) * SOFTNESS, 2 * np.pi * v
    spread = KEY_LIGHT + (radius * np.cos(angle))[:, None] * side + (radius * np.sin(angle))[:, None] * other
    return unit(spread.astype(np.float32)).reshape(TILE * TILE, SAMPLES, 3)


def sky_directions(count: int) -> Array:
    """Cosine-weighted directions about +Z, (count, 3)."""
    u, v = square_points(count).T
    radius, angle = np.sqrt(u), 2 * np.pi * v
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), np.sqrt(1 - u)], axis=-1).astype(np.float32)


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


def smoothed(light: Array, normal: Array, place: Array, ground: Array, side: int) -> Array:
    """Mean of LIGHT (N,2) over a TILE × TILE window of subpixels on the same piece of surface: every sample of the tile takes part.
    On the GROUND a second, wider mean follows, because nothing but shadows is drawn there."""
    from scipy.ndimage import uniform_filter

    grid, flat = light.reshape(side, side, 2), ground.reshape(side, side)
    normal = normal.reshape(side, side, 3)
    height = np.einsum("ijk,ijk->ij", normal, place.reshape(side, side, 3))
    total, weight = np.zeros_like(grid), np.zeros((side, side), np.float32)
    for dy in range(-TILE // 2, TILE // 2):
        for dx in range(-TILE // 2, TILE // 2):
            here = (slice(max(0, -dy), side - max(0, dy)), slice(max(0, -dx), side - max(0, dx)))
            there = (slice(max(0, dy), side - max(0, -dy)), slice(max(0, dx), side - max(0, -dx)))
            alike = np.einsum("ijk,ijk->ij", normal[here], normal[there]) > 0.8
            alike &= np.abs(height[there] - height[here]) < 0.02
            total[here] += grid[there] * alike[..., None]
            weight[here] += alike
    mean = total / np.maximum(weight, 1)[..., None]
    radius = max(3, side // 80)
    share = uniform_filter(flat.astype(np.float32), radius)
    for channel in range(2):
        wide = uniform_filter(np.where(flat, mean[..., channel], 0), radius) / np.maximum(share, 1e-6)
        mean[..., channel] = np.where(flat, wide, mean[..., channel])
    return np.asarray(mean.reshape(-1, 2))


def backdrop(side: int) -> Array:
    """A light studio wall (linear): brighter in the middle, a little darker to the corners."""
    step = (np.arange(side) + 0.5) / side * 2 - 1
    glow = np.exp(-((step + 0.1) ** 2) * 0.55)[:, None] * np.exp(-(step**2) * 0.55)
    return np.asarray((0.50 + 0.30 * glow)[..., None] * np.array([0.97, 0.985, 1.0]), np.float32)


def developed(film: Array) -> Array:
    """Linear light → sRGB uint8 with a soft shoulder, so that highlights keep their drawing."""
    curve = np.where(film < 0.7, film, 0.7 + 0.3 * np.tanh((film - 0.7) / 0.3))
    value = np.where(curve <= 0.0031308, curve * 12.92, 1.055 * np.power(np.maximum(curve, 1e-9), 1 / 2.4) - 0.055)
    return np.asarray(np.clip(value * 255 + 0.5, 0, 255).astype(np.uint8))
