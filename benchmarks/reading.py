"""Reading large files: ours beside the readers of other programs, on the same files, in the same
run.

    python benchmarks/reading.py [--points 10000000] [--faces 1000000] [--repeats 2] [--only
    ply-points,obj] [--out TABLE.md]

Each reading runs in a process of its own, imports and the page cache warm; what counts is the least
wall time of the repeats, and the least CPU time, which other work on the machine moves less. A
reader that finds another number of points or faces is not compared.
Ours reads whole meshes with uv, normals and materials.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reading_files import MESHES, SCANS, write

# what ours imports when it meets a file, warm as the peers' own imports are
_SCAN, _MESH = "pipeline.stages.scan._", "pipeline.geometry.readers."
WARM = {
    True: (_SCAN + "las", _SCAN + "ply", _SCAN + "e57", "laspy", "lazrs", "pye57"),
    False: (_MESH + "obj", _MESH + "ply", _MESH + "stl", _MESH + "gltf"),
}
READERS = {
    "ply-points": ("inbox3d", "open3d", "pymeshlab", "trimesh"),
    "las": ("inbox3d", "laspy"),
    "e57": ("inbox3d", "pye57", "pymeshlab"),
    "ply-faces": ("inbox3d", "open3d", "pymeshlab", "trimesh"),
    "stl": ("inbox3d", "open3d", "pymeshlab", "trimesh"),
    "obj": ("inbox3d", "open3d", "pymeshlab", "trimesh"),
    "obj-uv": ("inbox3d", "open3d", "pymeshlab", "trimesh"),
    "glb": ("inbox3d", "open3d", "trimesh"),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=10_000_000)
    parser.add_argument("--faces", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", default=",".join(READERS))
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument(
        "--one",
        nargs=3,
        metavar=("CASE", "READER", "FILE"),
        help="read once here and print one JSON line",
    )
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(*given.one)))
        return
    rows = ["| file | who | s | CPU s | count | ours is |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for case in given.only.split(","):
            path = Path(folder) / (SCANS | MESHES)[case]
            write(case, path, given.points if case in SCANS else given.faces)
            rows += compared(case, path, given.repeats)
            path.unlink()
    text = "\n".join(
        [*rows, "", f"load {os.getloadavg()[0]:.1f} at the end, {os.cpu_count()} cores"]
    )
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def compared(case: str, path: Path, repeats: int) -> list[str]:
    found: dict[str, dict[str, Any]] = {}
    for _ in range(repeats):
        for who in READERS[case]:
            told = in_a_process(case, who, path)
            best = found.setdefault(who, told)
            best |= {key: min(best[key], told[key]) for key in ("s", "cpu")}
    ours = found["inbox3d"]
    rows = []
    for who, told in found.items():
        ratio = (
            ""
            if who == "inbox3d"
            else (
                f"{ours['s'] / told['s']:.2f} ×"
                if told["count"] == ours["count"]
                else "not compared"
            )
        )
        rows.append(
            f"| {path.name}, {path.stat().st_size / 1e6:.0f} MB | {who} | {told['s']:.2f} |"
            f" {told['cpu']:.2f} | {told['count']} | {ratio} |"
        )
    return rows


def in_a_process(case: str, who: str, path: Path) -> dict[str, Any]:
    """One reading; a reader that dies has read nothing."""
    told = subprocess.run(
        [sys.executable, __file__, "--one", case, who, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    print(f"  {case} {who}: {told.stdout.strip() or told.stderr.strip()[-200:]}", file=sys.stderr)
    try:
        return dict(json.loads(told.stdout.splitlines()[-1]))
    except (IndexError, ValueError):
        return {"s": float("inf"), "cpu": float("inf"), "count": 0}


# -- files -------------------------------------------------------------------------------------


# -- readers -----------------------------------------------------------------------------------


def measured(case: str, who: str, file: str) -> dict[str, Any]:
    Path(file).read_bytes()
    read = {
        "inbox3d": ours,
        "open3d": by_open3d,
        "pymeshlab": by_pymeshlab,
        "trimesh": by_trimesh,
        "laspy": by_laspy,
        "pye57": by_pye57,
    }[who](case in SCANS)
    start, before = time.perf_counter(), time.process_time()
    count = read(Path(file))
    spent = time.process_time() - before
    took = time.perf_counter() - start
    return {"s": round(took, 3), "cpu": round(spent, 3), "count": int(count)}


def ours(scan: bool) -> Callable[[Path], int]:
    for module in WARM[scan]:
        import_module(module)
    from pipeline.formats.account import Account
    from pipeline.formats.refusals import Source
    from pipeline.geometry import readers
    from pipeline.geometry.readers.assemble import assemble
    from pipeline.geometry.readers.companions import Companions
    from pipeline.stages.scan import _formats

    def read(path: Path) -> int:
        if scan:
            return sum(
                len(raw.points)
                for raw in _formats.read(
                    Source(path.name, path), Account(path.name), Companions([])
                )
            )
        return len(assemble(readers.read(path.name, path, Companions([])).parts).surface.faces)

    return read


def by_open3d(scan: bool) -> Callable[[Path], int]:
    import open3d as o3d

    if scan:
        return lambda path: len(o3d.io.read_point_cloud(str(path)).points)
    return lambda path: len(o3d.io.read_triangle_mesh(str(path)).triangles)


def by_pymeshlab(scan: bool) -> Callable[[Path], int]:
    import pymeshlab

    def read(path: Path) -> int:
        held = pymeshlab.MeshSet()
        held.load_new_mesh(str(path))
        return int(
            held.current_mesh().vertex_number() if scan else held.current_mesh().face_number()
        )

    return read


def by_trimesh(scan: bool) -> Callable[[Path], int]:
    import trimesh

    if scan:
        return lambda path: len(trimesh.load(path, process=False).vertices)
    return lambda path: len(trimesh.load(path, process=False, force="mesh").faces)


def by_laspy(scan: bool) -> Callable[[Path], int]:
    import laspy

    def read(path: Path) -> int:
        held = laspy.read(path)
        return len(np.stack([held.x, held.y, held.z], axis=1)) + 0 * len(
            np.stack([held.red, held.green, held.blue], axis=1)
        )

    return read


def by_pye57(scan: bool) -> Callable[[Path], int]:
    import pye57

    return lambda path: len(
        pye57.E57(str(path)).read_scan(0, colors=True, ignore_missing_fields=True)["cartesianX"]
    )


if __name__ == "__main__":
    main()
