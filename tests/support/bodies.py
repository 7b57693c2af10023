"""Bodies that people scan, for the virtual scanner: some fit onto themselves in many ways, some in one. Unit mm, z up, standing on z = 0."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.demo import surface_nets, virtual_figure, virtual_scanner
from pipeline.demo.virtual_figure import Figure

Array = NDArray[np.float64]
LOW, HIGH = np.array([-62.0, -62.0, -2.5]), np.array([62.0, 62.0, 122.0])


def bottle(points: Array, seed: int) -> Array:
    """A bottle of revolution; its shoulder and neck vary a little by seed."""
    radius = np.hypot(points[:, 0], points[:, 1])
    body, neck = 26.0 + 1.5 * (seed % 4), 10.0 + seed % 3
    share = np.clip((points[:, 2] - 66) / 24, 0, 1)
    wall = body + (neck - body) * share * share * (3 - 2 * share)
    return np.maximum(0.8 * (radius - wall), points[:, 2] - 112)


def bottle_with_handle(points: Array, seed: int) -> Array:
    """The same with a handle of a finger's width high on its side."""
    out = 26.0 + 1.5 * (seed % 4)
    return _blend(bottle(points, seed), _arc(points, out - 2, 13, (34, 62), 4.0))


def mug(points: Array, seed: int) -> Array:
    """A mug with a handle 44 mm tall."""
    radius, outer = np.hypot(points[:, 0], points[:, 1]), 33.0 + seed % 4
    full = np.maximum(radius - outer, points[:, 2] - 84)
    hollow = np.maximum(radius - (outer - 5), 7 - points[:, 2])
    handle = np.maximum(_arc(points, outer - 2, 18, (22, 66), 4.5), outer - 4 - radius)
    return np.minimum(np.maximum(full, -hollow), handle)


def box(points: Array, seed: int) -> Array:
    """A box of three unlike edges: half a turn about each of its axes brings it onto itself."""
    return _cuboid(points, (0, 0, 30), (38.0 + seed % 4, 25.0, 30.0))


def square_block(points: Array, seed: int) -> Array:
    """A block with a square base: a quarter turn brings it onto itself."""
    half = np.array([27.0 + seed % 4, 27.0 + seed % 4, 38.0])
    return _cuboid(points, (0, 0, 38), half)


def box_like(points: Array, seed: int) -> Array:
    """An instrument: a box with a lens, a knob, a grip and a slot, nowhere alike; another one by seed."""
    rng = np.random.default_rng(4000 + seed)
    out = _cuboid(points, (0, 0, 32), (40.0 + seed % 3, 22.0, 32.0))
    lens = np.maximum(
        np.hypot(points[:, 0] - rng.uniform(-14, 14), points[:, 2] - rng.uniform(26, 40)) - 15,
        np.abs(points[:, 1] + 26) - 12,
    )
    knob = np.maximum(
        np.hypot(points[:, 0] - rng.uniform(-25, 25), points[:, 1] - rng.uniform(-8, 8)) - 8,
        np.abs(points[:, 2] - 66) - 8,
    )
    grip = _cuboid(points, (41, rng.uniform(-6, 6), rng.uniform(24, 40)), (7, 9, 17))
    slot = _cuboid(points, (rng.uniform(-15, 15), 22, rng.uniform(20, 40)), (14, 6, 9))
    step = _cuboid(points, (-40, 22, rng.uniform(45, 60)), (rng.uniform(12, 22), 14, 14))
    solid = np.minimum.reduce([out, lens, knob, grip])
    return np.maximum.reduce([solid, -slot, -step])


def thin(points: Array, seed: int) -> Array:
    """A standing relief a centimetre thick, its outline and both faces unlike."""
    rng = np.random.default_rng(4500 + seed)
    away = np.hypot(points[:, 0], points[:, 2] - 52)
    angle = np.arctan2(points[:, 2] - 52, points[:, 0])
    waves = sum(rng.uniform(1, 5) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(2, 6))
    front, back = (
        sum(
            rng.uniform(0.8, 2.2)
            * np.sin(points[:, [0, 2]] @ rng.normal(0, 0.09, 2) + rng.uniform(0, 6))
            for _ in range(5)
        )
        for _ in range(2)
    )
    flat = np.maximum(-points[:, 1] - 5 - front, points[:, 1] - 5 - back)
    return np.asarray(np.maximum(0.7 * flat, away - 44 - waves))


def mirrored(points: Array, seed: int) -> Array:
    """A crouching animal whose left is the mirror of its right; no turn brings it onto itself."""
    p = np.column_stack([np.abs(points[:, 0]), points[:, 1:]])
    rng = np.random.default_rng(1000 + seed)
    parts = [
        _ball(p, (0, 6, 30), 28),
        _ball(p, (0, -18, 62), 19),
        _ball(p, (0, -38, 56), 9),
        _ball(p, (20, -22, 12), 12),
    ]
    parts += [_ball(p, (24, 22, 14), 14), _ball(p, (12, -14, 80), 7), _ball(p, (0, 40, 40), 8)]
    parts += [
        _ball(
            p, (rng.uniform(5, 30), rng.uniform(-20, 30), rng.uniform(20, 60)), rng.uniform(6, 11)
        )
        for _ in range(3)
    ]
    return _blend(*parts)


def organic(points: Array, seed: int) -> Array:
    """A heap of balls like a potato or a root, another one by seed."""
    rng = np.random.default_rng(2000 + seed)
    parts = [_ball(points, (0, 0, 34), 27)]
    for _ in range(9):
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        parts.append(
            _ball(points, (0, 0, 42) + way * rng.uniform(18, 38) * (1, 1, 1), rng.uniform(8, 17))
        )
    return _blend(*parts)


SHAPES: dict[str, Callable[[Array, int], Array]] = {
    "bottle with handle": bottle_with_handle, "mug": mug, "plain bottle": bottle, "box": box,
    "square block": square_block, "box-like": box_like, "thin": thin, "mirrored": mirrored, "organic": organic,
}  # fmt: skip


def figure(name: str, seed: int = 0, step: float = 2.0) -> Figure:
    """The body as a painted triangle mesh; "sculpture" is the figure of the demo."""
    if name == "sculpture":
        return virtual_figure.make(step)
    axes = [np.arange(a, b + step, step) for a, b in zip(LOW, HIGH, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = grid.reshape(-1, 3)
    values = np.maximum(SHAPES[name](points, seed), -points[:, 2]).reshape(grid.shape[:3])
    cells, triangles = surface_nets.surface_nets(values)
    vertices = LOW + cells * step
    return Figure(vertices, triangles, paint(vertices, seed))


def paint(points: Array, seed: int) -> Array:
    """Blotches of colour that repeat nowhere on the body."""
    rng = np.random.default_rng(3000 + seed)
    painted = np.tile(np.array([205.0, 190.0, 160.0]), (len(points), 1))
    for _ in range(26):
        way = rng.normal(size=3) * (1, 1, 0.8)
        spot = way / np.linalg.norm(way) * rng.uniform(25, 40) + (0, 0, 45)
        share = 1 / (1 + np.exp((np.linalg.norm(points - spot, axis=1) - rng.uniform(9, 17)) / 1.2))
        painted += share[:, None] * (rng.uniform(20, 235, 3) - painted)
    return painted


def drop(
    name: str, folder: Path, *, seed: int = 0, painted: bool = False, **how: Any
) -> dict[str, Any]:
    """Scan the body NAME into FOLDER/drop by virtual_scanner.make_drop; returns the truth."""
    return virtual_scanner.make_drop(
        figure(name, seed),
        folder / "drop",
        folder / "truth.json",
        seed=seed,
        painted=painted,
        **how,
    )


def _cuboid(points: Array, middle: Any, half: Any) -> Array:
    away = np.abs(points - np.asarray(middle, float)) - np.asarray(half, float)
    return np.asarray(np.linalg.norm(np.maximum(away, 0), axis=1) + np.minimum(away.max(1), 0))


def _ball(points: Array, middle: Any, radius: float) -> Array:
    return np.asarray(np.linalg.norm(points - np.asarray(middle, float), axis=1) - radius)


def _arc(
    points: Array, start: float, out: float, ends: tuple[float, float], radius: float
) -> Array:
    """A bow in the plane y = 0 that leaves x = start at the one height and comes back at the other, OUT farther at the most."""
    turn = np.linspace(0, np.pi, 24)
    middle, half = sum(ends) / 2, (ends[1] - ends[0]) / 2 - radius
    line = np.stack([start + out * np.sin(turn), 0 * turn, middle - half * np.cos(turn)], axis=1)
    near = np.full(len(points), np.inf)
    for spot in line:
        near = np.minimum(near, np.linalg.norm(points - spot, axis=1))
    return np.asarray(near - radius)


def _blend(*parts: Array) -> Array:
    """The union of bodies, smooth where they meet."""
    every = np.stack(parts, axis=1)
    least = every.min(1)
    return np.asarray(least - 2.0 * np.log(np.exp(-(every - least[:, None]) / 2.0).sum(1)))
