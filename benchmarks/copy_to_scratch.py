"""A job's input on its way to scratch, beside ``cp -r`` of the same tree in the same run.

    python benchmarks/copy_to_scratch.py [--files 50000] [--bytes 2000] [--repeats 5] [--folder DIR]

inbox3d does more than cp: it lists the tree before and after, compares sizes and times, hashes
every byte, tells how far it is, and looks after every file whether it was asked to stop. Both write
into new folders of one file system, in turn; deleting them is not counted.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from layout.init import init
from layout.manifest import JobFile, Source, now
from layout.tree import Atlas, Place
from pipeline.progress import COPY
from pipeline.progress.past import Past
from pipeline.progress.reporter import Reporter
from pipeline.runner import input_copy


def make(folder: Path, files: int, size: int) -> None:
    """FILES files of about SIZE random bytes, a hundred in a folder."""
    rng = random.Random(1)
    for number in range(files):
        path = folder / f"part{number // 100:04d}" / f"scan_{number:06d}.xyz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rng.randbytes(rng.randint(size // 2, size * 3 // 2)))


def timed(call: Callable[[], object]) -> float:
    os.sync()
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def once(atlas: Atlas, place: Place, target: Path) -> dict[str, float]:
    """Seconds of each, with nothing left behind."""
    peer = timed(lambda: subprocess.run(["cp", "-r", place.path / "input", target], check=True))
    shutil.rmtree(target)
    target.mkdir()
    job = JobFile(id=place.id, kind="scan", source=Source(name="bench", origin="share", at=now()))
    reporter, seen, sums = (
        Reporter(atlas, place, job, Past(atlas)),
        list[input_copy.Snapshot](),
        dict[str, str](),
    )

    def say(share: float, message: str) -> None:
        reporter.at(COPY, share, message)
        reporter.tick()

    def copy() -> None:
        looked, found = input_copy.copy(atlas.disk, place, target, say)
        seen.append(looked)
        sums.update(found)

    ours = timed(copy)
    listed = timed(lambda: input_copy.enlist(atlas.disk, place, job, seen[0], sums))
    shutil.rmtree(target)
    return {"cp -r": peer, "inbox3d: copy": ours, "inbox3d: manifest": listed}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=50_000)
    parser.add_argument("--bytes", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=None)
    given = parser.parse_args()
    times: dict[str, list[float]] = {"cp -r": [], "inbox3d: copy": [], "inbox3d: manifest": []}
    with tempfile.TemporaryDirectory(dir=given.folder) as top:
        atlas, _ = init(Path(top) / "atlas")
        place = atlas.at_processing("bench-0123456789", "worker-cpu-0000", 1)
        make(place.path / "input" / "bench", given.files, given.bytes)
        for _ in range(given.repeats):
            for name, taken in once(atlas, place, Path(top) / "target").items():
                times[name].append(taken)
    print(
        f"{given.files} files of about {given.bytes} bytes; {os.cpu_count()} cores, Python"
        f" {platform.python_version()}\n"
    )
    print("| what | seconds, median (min-max) | against cp -r |\n|---|---|---|")
    base = statistics.median(times["cp -r"])
    for name, taken in times.items():
        print(
            f"| {name} | {statistics.median(taken):.2f} ({min(taken):.2f}-{max(taken):.2f}) |"
            f" {statistics.median(taken) / base:.2f} |"
        )


if __name__ == "__main__":
    main()
