"""What the house itself costs: 500 drops at once, 10 000 entries that wait, 100 000 jobs in done/.

    python benchmarks/house.py [--drops 500] [--waiting 10000] [--done 100000] [--folder DIR]

The intake, its reaper and a worker run here, step by step, on a real tree; CPU seconds of this
process, which other work on the machine hardly moves, and wall seconds. Peers: a bare loop that
lists, makes two folders, renames and fsyncs as the intake must, and watchfiles' own polling walk of
the same 10 000 folders where it is installed.
"""

from __future__ import annotations

import argparse
import datetime
import gc
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layout import names
from layout.init import init
from layout.manifest import Accepted, JobFile, Source, Start, now
from layout.tree import Atlas, State
from pipeline import config
from pipeline.watchers import finished
from pipeline.watchers.intake import Intake
from pipeline.watchers.worker import Worker

STL = b"solid t\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nvertex 0 1 0\n" + (
    b"endloop\nendfacet\nendsolid t\n"
)
ROUNDS = 5  # of each measure beside its peer, in turn; the least of each counts


class Took(NamedTuple):
    wall: float
    cpu: float


def took(call: Callable[[], object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


class House:
    """One tree with its intake and an idle worker, whose clocks are this benchmark's."""

    def __init__(self, root: Path, durable: bool = True) -> None:
        self.atlas: Atlas = init(root / "atlas")[0]
        self.settings = config.load(environ={"INBOX3D_HOST__SCRATCH": str(root / "scratch")})
        name, over = names.worker_name("bench", "intake"), threading.Event()
        self.intake = Intake(self.atlas, self.settings, name, over)
        self.now, self.dropped = 1000.0, 0
        self.intake.inbox.completeness.clock = lambda: self.now
        self.intake.beat.beat()
        name = names.worker_name("bench", "cpu")
        self.worker = Worker(self.atlas, self.settings, name, ("scan", "finish"), "cpu", over)
        self.worker.beat.beat()

    def close(self) -> None:
        self.intake._hints.stop()
        self.intake.beat.end()
        self.worker.beat.end()

    def drop(self, count: int, data: bytes = STL) -> None:
        self.dropped += count
        for number in range(self.dropped - count, self.dropped):
            (self.atlas.inbox / f"part {number}").mkdir()
            (self.atlas.inbox / f"part {number}" / "part.stl").write_bytes(data)

    def take(self) -> None:
        """Look until all drops are claimed: the quiet time passes at once."""
        while len(self.atlas.names(State.CLAIMED)) < self.dropped:
            self.intake.step()
            self.now += 100

    def finish(self, count: int) -> None:
        """COUNT jobs in done/, as small as they can be, and seen whole by the reaper."""
        for number in range(count):
            folder = self.atlas.done / f"old-{number:010}"
            (folder / "output").mkdir(parents=True)
            job = JobFile(
                id=folder.name, kind="convert", options={}, manifest=[],
                source=Source(name="old", origin="share", at=now()),
                accepted=Accepted(at=now(), n=0), inode=folder.stat().st_ino,
                starts=[Start(n=1, worker="bench", at=now(), ended=now(), noted="finished")],
            )  # fmt: skip
            (folder / JobFile.name).write_bytes(job.dump())
            (folder / "output" / "checksums.sha256").write_text(f"# start {folder.name}@bench.1\n")
        finished.NEW, at_once = count, finished.NEW
        self.intake.reaper.round()
        finished.NEW = at_once
        assert not self.intake.attention.lines()


def bare(root: Path, count: int) -> Took:
    """List, make a shell, rename into it, write and fsync one file, drop the dot."""
    (root / "in").mkdir(parents=True)
    (root / "out").mkdir()
    for number in range(count):
        (root / "in" / f"part {number}").mkdir()
        (root / "in" / f"part {number}" / "part.stl").write_bytes(STL)

    def loop() -> None:
        for name in sorted(path.name for path in (root / "in").iterdir()):
            shell = root / "out" / f".{name}"
            (shell / "input").mkdir(parents=True)
            (root / "in" / name).rename(shell / "input" / name)
            with (shell / "job.json").open("wb") as file:
                file.write(b"{}" * 400)
                file.flush()
                os.fsync(file.fileno())
            shell.rename(root / "out" / name)
            for folder in (root / "in", root / "out", root / "out" / name):
                handle = os.open(folder, os.O_RDONLY)
                os.fsync(handle)
                os.close(handle)

    return took(loop)


def intake(root: Path, drops: int) -> list[str]:
    house = House(root / "intake")
    house.drop(drops)
    ours, peer = took(house.take), bare(root / "bare", drops)
    house.close()
    return [
        f"| {drops} drops at once, all claimed | {ours.wall:.2f} | {ours.cpu:.2f} | bare loop"
        f" {peer.wall:.2f} | {ours.wall / peer.wall:.2f} × |"
    ]


def waiting(root: Path, count: int) -> list[str]:
    """Drops that look unfinished, each looked at often enough to know that it waits long."""
    house = House(root / "waiting")
    house.drop(count, b"")
    for _ in range(4 * count // house.settings.intake.look_limit + 5):
        house.intake.step()
        house.now += 1
    ticks, rests = 20, list[float]()

    def look() -> None:
        house.intake.step()
        rests.append(house.intake._next())

    one = took(lambda: [look() for _ in range(ticks)])
    share = one.cpu / sum(rests)
    walk = took(lambda: sum(len(files) for _, _, files in os.walk(house.atlas.inbox)))
    house.close()
    return [
        f"| a tick with {count} entries waiting | {one.wall / ticks:.3f} | {one.cpu / ticks:.3f} |"
        f" one walk of them {walk.cpu:.3f} CPU s | {share:.1%} of a core |"
    ]


def history(root: Path, count: int, drops: int = 200) -> list[str]:
    """The same with nothing and with COUNT jobs in done/."""
    houses = [House(root / f"history {n}") for n in (0, count)]
    houses[1].finish(count)
    lines = []
    for house in houses:  # what a process does once, when it begins
        house.intake.step(), house.intake.reaper.round(), house.worker.step()
    for name, call in (
        (f"intake of {drops} drops", lambda house: (house.drop(drops), house.take())),
        (
            "100 steps of a worker",
            # a worker is a process of its own: what this one's intake remembers is not its to walk
            lambda house: (gc.freeze(), [house.worker.choice.waiting() for _ in range(100)]),
        ),
        ("a round of the reaper", lambda house: house.intake.reaper.round()),
    ):
        pairs = [[took(partial(call, house)) for house in houses] for _ in range(ROUNDS)]
        empty, full = (min(of_one, key=lambda one: one.cpu) for of_one in zip(*pairs, strict=True))
        lines.append(
            f"| {name}, {count} jobs in done/ | {full.wall:.2f} | {full.cpu:.3f} | with none"
            f" {empty.cpu:.3f} CPU s | {full.cpu / empty.cpu:.2f} × |"
        )
    for house in houses:
        house.close()
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drops", type=int, default=500)
    parser.add_argument("--waiting", type=int, default=10_000)
    parser.add_argument("--done", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        print("| what | wall s | CPU s | peer | ratio |\n|---|---|---|---|---|")
        for part, count in ((intake, given.drops), (waiting, given.waiting), (history, given.done)):
            print("\n".join(part(folder, count)), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{datetime.date.today()}, {os.cpu_count()} cores, load at the end {load}")


if __name__ == "__main__":
    main()
