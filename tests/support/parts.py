"""A part as it was designed and as it was made: the second has a dent, or a knob that is too tall. Both as triangle meshes, mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.demo import surface_nets, virtual_scanner
from pipeline.demo.scene import Scene
from pipeline.demo.virtual_figure import Figure
from pipeline.geometry import rigid
from tests.support import bodies
from tests.support.scanfiles import binary_ply, xyz

Array = NDArray[np.float64]
# of all passes
FRAME = rigid.exponential(np.array([0.4, -0.9, 0.3, 20.0, -35.0, 12.0]))
DENT = np.array([-40.0, -8.0, 20.0])  # on the part's side, which lies at x = -40


def made(name: str, dent: float = 0.0, raised: float = 0.0, step: float = 1.5) -> Figure:
    """The body NAME with a dent of that depth in its side, and its knob RAISED by so much."""
    axes = [
        np.arange(low, high + step, step) for low, high in zip(bodies.LOW, bodies.HIGH, strict=True)
    ]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    points = grid.reshape(-1, 3)
    low = points - np.where(points[:, 2:] > 68, [0, 0, raised], 0.0)
    values = np.maximum(bodies.SHAPES[name](low, 0), -points[:, 2])
    if dent:
        side = float(bodies.SHAPES[name](DENT[None], 0)[0])
        middle = DENT - np.array([12.0 - dent - side, 0, 0])
        values = np.maximum(values, 12.0 - np.linalg.norm(points - middle, axis=1))
    cells, triangles = surface_nets.surface_nets(values.reshape(grid.shape[:3]))
    vertices = bodies.LOW + cells * step
    return Figure(vertices, triangles, bodies.paint(vertices, 0))


def scanned(figure: Figure, drop: Path, passes: int = 6, pixels: int = 100) -> None:
    """Passes around FIGURE into DROP, all in one frame and none of its own."""
    rng = np.random.default_rng(0)
    scene = Scene(figure, plate=False)
    for turn in range(passes):
        seen = virtual_scanner.scan(
            scene, 360.0 / passes * turn, (15.0, 45.0)[turn % 2], rng, pixels=pixels, noise=0.05
        )
        (drop / f"pass_{turn}.ply").write_bytes(binary_ply(xyz(rigid.apply(FRAME, seen.points))))


def stl(figure: Figure, millimetres: float = 1.0) -> bytes:
    """FIGURE as a binary STL elsewhere in space, counting in units of so many MILLIMETRES."""
    placed = rigid.apply(
        rigid.exponential(np.array([-0.7, 0.2, 1.1, 300.0, 10.0, -80.0])), figure.vertices
    )
    rows = np.zeros(
        len(figure.triangles),
        np.dtype([("normal", "<f4", 3), ("corner", "<f4", (3, 3)), ("_", "<u2")]),
    )
    rows["corner"] = placed[figure.triangles] / millimetres
    return b"\0" * 80 + len(rows).to_bytes(4, "little") + rows.tobytes()
