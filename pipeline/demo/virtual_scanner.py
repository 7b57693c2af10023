"""A scanner that exists only in the computer: it makes passes whose true poses are known.

Like a real one it sees only what both its camera and its projector see, it sees the turntable too,
it is noisy, it has outliers, and it writes every pass in a frame of its own under a name that says
nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.demo.scene import Scene
from pipeline.demo.virtual_figure import Figure

Array = NDArray[np.float64]
UNIT = "mm"
# mm from the scanner to the figure; from its camera to its projector
DISTANCE, BASELINE = 420.0, 90.0
LOOK_AT = np.array([0.0, 0.0, 52.0])


@dataclass(frozen=True)
class Scan:
    """One pass in the figure's frame: points (N,3) mm, colours (N,3) uint8."""

    points: Array
    colours: NDArray[np.uint8]


def scan(
    scene: Scene,
    azimuth: float,
    elevation: float,
    rng: np.random.Generator,
    *,
    pixels: int,
    noise: float = 0.12,
) -> Scan:
    """One pass from azimuth and elevation (degrees) on a pixels² grid; noise = standard deviation
    along the ray, mm."""
    a, e = np.radians([azimuth, elevation])
    outward = np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    return look(scene, LOOK_AT + DISTANCE * outward, outward, right, rng, pixels, noise)


def look(
    scene: Scene,
    camera: Array,
    outward: Array,
    right: Array,
    rng: np.random.Generator,
    pixels: int,
    noise: float,
) -> Scan:
    """One pass from the place CAMERA; OUTWARD points from what it looks at to it, RIGHT to its
    projector, both unit vectors square to each other."""
    towards = _grid_of_rays(-outward, right, pixels)
    distance, normal, colour = scene.hit(camera, towards)
    # grazing light comes back too weak
    seen = np.isfinite(distance) & (np.abs(np.einsum("nk,nk->n", normal, towards)) > 0.2)
    towards, distance, colour = towards[seen], distance[seen], colour[seen]
    lit = _lit(scene, camera + towards * distance[:, None], camera + BASELINE * right)
    towards, distance, colour = towards[lit], distance[lit], colour[lit]
    distance = distance + rng.normal(0, noise, len(distance))
    stray = rng.random(len(distance)) < 0.008
    distance[stray] += rng.uniform(-18, 18, int(stray.sum()))
    colour = colour + rng.normal(0, 3, colour.shape)
    return Scan(
        camera + towards * distance[:, None], np.clip(np.rint(colour), 0, 255).astype(np.uint8)
    )


def _grid_of_rays(forward: Array, right: Array, pixels: int) -> Array:
    half = 78.0 / DISTANCE  # half the field of view: a tall figure's far end may fall outside
    steps = np.linspace(-half, half, pixels)
    x, y = (axis.ravel() for axis in np.meshgrid(steps, steps))
    rays = forward + x[:, None] * right + y[:, None] * np.cross(right, forward)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _lit(scene: Scene, points: Array, projector: Array) -> NDArray[np.bool_]:
    """Which points the projector reaches."""
    way = points - projector
    far = np.linalg.norm(way, axis=1)
    distance, _, _ = scene.hit(projector, way / far[:, None])
    return np.asarray(distance > far - 0.5)


def make_drop(
    figure: Figure, drop: Path, truth: Path, *, passes: int = 10, seed: int = 0, pixels: int = 190,
    plate: bool = True, painted: bool = True, noise: float = 0.12,
) -> dict[str, Any]:  # fmt: skip
    """Scan FIGURE all around and write the passes as PLY files into DROP (made here), shuffled and
    scrambled; with colours where painted.

    The truth, returned and written as JSON to TRUTH, must lie outside DROP: {unit, size, seed,
    passes: {file: {pose, centre, points}}}; pose = 4×4 row-major, pass → figure frame, centre =
    mean point of the pass in its own frame.
    """
    rng = np.random.default_rng(seed)
    scene = Scene(figure, plate)
    drop.mkdir(parents=True)
    told: dict[str, Any] = {"unit": UNIT, "size": figure.size, "seed": seed, "passes": {}}
    for turn in rng.permutation(passes):
        elevation = (18.0, 38.0)[turn % 2] + rng.uniform(-4, 4)
        seen = scan(
            scene,
            360.0 / passes * turn + rng.uniform(-6, 6),
            elevation,
            rng,
            pixels=pixels,
            noise=noise,
        )
        moved = _random_motion(rng, figure.size)
        points = seen.points @ moved[:3, :3].T + moved[:3, 3]
        name = f"scan_{rng.integers(16**6):06x}.ply"
        write_ply(drop / name, points, seen.colours if painted else None)
        told["passes"][name] = {
            "pose": np.linalg.inv(moved).tolist(),
            "centre": points.mean(axis=0).tolist(),
            "points": len(points),
            "turn": int(turn),
        }
    truth.write_text(json.dumps(told, indent=1))
    return told


def _random_motion(rng: np.random.Generator, size: float) -> Array:
    """A 4×4 rigid motion: any rotation, a shift of up to ``size`` along each axis."""
    w, x, y, z = (q := rng.normal(size=4)) / np.linalg.norm(q)
    motion = np.eye(4)
    motion[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    motion[:3, 3] = rng.uniform(-size, size, 3)
    return motion


def write_ply(path: Path, points: Array, colours: NDArray[np.uint8] | None) -> None:
    """Write points (N,3) as float32 and, where there are any, colours (N,3) as a binary
    little-endian PLY file."""
    rows = np.empty(
        len(points), dtype=[("p", "<f4", 3), *([] if colours is None else [("c", "u1", 3)])]
    )
    rows["p"] = points
    fields = [f"property float {axis}" for axis in "xyz"]
    if colours is not None:
        rows["c"] = colours
        fields += [f"property uchar {name}" for name in ("red", "green", "blue")]
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(rows)}",
        *fields,
        "end_header",
        "",
    ]
    path.write_bytes("\n".join(header).encode() + rows.tobytes())
