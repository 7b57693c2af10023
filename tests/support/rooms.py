"""A furnished room and a house front that exist only in the computer, as a scanner that stands on the floor sees them. Unit mm."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.scene import Scene
from pipeline.demo.virtual_figure import Figure

Array = NDArray[np.float64]
Seen = tuple[Array, NDArray[np.uint8]]
SIZE = {"room": 6500.0, "façade": 12000.0}


def room(seed: int, passes: int, rng: np.random.Generator) -> list[Seen]:
    """All around, from places between the furniture."""
    shape = np.random.default_rng(5000 + seed)
    wide, deep = shape.uniform(4000, 5200), shape.uniform(3000, 3800)
    boxes = [((-10, -10, -60), (wide + 10, deep + 10, 0)), ((-10, -10, 2500), (wide, deep, 2560))]
    boxes += [((-60, 0, 0), (0, deep, 2500)), ((wide, 0, 0), (wide + 60, deep, 2500))]
    boxes += [((0, -60, 0), (wide, 0, 2500)), ((0, deep, 0), (wide, deep + 60, 2500))]
    for _ in range(7):
        low = shape.uniform((0, 0, 0), (wide - 900, deep - 700, 1))
        boxes.append((low, low + shape.uniform((300, 250, 400), (900, 700, 1900))))
    scene = Scene(solid(boxes), plate=False)
    rays = _sphere(190, 80)
    places: list[Array] = []
    while len(places) < passes:
        place = rng.uniform((500, 500, 1300), (wide - 500, deep - 500, 1700))
        free = all(
            not ((place > np.asarray(a) - 250) & (place < np.asarray(b) + 250)).all()
            for a, b in boxes[6:]
        )
        places += [place] if free else []
    return [_look(scene, place, rays, rng, 4.0) for place in places]


def facade(seed: int, passes: int, rng: np.random.Generator) -> list[Seen]:
    """A front with like windows, a door and a bay, from places along the street."""
    shape = np.random.default_rng(6000 + seed)
    wide, high = 11000.0, 6000.0
    boxes = [((0, 0, 0), (wide, 200, high))]
    for x in np.arange(900, wide - 1000, 2000):
        for z in (1000, 3800):
            boxes += [((x, -60, z), (x + 900, 0, z + 90)), ((x, -60, z + 1300), (x + 900, 0, z + 1390))]  # fmt: skip
            boxes += [((x, -60, z), (x + 90, 0, z + 1390)), ((x + 810, -60, z), (x + 900, 0, z + 1390))]  # fmt: skip
    at = shape.uniform(1500, 8000)
    boxes += [((at, -700, 0), (at + 1300, 0, 2600)), ((at + 200, -900, 2600), (at + 1500, 0, 2750))]
    for _ in range(6):
        low = shape.uniform((0, -300, 0), (wide - 700, -150, 5200))
        boxes.append((low, (*(low + shape.uniform((200, 0, 200), (800, 1, 900)))[::2][:1], 0, low[2] + 500)))  # fmt: skip
    scene = Scene(solid(boxes), plate=False)
    made = []
    for k in range(passes):
        x = wide * (k + 0.5) / passes + rng.uniform(-500, 500)
        place = np.array([x, -rng.uniform(4500, 6000), 1600.0])
        aim = np.array([x + rng.uniform(-600, 600), 0, 2600]) - place
        made.append(_look(scene, place, _fan(aim, 0.62, 0.5, 130, 105), rng, 3.0))
    return made


VIEWS: dict[str, Callable[[int, int, np.random.Generator], list[Seen]]] = {
    "room": room,
    "façade": facade,
}


def solid(boxes: list[tuple[Array | tuple[float, ...], Array | tuple[float, ...]]]) -> Figure:
    """Boxes (lowest and highest corner) as one grey mesh."""
    import open3d as o3d

    vertices, triangles, start = [], [], 0
    for low, high in boxes:
        edges = np.maximum(np.asarray(high, float) - np.asarray(low, float), 1.0)
        mesh = o3d.geometry.TriangleMesh.create_box(*edges)
        vertices.append(np.asarray(mesh.vertices) + np.asarray(low, float))
        triangles.append(np.asarray(mesh.triangles) + start)
        start += 8
    points = np.concatenate(vertices)
    return Figure(points, np.concatenate(triangles), np.full((len(points), 3), 150.0))


def _sphere(wide: int, high: int) -> Array:
    around, up = np.meshgrid(
        np.linspace(-np.pi, np.pi, wide, endpoint=False), np.linspace(-0.9, 1.2, high)
    )
    level = np.cos(up)
    return np.stack([level * np.cos(around), level * np.sin(around), np.sin(up)], -1).reshape(-1, 3)


def _fan(aim: Array, wide: float, high: float, columns: int, rows: int) -> Array:
    forward = aim / np.linalg.norm(aim)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    u, v = np.meshgrid(np.linspace(-wide, wide, columns), np.linspace(-high, high, rows))
    rays = forward + u[..., None] * right + v[..., None] * up
    rays = rays.reshape(-1, 3)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _look(scene: Scene, place: Array, rays: Array, rng: np.random.Generator, noise: float) -> Seen:
    distance, _, colour = scene.hit(place, rays)
    seen = np.isfinite(distance)
    far = distance[seen] + rng.normal(0, noise, int(seen.sum()))
    return place + rays[seen] * far[:, None], colour[seen].astype(np.uint8)
