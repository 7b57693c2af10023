"""Many seeds on several cores, and what they showed together."""

from __future__ import annotations

import time
from multiprocessing import get_context
from pathlib import Path

from tests.simulation.coverage import Seen, table
from tests.simulation.play import Report, play


def many(seeds: range, seconds: float, processes: int, file: Path | None = None) -> int:
    """SEEDS, for at most SECONDS. FILE keeps what ranges of seeds played one after another met."""
    began, reports = time.perf_counter(), list[Report]()
    with get_context("fork").Pool(processes) as pool:
        for report in pool.imap_unordered(_brief, seeds, chunksize=2):
            reports.append(report)
            if report.broken:
                print(f"seed {report.seed}: {report.broken}", flush=True)
            if time.perf_counter() - began > seconds:
                pool.terminate()
                break
    took = time.perf_counter() - began
    print(table(counted(reports, file)))
    drops = sum(report.jobs for report in reports)
    hours = sum(report.seconds for report in reports) / 3600
    calls, cpu = sum(report.calls for report in reports), sum(report.cpu for report in reports)
    broken = sum(report.broken is not None for report in reports)
    print(
        f"{len(reports)} seeds from {seeds.start}, {drops} drops, {hours:.1f} simulated hours,"
        f" {calls} file calls in {took:.0f} s: {len(reports) / took:.1f} seeds/s,"
        f" {drops / took:.0f} drops/s, {drops / cpu:.0f} drops per second of processor time;"
        f" {broken} broken"
    )
    return 1 if broken else 0


def counted(reports: list[Report], file: Path | None) -> Seen:
    """What REPORTS met, and what FILE knows of earlier ranges; FILE knows both then."""
    seen = Seen()
    if file and file.exists():
        seen.load(file.read_text())
    for report in reports:
        seen.add(report.seen)
    if file:
        file.write_text(seen.dump())
    return seen


def _brief(seed: int) -> Report:
    report = play(seed)
    report.trace = []
    return report
