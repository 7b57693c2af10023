"""Edges per second: submit → claim → start → finish of small sealed jobs, beside a bare rename loop
and CERN's dirq.

    python benchmarks/bench_claims.py [--jobs 1000] [--durable-jobs 200] [--repeats 3] [--folder
    DIR]

inbox3d does all that the protocol asks for: request read and validated, inode and manifest
compared, job.json written at acceptance and at the start. The bare loop only renames a folder four
times and reads its job.json; with durable moves both fsync both parents after each rename and every
written file. dirq (PyPI: dirq) adds, locks, reads and removes a message; it never fsyncs. Every
process reports the jobs it took, so that lost and doubled ones are counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.claims_peers import ALONE, BARE, DIRQ, Peer, run_all, submit_some
from layout.disk import Disk
from layout.init import init

fork = multiprocessing.get_context("fork")


INBOX3D = Peer("inbox3d: submit, claim, start, finish", 4, submit_some, run_all)


class Run(NamedTuple):
    """RATE in steps per second."""

    rate: float
    lost: int
    doubled: int


def measure(peer: Peer, folder: Path, durable: bool, jobs: int, processes: int) -> Run:
    root = folder / "tree"
    shutil.rmtree(root, ignore_errors=True)
    if peer in (INBOX3D, ALONE):
        init(root, Disk(durable=False))
    answers = fork.SimpleQueue()

    def child() -> None:
        peer.add(root, durable, jobs // processes)
        answers.put(None)
        barrier.wait()
        answers.put(peer.take_all(root, durable))

    barrier = fork.Barrier(processes)
    children = [fork.Process(target=child) for _ in range(processes)]
    began = time.perf_counter()
    for process in children:
        process.start()
    taken = [name for _ in range(2 * processes) for name in answers.get() or []]
    spent = time.perf_counter() - began
    for process in children:
        process.join()
    shutil.rmtree(root)
    return Run(jobs * peer.steps / spent, jobs - len(set(taken)), len(taken) - len(set(taken)))


def table(folder: Path, jobs: int, durable_jobs: int, repeats: int) -> str:
    lines = [
        (
            "| durable moves | processes | who | steps/s, median (min–max) | against it inbox3d has"
            " | lost | doubled |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for durable, count in ((False, jobs), (True, durable_jobs)):
        for processes in (1, 4):
            peers = (INBOX3D, ALONE, BARE) if durable else (INBOX3D, ALONE, BARE, DIRQ)
            runs: dict[str, list[Run]] = {peer.name: [] for peer in peers}
            # in turn, so that a busy moment of the machine hits all of them
            for _ in range(repeats):
                for peer in peers:
                    runs[peer.name].append(measure(peer, folder, durable, count, processes))
            middle = {
                name: statistics.median(run.rate for run in found) for name, found in runs.items()
            }
            for name, found in runs.items():
                rates = sorted(run.rate for run in found)
                whole, alone = (middle[ours.name] / middle[name] for ours in (INBOX3D, ALONE))
                ratio = (
                    "" if name in (INBOX3D.name, ALONE.name) else f"{whole:.2f}; {alone:.2f} alone"
                )
                lost, doubled = sum(run.lost for run in found), sum(run.doubled for run in found)
                spread = f"{middle[name]:.0f} ({rates[0]:.0f}–{rates[-1]:.0f})"
                lines.append(
                    f"| {'on' if durable else 'off'} | {processes} | {name} | {spread} | {ratio} |"
                    f" {lost} | {doubled} |"
                )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--durable-jobs", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--folder",
        type=Path,
        help="where to make the trees (default: the system's temporary folder)",
    )
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="inbox3d-bench-", dir=given.folder))
    try:
        jobs = f"{given.jobs} jobs ({given.durable_jobs} durable), {given.repeats} repeats"
        print(
            f"Python {platform.python_version()}, {os.cpu_count()} cores, load"
            f" {os.getloadavg()[0]:.1f}, {jobs}\n"
        )
        print(table(folder, given.jobs, given.durable_jobs, given.repeats))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
