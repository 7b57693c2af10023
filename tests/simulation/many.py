"""Many seeds on several cores, and what they showed together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.coverage import Seen, table
from tests.simulation.play import Report, play
from tests.simulation.shapes import MINUTES, Shape
from tests.simulation.steer import Schedule


def many(
    seeds: range,
    seconds: float,
    processes: int,
    file: Path | None = None,
    shape: Shape = MINUTES,
) -> int:
    """SEEDS in plays of SHAPE, for at most SECONDS. FILE keeps what ranges of seeds played one after
    another met."""
    began, reports, seen = time.perf_counter(), list[Report](), Seen()
    if file and file.exists():
        seen.load(file.read_text())
    schedule = Schedule(seeds, seen, shape)
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for report in _played(pool, schedule, shape, processes, began + seconds):
            reports.append(report)
            seen.add(report.seen)
            if report.broken:
                print(f"seed {report.seed}: {report.broken}", flush=True)
            if file:  # what was met stays, however the range ends
                file.write_text(seen.dump())
    took = time.perf_counter() - began
    print(table(seen))
    drops = sum(report.jobs for report in reports)
    days = sum(report.seconds for report in reports) / 86400
    calls, cpu = sum(report.calls for report in reports), sum(report.cpu for report in reports)
    met = sum(
        count
        for report in reports
        for (_, fault), count in report.seen.met.items()
        if fault != "none"
    )
    broken = sum(report.broken is not None for report in reports)
    print(
        f"{len(reports)} plays ({shape.name}, seeds from {seeds.start}), {drops} drops, {days:.2f}"
        f" simulated days, {calls} file calls, {met} faults met by edges, in {took:.0f} s and {cpu:.0f} s"
        f" of processor time: {drops / cpu:.0f} drops per second of that; {broken} broken"
    )
    return 1 if broken else 0


def _played(
    pool: Executor, schedule: Schedule, shape: Shape, at_once: int, until: float
) -> Iterator[Report]:
    """Plays, as they end; none begins after UNTIL."""
    running: set[Future[Report]] = set()
    while True:
        while len(running) < at_once and time.perf_counter() < until:
            if (seed := schedule.next()) is None:
                break
            running.add(pool.submit(_brief, seed, shape))
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for one in done:
            report = one.result()
            schedule.played(report.seed)
            yield report


def _brief(seed: int, shape: Shape) -> Report:
    report = play(seed, shape=shape)
    report.trace = []
    return report
