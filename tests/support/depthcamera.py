"""A depth camera that exists only in the computer: organised clouds in metres, as a depth camera on a tripod gives them."""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def frames(
    count: int = 5, wide: int = 160, high: int = 120, noise: float = 0.001, seed: int = 0
) -> list[tuple[Array, Array]]:
    """Points (high·wide, 3) row by row in the camera's frame (x right, y down, z ahead; NaN where nothing is seen) of a table with
    things on it in front of a wall, and the true pose camera → table."""
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    for mesh in _things():
        scene.add_triangles(o3d.t.geometry.TriangleMesh.from_legacy(mesh))
    rng, made = np.random.default_rng(seed), []
    rows, columns = np.mgrid[:high, :wide]
    focal = 0.9 * wide
    rays = np.stack(
        [
            (columns - (wide - 1) / 2) / focal,
            (rows - (high - 1) / 2) / focal,
            np.ones((high, wide)),
        ],
        -1,
    ).reshape(-1, 3)
    for turn in np.linspace(-50, 50, count):
        pose = _pose(turn, rng)
        world = np.hstack([np.broadcast_to(pose[:3, 3], rays.shape), rays @ pose[:3, :3].T]).astype(
            np.float32
        )
        depth = scene.cast_rays(world)["t_hit"].numpy().astype(float)
        depth[~(depth < 4)] = np.nan
        depth = depth + rng.normal(0, noise, len(depth)) * depth**2
        made.append((rays * depth[:, None], pose))
    return made


def _things() -> list[object]:
    import open3d as o3d

    box = o3d.geometry.TriangleMesh.create_box
    rng = np.random.default_rng(4)
    made = [
        box(1.2, 0.8, 0.03).translate((-0.6, -0.4, -0.03)),
        box(3.0, 0.05, 2.0).translate((-1.5, 0.8, -0.7)),
    ]
    for _ in range(9):
        place = (*rng.uniform((-0.45, -0.25), (0.35, 0.25)), 0.0)
        kind = rng.integers(3)
        if kind == 0:
            made.append(
                box(*rng.uniform(0.06, 0.2, 3))
                .rotate(_turn(rng.uniform(0, 6)), (0, 0, 0))
                .translate(place)
            )
        elif kind == 1:
            made.append(
                o3d.geometry.TriangleMesh.create_cone(
                    rng.uniform(0.04, 0.1), rng.uniform(0.1, 0.25)
                ).translate(place)
            )
        else:
            made.append(
                o3d.geometry.TriangleMesh.create_sphere(rng.uniform(0.04, 0.09)).translate(
                    (place[0], place[1], 0.05)
                )
            )
    return made


def _turn(angle: float) -> Array:
    return np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]]
    )


def _pose(turn: float, rng: np.random.Generator) -> Array:
    """Camera 1.1 m from the table's middle, TURN degrees around it and 35 degrees above."""
    a, e = np.radians(turn - 90 + rng.uniform(-4, 4)), np.radians(35 + rng.uniform(-5, 5))
    away = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(-away, right), -away], axis=1)
    pose[:3, 3] = np.array([0, 0, 0.05]) + 1.1 * away
    return pose
