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
import json
import multiprocessing
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from layout import accept, claims, dropped, lifecycle, names
from layout.accept import AcceptedRequest
from layout.disk import Disk
from layout.init import init
from layout.lifecycle import Gone
from layout.manifest import JobFile, Listed, Source, now, write_job
from layout.tree import Atlas, State

fork = multiprocessing.get_context("fork")
FACTS = AcceptedRequest("convert", {"output_format": ["glb"]}, frozenset(), "sealed", origin="api")


class Peer(NamedTuple):
    """STEPS: what one job costs, counted as the rate's unit."""

    name: str
    steps: int
    add: Callable[[Path, bool, int], None]
    take_all: Callable[[Path, bool], list[str]]


# -- inbox3d -----------------------------------------------------------------------------------
def submit_some(root: Path, durable: bool, count: int) -> None:
    atlas = Atlas(root, Disk(durable))
    for _ in range(count):
        draft = atlas.draft(names.new_id("bench"))
        atlas.disk.mkdir(draft)
        atlas.disk.mkdir(draft / "input")
        atlas.disk.write_new(draft / "input" / "part.stl", b"x" * 84)
        source, inode = Source(name="bench", origin="api", at=now()), draft.stat().st_ino
        write_job(
            atlas.disk,
            draft,
            JobFile(
                id=draft.name,
                kind="convert",
                source=source,
                inode=inode,
                manifest=[Listed(path="part.stl", size=84)],
            ),
        )
        lifecycle.submit(atlas, draft)


def run_all(root: Path, durable: bool) -> list[str]:
    """Claim until inbox/ is empty, then start and finish until claimed/ is."""
    atlas, worker, taken = (
        Atlas(root, Disk(durable)),
        names.worker_name("bench", f"p{os.getpid()}"),
        [],
    )
    while entries := rotated([entry.name for entry in atlas.entries(State.INBOX)]):
        for name in entries:
            try:
                job = claims.request(atlas, name)
                if job is None or not dropped.sealed(atlas.disk, atlas.inbox / name, job):
                    continue
                claim = claims.identify_folder(atlas, name, job, changing=False)
                accept.accept(
                    atlas, lifecycle.claim_job(atlas, name, "prepare", claim.id, claim.n), FACTS
                )
            except Gone:
                break
    while waiting := rotated([place for place in atlas.places(State.CLAIMED) if not place.hidden]):
        for place in waiting:
            try:
                held = lifecycle.start(atlas, place, worker)
            except Gone:
                break
            lifecycle.record_start(atlas, held)
            taken.append(lifecycle.finish(atlas, held).id)
    return taken


def run_edges(root: Path, durable: bool) -> list[str]:
    """The edges alone: nothing is read, compared or written into job.json."""
    atlas, worker, taken = (
        Atlas(root, Disk(durable)),
        names.worker_name("bench", f"p{os.getpid()}"),
        [],
    )
    while entries := rotated([entry.name for entry in atlas.entries(State.INBOX)]):
        for name in entries:
            try:
                lifecycle.reveal(atlas, lifecycle.claim_job(atlas, name, "prepare", name, 0))
            except Gone:
                break
    while waiting := rotated([place for place in atlas.places(State.CLAIMED) if not place.hidden]):
        for place in waiting:
            try:
                taken.append(lifecycle.finish(atlas, lifecycle.start(atlas, place, worker)).id)
            except Gone:
                break
    return taken


def rotated(found: list) -> list:  # type: ignore[type-arg]
    """Each process begins elsewhere in the same listing; whoever loses a race looks again, as the
    watchers do."""
    start = random.randrange(len(found)) if found else 0
    return found[start:] + found[:start]


# -- the bare loop -----------------------------------------------------------------------------
def add_bare(root: Path, durable: bool, count: int) -> None:
    for state in ("draft", "inbox", "claimed", "processing", "done"):
        (root / state).mkdir(parents=True, exist_ok=True)
    disk = Disk(durable)
    for number in range(count):
        draft = root / "draft" / f"{os.getpid()}-{number}"
        disk.mkdir(draft)
        disk.write_new(
            draft / "job.json", json.dumps({"kind": "convert", "output_format": ["glb"]}).encode()
        )
        disk.rename(draft, root / "inbox" / draft.name)


def take_bare(root: Path, durable: bool) -> list[str]:
    disk, taken = Disk(durable), []
    for source, target in (("inbox", "claimed"), ("claimed", "processing")):
        while entries := rotated([entry.name for entry in disk.scandir(root / source)]):
            for name in entries:
                goal = root / target / (name if target == "claimed" else f"{name}.{os.getpid()}")
                try:
                    disk.rename(root / source / name, goal)
                except FileNotFoundError:
                    break
                if target == "processing":
                    json.loads(disk.read(goal / "job.json"))
                    disk.rename(goal, root / "done" / name)
                    taken.append(name)
    return taken


# -- dirq --------------------------------------------------------------------------------------
def add_dirq(root: Path, durable: bool, count: int) -> None:
    from dirq.QueueSimple import QueueSimple

    queue = QueueSimple(str(root))
    for number in range(count):
        queue.add(
            json.dumps(
                {"kind": "convert", "output_format": ["glb"], "number": f"{os.getpid()}-{number}"}
            )
        )


def take_dirq(root: Path, durable: bool) -> list[str]:
    from dirq.QueueSimple import QueueSimple

    queue, taken = QueueSimple(str(root)), []
    for _ in range(2):
        name = queue.first()
        while name:
            if queue.lock(name):
                taken.append(json.loads(queue.get(name))["number"])
                queue.remove(name)
            name = queue.next()
    return taken


INBOX3D = Peer("inbox3d: submit, claim, start, finish", 4, submit_some, run_all)
ALONE = Peer("inbox3d: the same edges alone", 4, submit_some, run_edges)
BARE = Peer("bare loop: four renames", 4, add_bare, take_bare)
DIRQ = Peer("dirq QueueSimple: add, lock, remove", 3, add_dirq, take_dirq)


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
