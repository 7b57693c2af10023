"""Scans an hour: one one-thread worker, and two of them side by side on cores of their own.

    python benchmarks/side_by_side.py [--scans 4] [--passes 4] [--repeats 1] [--folder DIR]

Each round runs the same scans through a real `inbox3d up` whose host.toml asks for one worker of
one thread, then for two; the clock runs from the first start to the last end, so start-up counts
for neither. Rounds alternate, so that other work on the machine hits both.
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
from pipeline.demo import virtual_figure, virtual_scanner
from pipeline.submission.submit import submit_path
from pipeline.watchers.members import ours

PATIENCE = 3600.0
TABLE = """
[host]
scratch = "{scratch}"
[[host.workers]]
devices = ["cpu"]
queues = ["scan", "finish"]
count = {count}
threads = 1
memory_gb = 4
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scans", type=int, default=4)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    rates: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        drop = Path(folder) / "drop"
        virtual_scanner.make_drop(
            virtual_figure.make(), drop, Path(folder) / "truth.json", passes=given.passes, seed=7
        )
        for turn in range(given.repeats):
            for count in rates:
                root = Path(folder) / f"{turn}-{count}"
                rates[count].append(hourly(root, drop, given.scans, count))
                print(count, "workers:", f"{rates[count][-1]:.0f} scans an hour", file=sys.stderr)
    one, two = (statistics.median(rates[count]) for count in (1, 2))
    print("| one-thread workers | scans an hour, median | ratio |\n|---|---|---|")
    print(f"| 1 | {one:.0f} | |\n| 2 | {two:.0f} | {two / one:.2f} |")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, load at the end {load}")


def hourly(root: Path, drop: Path, scans: int, count: int) -> float:
    """How many of SCANS an hour COUNT workers end."""
    root.mkdir()
    atlas = init(root / "atlas")[0]
    (root / "host.toml").write_text(TABLE.format(scratch=root / "scratch", count=count))
    for _ in range(scans):
        submit_path(atlas, drop, {"kind": "scan", "texture_size": 1024})
    environment = os.environ | {"INBOX3D_HOST_CONFIG": str(root / "host.toml")}
    command = ours("pipeline up", atlas.root, "--until-idle")
    with (root / "log").open("wb") as log:
        fleet = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        fleet.wait(PATIENCE)
    finally:
        fleet.kill()
    return scans / (ended(atlas, scans) / 3600)


def ended(atlas: Atlas, scans: int) -> float:
    """Seconds from the first start to the last end."""
    moments = []
    for place in atlas.places(State.DONE):
        job = read_job(atlas.disk, place.path)
        assert job is not None
        moments += [(job.starts[0].at, job.starts[-1].ended or "")]
    if len(moments) < scans:
        raise SystemExit(f"{scans - len(moments)} scans did not end well: look at {atlas.root}")
    first, last = min(at for at, _ in moments), max(end for _, end in moments)
    return _seconds(last) - _seconds(first)


def _seconds(at: str) -> float:
    return datetime.datetime.fromisoformat(at).timestamp()


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"took {time.monotonic() - began:.0f} s", file=sys.stderr)
