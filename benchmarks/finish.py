"""Measures the finish leg against its goals and, where there is one, a named peer. Prints markdown
tables.

python benchmarks/finish.py [bake] [atlas] [preview] [leg]      default: all of them
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.artefacts import Dropped
from pipeline.geometry.surface import Surface
from pipeline.jobs import parse
from pipeline.recipes import RECIPES, call, stage_function
from pipeline.workspace import StageWorkspace


def figure(faces: int) -> Surface:
    """A bumpy closed body of FACES faces, never two parts alike; size about 2."""
    import open3d as o3d
    import trimesh

    level = 3
    while 20 * 4**level < faces:
        level += 1
    mesh = trimesh.creation.icosphere(level)
    way = np.array(mesh.vertices)
    bumps = sum(
        np.sin(way @ wave + shift) / (3 + k)
        for k, (wave, shift) in enumerate(zip(_waves(), range(9), strict=True))
    )
    points = way * (1 + 0.35 * np.asarray(bumps))[:, None] * [1.0, 1.4, 0.8]
    thin = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(points), o3d.utility.Vector3iVector(np.array(mesh.faces))
    )
    if len(mesh.faces) > faces:
        thin = thin.simplify_quadric_decimation(faces)
    return Surface(np.array(thin.vertices), np.array(thin.triangles, np.int32))


def _waves() -> Any:
    return np.random.default_rng(5).normal(0, 1, (9, 3)) * np.linspace(2, 12, 9)[:, None]


def pattern(points: Any) -> Any:
    """Known colours in space, sRGB 0…1: smooth waves and hard stripes."""
    waves = np.array([[3.0, 1, 2], [1, 4, -2], [-2, 1, 5]]) * np.pi
    stripe = np.tanh(20 * np.sin(points[:, :1] * 12)) * 0.15
    return np.clip(0.5 + 0.3 * np.sin(points @ waves.T) + stripe, 0, 1)


def sampled(surface: Surface, count: int) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    a, b, c = (surface.vertices[surface.faces[:, i]] for i in range(3))
    cross = np.cross(b - a, c - a)
    area = np.linalg.norm(cross, axis=1)
    face = rng.choice(len(area), count, p=area / area.sum())
    u = rng.random((count, 2))
    u = np.where(u.sum(axis=1, keepdims=True) > 1, 1 - u, u)
    points = a[face] + u[:, :1] * (b - a)[face] + u[:, 1:] * (c - a)[face]
    return points, (pattern(points) * 255 + 0.5).astype(np.uint8), cross[face] / area[face, None]


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return answer, time.perf_counter() - wall, time.process_time() - cpu


def bake() -> None:
    """PSNR of a 2048² texture against the pattern; peer: the nearest sample's colour for each
    texel."""
    from pipeline.stages.finish._bake import bake as baked
    from pipeline.stages.finish._raster import places, rasterise
    from pipeline.stages.finish._unwrap import unwrap
    from pipeline.stages.finish.sources.points import Points

    class Nearest(Points):
        NEIGHBOURS = 1

        def _block(self, points: Any, normals: Any) -> Any:
            return self.colors[self.tree.query(points, workers=-1)[1]]

    surface = unwrap(figure(50_000), 2048).surface
    texels = rasterise(surface, 2048)
    truth = pattern(places(surface, texels)[0])
    print(
        "| colour samples | texture | ours dB | nearest sample dB | ours s (CPU) | nearest s (CPU)"
        " |\n|---|---|---|---|---|---|"
    )
    for count in (200_000, 2_000_000):
        points = sampled(surface, count)
        row = []
        for source in (Points(*points), Nearest(*points)):
            image, wall, cpu = timed(lambda source=source: baked(surface, source, 2048))  # type: ignore[misc]
            wrong = image.reshape(-1, 3)[texels.at] / 255 - truth
            row.append((-10 * np.log10(np.mean(wrong[texels.inside] ** 2)), wall, cpu))
        (ours, wall, cpu), (near, near_wall, near_cpu) = row
        print(
            f"| {count:,} | 2048² | {ours:.1f} | {near:.1f} | {wall:.1f} ({cpu:.1f}) |"
            f" {near_wall:.1f} ({near_cpu:.1f}) |",
            flush=True,
        )


def atlas() -> None:
    """Time and use of the square; peer: xatlas as it comes, one mesh, default options."""
    import xatlas

    from pipeline.stages.finish._unwrap import unwrap

    print(
        "| faces | charts | atlas use | s (CPU) | xatlas alone: use | s (CPU)"
        " |\n|---|---|---|---|---|---|"
    )
    for faces in (20_000, 50_000, 100_000):
        surface = figure(faces)
        done, wall, cpu = timed(lambda surface=surface: unwrap(surface, 2048))  # type: ignore[misc]

        def alone(surface: Surface = surface) -> float:
            _, indices, uv = xatlas.parametrize(
                surface.vertices.astype(np.float32), surface.faces.astype(np.uint32)
            )
            one, two = uv[indices[:, 1]] - uv[indices[:, 0]], uv[indices[:, 2]] - uv[indices[:, 0]]
            return float(np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]).sum() / 2)

        use, peer_wall, peer_cpu = timed(alone)
        ours = f"{done.charts} | {done.use:.1%} | {wall:.1f} ({cpu:.1f})"
        print(f"| {faces:,} | {ours} | {use:.1%} | {peer_wall:.1f} ({peer_cpu:.1f}) |", flush=True)


def preview() -> None:
    """A 512² picture of 500 k faces, no GPU, no display."""
    from pipeline.stages.finish._camera import Camera
    from pipeline.stages.finish._render import Studio

    surface = figure(500_000)
    # the libraries are loaded before the clock starts, as in a hot engine
    Studio(figure(1000)).picture(Camera(), 64)
    print("| faces | studio s | picture s | together s (CPU) |\n|---|---|---|---|")
    for _ in range(3):
        studio, first, first_cpu = timed(lambda: Studio(surface))
        _, second, second_cpu = timed(lambda studio=studio: studio.picture(Camera(), 512))  # type: ignore[misc]
        print(
            f"| {len(surface.faces):,} | {first:.2f} | {second:.2f} | {first + second:.2f}"
            f" ({first_cpu + second_cpu:.2f}) |",
            flush=True,
        )


def leg() -> None:
    """A coloured mesh of 500 k faces through the whole finish leg of a convert job: 100 k faces,
    2048² texture, four formats."""
    import trimesh

    surface = figure(500_000)
    with tempfile.TemporaryDirectory() as folder:
        colors = (pattern(surface.vertices) * 255 + 0.5).astype(np.uint8)
        trimesh.Trimesh(
            surface.vertices, surface.faces, vertex_colors=colors, process=False
        ).export(Path(folder) / "body.ply")
        ws = StageWorkspace(
            Path(folder) / "work",
            Path(folder),
            options=parse({"kind": "convert", "output_format": "glb,obj,stl,ply"}),
        )
        bag: list[Any] = [Dropped(names=("body.ply",))]
        print("| stage | s | CPU s | peak MB |\n|---|---|---|---|")
        total = total_cpu = 0.0
        for stage in RECIPES["convert"].legs[0].stages:
            artefact, wall, cpu = timed(lambda stage=stage: call(stage_function(stage), bag, ws))  # type: ignore[misc]
            bag.append(artefact)
            total, total_cpu = total + wall, total_cpu + cpu
            print(
                f"| {stage} | {wall:.1f} | {cpu:.1f} |"
                f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} |",
                flush=True,
            )
        page = (ws.root / "output" / "report.html").stat().st_size
        print(
            f"| together | {total:.1f} | {total_cpu:.1f} |"
            f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} |"
        )
        print(f"\nreport.html: {page / 1e6:.1f} MB")


if __name__ == "__main__":
    parts = {"bake": bake, "atlas": atlas, "preview": preview, "leg": leg}
    for name in sys.argv[1:] or parts:
        print(f"\n### {name}: {(parts[name].__doc__ or '').splitlines()[0]}\n", flush=True)
        parts[name]()
