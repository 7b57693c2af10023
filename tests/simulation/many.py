"""Many seeds on several cores, and what they showed together."""

from __future__ import annotations

import time
from collections import Counter
from multiprocessing import get_context

from tests.simulation.coverage import table
from tests.simulation.play import Report, play


def many(seeds: range, seconds: float, processes: int) -> int:
    began, played, jobs, simulated, calls = time.perf_counter(), 0, 0, 0.0, 0
    met: Counter[tuple[str, str]] = Counter()
    broken: list[Report] = []
    with get_context("fork").Pool(processes) as pool:
        for report in pool.imap_unordered(_brief, seeds, chunksize=2):
            played, jobs, simulated, calls = (
                played + 1,
                jobs + report.jobs,
                simulated + report.seconds,
                calls + report.calls,
            )
            met += report.met_by
            if report.broken:
                broken.append(report)
                print(f"seed {report.seed}: {report.broken}", flush=True)
            if time.perf_counter() - began > seconds:
                pool.terminate()
                break
    took = time.perf_counter() - began
    print(table(met))
    print(
        f"{played} seeds from {seeds.start}, {jobs} drops, {simulated / 3600:.1f} simulated hours, {calls} file calls in {took:.0f} s: "
        f"{played / took:.1f} seeds/s, {jobs / took:.0f} jobs/s; {len(broken)} broken"
    )
    return 1 if broken else 0


def _brief(seed: int) -> Report:
    report = play(seed)
    report.trace = []
    return report
