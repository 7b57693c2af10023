"""The web layer with 100 000 finished jobs: reindex, lists, statuses at 500 requests a second,
submissions, a large upload, memory.

    python benchmarks/bench_api.py [--jobs 100000] [--rate 500] [--seconds 10] [--rounds 3]
    [--upload-gb 5] [--lists] [--folder DIR]

A real `python -m webapi` process on loopback is asked over HTTP by this one, on the same cores.
Statuses are timed from the instant at which each was due; the peer is a bare Flask route in the
same server, which answers from a constant, asked in turn with ours. Peer of the lists: the same
list without an index, read from the tree as the command line does it (`inbox3d jobs --json`), on a
twentieth of the jobs and scaled.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.api_load import Client, generate, lists, load, rss, share, submissions, upload
from layout.disk import Disk
from layout.init import init
from layout.tree import Atlas, State
from pipeline import config
from pipeline.submission import job_view
from pipeline.watchers.members import ours
from webapi.index.database import connect
from webapi.index.overview import reindex
from webapi.index.table import Index

UNBOUND = ("library page (HTML)", "500 a page, all the way down")  # they are no plain list


def bare() -> None:
    """The peer: a Flask application of one route that answers from a constant, in the server that
    ours runs in."""
    import flask

    from webapi.serving import server

    def load() -> flask.Flask:
        app = flask.Flask("bare")
        answer = {
            "state": "completed",
            "message": "done",
            "asset_path": "done/x/output/model.glb",
            "progress": 1.0,
            "eta": None,
        }
        app.add_url_rule("/ready", "ready", dict)
        app.add_url_rule("/3d/status/<id>", "status", lambda id: {"job_id": id, **answer})
        return app

    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=512)
    server.run(listener, config.Web().threads, load, lambda: None, "bare")


def serve(root: Path, atlas: Atlas | None) -> tuple[subprocess.Popen[bytes], int, int]:
    """(process, pid of the one that serves, port) of a web process whose index is filled; of the
    bare peer where there is no ATLAS."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "INBOX3D_HOST__SCRATCH": str(root / "state" / "scratch"),
        "INBOX3D_LOG__LEVEL": "warning",
    }
    environment |= {"INBOX3D_WEB__MAX_WAITING": "1000000"}
    command = ours("webapi", atlas.root, "--listen", f"127.0.0.1:{port}") if atlas else []
    process = subprocess.Popen(
        command or [sys.executable, __file__, "--bare", str(port)],
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            Client(port).get("/ready")
            child = int(
                Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0]
            )
            return process, child, port
        except (OSError, AssertionError):
            time.sleep(0.1)
    raise SystemExit("the web process did not become ready")


def without_index(atlas: Atlas, part: int) -> float:
    """Seconds for one list as the command line makes it, PART jobs shown and scaled to all."""
    began = time.perf_counter()
    places = job_view.all_jobs(atlas)
    listing = time.perf_counter() - began
    began = time.perf_counter()
    for place in places[:part]:
        job_view.show(atlas, place)
    return listing + (time.perf_counter() - began) * len(places) / max(part, 1)


def statuses(root: Path, port: int, ids: list[str], given: argparse.Namespace) -> None:
    """Rounds of statuses beside rounds of the bare peer; every round is shown, the worst one
    counts."""
    peer, _, peers_port = serve(root, None)
    try:
        ours, theirs = [], []
        for _ in range(given.rounds):
            ours.append(load(port, ids, given.rate, given.seconds))
            theirs.append(load(peers_port, ids, given.rate, given.seconds))
    finally:
        os.killpg(peer.pid, signal.SIGTERM)
        peer.wait(20)
    p99 = [[1000 * share(times, 0.99) for times in each] for each in (ours, theirs)]
    p50 = [1000 * share([*itertools.chain(*each)], 0.5) for each in (ours, theirs)]
    said = [
        f"p50 {half:.1f}  p99 {', '.join(f'{value:.0f}' for value in each)} ms"
        for half, each in zip(p50, p99, strict=True)
    ]
    row(f"status, {given.rate} a second", said[0], "p99 < 100 ms", max(p99[0]) < 100)
    row("peer: a bare Flask route, as often", said[1], f"p50 {p50[0] / p50[1]:.1f} times quicker")


def row(what: str, value: str, bound: str = "", ok: bool = True) -> None:
    print(f"{what:<40} {value:>34}   {bound}{'' if ok else '   MISSED'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--upload-gb", type=float, default=5.0)
    parser.add_argument("--lists", action="store_true", help="memory at rest and lists only")
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="inbox3d-api-", dir=given.folder))
    try:
        measure(root, given)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure(root: Path, given: argparse.Namespace) -> None:
    atlas = init(root / "atlas", Disk(durable=False))[0]
    began = time.perf_counter()
    ids = generate(atlas, given.jobs)
    print(
        f"{len(os.sched_getaffinity(0))} cores, {given.jobs} finished jobs (generated in"
        f" {time.perf_counter() - began:.0f} s)\n"
    )
    settings = config.load(None, {"INBOX3D_HOST__SCRATCH": str(root / "state" / "scratch")})
    uuid = atlas.identity().uuid
    index = Index(connect(None, settings.host.scratch.parent, uuid), uuid)
    began = time.perf_counter()
    assert reindex(atlas, settings, index) == given.jobs
    seconds = time.perf_counter() - began
    row("reindex", f"{seconds:.1f} s", "< 120 s", seconds < 120)
    index.engine.dispose()
    process, pid, port = serve(root, atlas)
    try:
        row("memory at rest", f"{rss(pid):.0f} MB", "≤ 100 MB", rss(pid) <= 100)
        plain = 0.0
        for name, (times, used) in lists(port, pid).items():
            plain = plain or share(times, 0.5)
            p95, bound = 1000 * share(times, 0.95), name not in UNBOUND
            value = f"p50 {1000 * share(times, 0.5):.1f}  p95 {p95:.1f}  CPU {1000 * used:.1f} ms"
            row(name, value, "p95 ≤ 5 ms" if bound else "", not bound or p95 <= 5)
        if given.lists:
            return
        statuses(root, port, ids, given)
        many = submissions(port, given.seconds)
        row("submissions, 4 clients", f"{many:.0f} a second", ">= 50 a second", many >= 50)
        row("memory after all that", f"{rss(pid):.0f} MB", "< 120 MB", rss(pid) < 120)
        if given.upload_gb:
            seconds, most = upload(port, pid, given.upload_gb)
            row(
                f"upload of {given.upload_gb:g} GB",
                f"{seconds:.0f} s, {given.upload_gb * 1000 / seconds:.0f} MB/s, {most:.0f} MB",
                "< 150 MB",
                most < 150,
            )
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
    assert atlas.places(State.DONE)
    tree = without_index(atlas, given.jobs // 20)
    row(
        "peer: the same list read from the tree",
        f"{tree:.1f} s",
        f"{tree / plain:.0f} times slower",
    )


if __name__ == "__main__":
    bare() if sys.argv[1:2] == ["--bare"] else main()
