"""Where a small conversion's time goes, from the drop to done/: its stages, and everything else.

    python benchmarks/small.py [--jobs 8] [--level 5] [--folder DIR]

A running `inbox3d up` (one worker on the CPU, hot) gets one mesh after the other as a sealed job.
The whole is from before the rename into inbox/ to the moment at which the folder stands in done/,
seen by inotify-free polling every 2 ms. Medians; CPU seconds are those of the whole fleet.
"""

from __future__ import annotations

import argparse
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layout.init import init
from layout.manifest import read_job
from layout.tree import Atlas, State
from pipeline.gpu.engine import children
from pipeline.submission.submit import submit_path
from pipeline.watchers.members import ours

PATIENCE, LOOK = 120.0, 0.002


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--level", type=int, default=5, help="subdivisions of the ball")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        rows = measure(Path(folder), given.jobs, given.level)
    stages = [name for name in rows[-1] if "." in name]
    print("| what | seconds, median |\n|---|---|")
    for name in rows[-1]:
        print(f"| {name} | {middle(rows, name):.3f} |")
    inside = statistics.median(sum(row[name] for name in stages) for row in rows)
    outside = statistics.median(row["whole"] - sum(row[name] for name in stages) for row in rows)
    print(f"| all stages | {inside:.3f} |\n| what is not a stage | {outside:.3f} |")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, load at the end {load}")


def middle(rows: list[dict[str, float]], name: str) -> float:
    return statistics.median(row.get(name, 0.0) for row in rows)


def measure(folder: Path, jobs: int, level: int) -> list[dict[str, float]]:
    import trimesh

    mesh = folder / "ball.ply"
    trimesh.creation.icosphere(subdivisions=level, radius=100).export(mesh)
    atlas = init(folder / "atlas")[0]
    environment = os.environ | {"INBOX3D_HOST__SCRATCH": str(folder / "scratch")}
    command = ours("pipeline up", atlas.root)
    command += ["--devices", "cpu", "--listen", "off", "--name", f"bench-{os.getpid()}"]
    with (folder / "log").open("wb") as log:
        fleet = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            one(atlas, mesh, fleet.pid)  # libraries are loaded, files are in memory
            return [one(atlas, mesh, fleet.pid) for _ in range(jobs)]
        finally:
            fleet.terminate()
            fleet.wait(60)


def one(atlas: Atlas, mesh: Path, fleet: int) -> dict[str, float]:
    """Seconds of each stage and phase, of the whole, and CPU seconds."""
    used, began = cpu(fleet), time.perf_counter()
    id = submit_path(atlas, mesh, {"kind": "convert"}).path.name
    sent = time.perf_counter() - began
    while not (atlas.done / id).exists():
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit(f"{id} does not end: look at {atlas.root}")
        time.sleep(LOOK)
    whole = time.perf_counter() - began
    job = read_job(atlas.disk, next(p.path for p in atlas.places(State.DONE) if p.id == id))
    assert job is not None
    time.sleep(1)
    return {"submit": sent, **job.provenance.times, "whole": whole, "CPU": cpu(fleet) - used}


def cpu(pid: int) -> float:
    """CPU seconds of PID and its descendants, ended ones included."""
    total = 0.0
    for one_ in (pid, *children(pid)):
        try:
            rest = Path(f"/proc/{one_}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, rest[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    main()
