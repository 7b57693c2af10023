"""A job's input on its way to scratch, beside ``cp -r`` of the same tree in the same run.

    python benchmarks/copy_to_scratch.py [--files 50000] [--bytes 2000] [--repeats 5] [--folder DIR]

inbox3d does more than cp: it looks at the tree again afterwards and compares sizes and times,
hashes every byte, tells how far it is, and asks after every file whether it is to stop. Both write
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
from typing import NamedTuple

from layout.init import init
from layout.manifest import JobFile, Listed, Source, now
from layout.tree import Atlas, Place
from pipeline.progress import COPY
from pipeline.progress.past import Past
from pipeline.progress.reporter import Reporter
from pipeline.runner import input_copy, input_list


def make(folder: Path, files: int, size: int) -> list[Listed]:
    """FILES files of about SIZE random bytes, a hundred in a folder, as a job lists them."""
    rng, listed = random.Random(1), []
    for number in range(files):
        path = folder / f"part{number // 100:04d}" / f"scan_{number:06d}.xyz"
        path.parent.mkdir(parents=True, exist_ok=True)
        wrote = path.write_bytes(rng.randbytes(rng.randint(size // 2, size * 3 // 2)))
        listed.append(Listed(path=path.relative_to(folder).as_posix(), size=wrote))
    return listed


class Took(NamedTuple):
    """Seconds: on the clock, and of the processors, which other programs change less."""

    wall: float
    cpu: float


def timed(call: Callable[[], object]) -> Took:
    os.sync()
    began, used = time.perf_counter(), sum(os.times()[:4])
    call()
    return Took(time.perf_counter() - began, sum(os.times()[:4]) - used)


def once(atlas: Atlas, place: Place, target: Path, manifest: list[Listed]) -> dict[str, Took]:
    """Seconds of each, with nothing left behind."""
    peer = timed(lambda: subprocess.run(["cp", "-r", place.path / "input", target], check=True))
    shutil.rmtree(target)
    target.mkdir()
    source = Source(name="bench", origin="share", at=now())
    job = JobFile(id=place.id, kind="scan", source=source, manifest=manifest)
    reporter, seen, sums = (
        Reporter(atlas, place, job, Past(atlas)),
        list[input_copy.Snapshot](),
        dict[str, str](),
    )

    def say(share: float, message: str) -> None:
        reporter.at(COPY, share, message)
        reporter.tick()

    def copy() -> None:
        looked, found = input_copy.copy(atlas.disk, place, target, say, manifest)
        seen.append(looked)
        sums.update(found)

    ours = timed(copy)
    listed = timed(lambda: input_list.enlist(atlas.disk, place, job, seen[0], sums))
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
    times: dict[str, list[Took]] = {"cp -r": [], "inbox3d: copy": [], "inbox3d: manifest": []}
    with tempfile.TemporaryDirectory(dir=given.folder) as top:
        atlas, _ = init(Path(top) / "atlas")
        place = atlas.at_processing("bench-0123456789", "worker-cpu-0000", 1)
        manifest = make(place.path / "input" / "bench", given.files, given.bytes)
        for _ in range(given.repeats):
            for name, taken in once(atlas, place, Path(top) / "target", manifest).items():
                times[name].append(taken)
    print(
        f"{given.files} files of about {given.bytes} bytes; {os.cpu_count()} cores, Python"
        f" {platform.python_version()}\n"
    )
    print("| what | seconds, median (min-max) | against cp -r | CPU s, median | against cp -r |")
    print("|---|---|---|---|---|")
    peers = [statistics.median(each) for each in zip(*times["cp -r"], strict=True)]
    for name, taken in times.items():
        walls, cpus = zip(*taken, strict=True)
        wall, cpu = statistics.median(walls), statistics.median(cpus)
        print(
            f"| {name} | {wall:.2f} ({min(walls):.2f}-{max(walls):.2f}) | {wall / peers[0]:.2f} |"
            f" {cpu:.2f} | {cpu / peers[1]:.2f} |"
        )


if __name__ == "__main__":
    main()
