"""The web layer with 100 000 finished jobs: reindex, lists, statuses at 500 requests a second,
submissions, a large upload, memory.

    python benchmarks/bench_api.py [--jobs 100000] [--rate 500] [--seconds 10] [--rounds 3]
    [--upload-gb 5] [--folder DIR]

A real `python -m webapi` process on loopback is asked over HTTP by this one, on the same cores.
Statuses are timed from the instant at which each was due; the peer is a bare Flask route in the
same server, which answers from a constant, asked in turn with ours. Peer of the lists: the same
list without an index, read from the tree as the command line does it (`inbox3d jobs --json`), on a
twentieth of the jobs and scaled.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from layout import names
from layout.disk import Disk
from layout.init import init
from layout.manifest import Accepted, JobFile, Listed, Provenance, Source, Start
from layout.tree import Atlas, State
from pipeline import config, jobs
from pipeline.submission import job_view
from webapi.index.database import connect
from webapi.index.overview import reindex
from webapi.index.table import Index

KINDS = ("scan", "images", "prompt", "convert")


def generate(atlas: Atlas, count: int) -> list[str]:
    """COUNT finished jobs as folders with job.json; their results do not matter here."""
    options = {kind: jobs.options_of(jobs.parse({"kind": kind})) for kind in KINDS}
    ids = []
    for number in range(count):
        kind, day = KINDS[number % 4], 1 + number % 28
        at = f"2026-{1 + number % 12:02}-{day:02}T{number % 24:02}:{number % 60:02}:00+00:00"
        id = names.new_id(f"{random.choice(('vase', 'lion', 'bracket', 'gnome'))} {number}")
        folder = atlas.done / id
        folder.mkdir()
        job = JobFile(
            id=id,
            kind=kind,
            options=options[kind],
            source=Source(name=f"object {number}", origin="api", at=at),
            inode=folder.stat().st_ino,
            manifest=[Listed(path="a.ply", size=1, sha256="0" * 64)],
            accepted=Accepted(at=at, n=0),
            starts=[Start(n=1, worker="host-cpu-abcd", at=at, ended=at, noted="finished")],
            provenance=Provenance(times={"finish.export": 10.0 + number % 50}),
        )
        (folder / "job.json").write_bytes(job.dump())
        ids.append(id)
    return ids


class Client:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def get(self, path: str) -> float:
        """Seconds until the answer was read."""
        return self._ask("GET", path, None, 200)

    def post(self, path: str, body: object) -> float:
        return self._ask("POST", path, json.dumps(body), 202)

    def _ask(self, method: str, path: str, body: str | None, expected: int) -> float:
        began = time.perf_counter()
        self.connection.request(
            method, path, body, {"Content-Type": "application/json"} if body else {}
        )
        answer = self.connection.getresponse()
        answer.read()
        assert answer.status == expected, (path, answer.status)
        return time.perf_counter() - began


def share(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def lists(port: int, count: int = 200) -> dict[str, list[float]]:
    """Times of list pages by what is asked: plain, filtered, deep, searched, and the library
    page."""
    import urllib.request

    client, found = Client(port), {}
    for name, path in {
        "list page": "/3d/jobs?page_size=50",
        "by kind and state": "/3d/jobs?kind=scan&state=completed",
        "searched": "/3d/jobs?q=object+777",
        "library page (HTML)": "/done",
    }.items():
        found[name] = [client.get(path) for _ in range(count)]
    token, deep = None, []
    for _ in range(count):
        began = time.perf_counter()
        page = f"&page_token={token}" if token else ""
        address = f"http://127.0.0.1:{port}/3d/jobs?page_size=500{page}"
        with urllib.request.urlopen(address) as answer:
            token = json.loads(answer.read())["next_page_token"]
        deep.append(time.perf_counter() - began)
    return found | {"500 a page, all the way down": deep}


def load(port: int, ids: list[str], rate: int, seconds: float, clients: int = 8) -> list[float]:
    """Latencies of statuses asked for at RATE a second, measured from the instant at which each was
    due."""
    times: list[list[float]] = [[] for _ in range(clients)]
    start = time.perf_counter() + 0.2

    def ask(which: int) -> None:
        client, number = Client(port), which
        while (due := start + number / rate) < start + seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            client.get(f"/3d/status/{ids[(number * 7919) % len(ids)]}")
            times[which].append(time.perf_counter() - due)
            number += clients

    threads = [threading.Thread(target=ask, args=(which,)) for which in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [value for some in times for value in some]


def submissions(port: int, seconds: float, clients: int = 4) -> float:
    """Prompts a second that CLIENTS together get accepted, each fsynced and sealed."""
    counts = [0] * clients
    end = time.perf_counter() + seconds

    def send(which: int) -> None:
        client = Client(port)
        while time.perf_counter() < end:
            client.post("/3d/generate", {"prompt": f"a red cube, number {which}.{counts[which]}"})
            counts[which] += 1

    threads = [threading.Thread(target=send, args=(which,)) for which in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def upload(port: int, pid: int, gigabytes: float) -> tuple[float, float]:
    """(seconds, most resident MB of the serving process) of one multipart upload of GIGABYTES."""
    chunk, count = os.urandom(1 << 20), int(gigabytes * 1000**3 / (1 << 20))
    head = (
        b'--cut\r\nContent-Disposition: form-data; name="files";'
        b' filename="big.bin"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    tail = b"\r\n--cut--\r\n"
    most, over = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, rss(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        length = len(head) + count * len(chunk) + len(tail)
        lines = (
            "POST /3d/from-scan HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data;"
            " boundary=cut\r\n"
        )
        connection.sendall(
            f"{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n".encode() + head
        )
        for _ in range(count):
            connection.sendall(chunk)
        connection.sendall(tail)
        connection.settimeout(900)
        answer = connection.recv(65536)
    over.set()
    watcher.join()
    assert b" 202 " in answer.split(b"\r\n")[0], answer[:300]
    return time.perf_counter() - began, most


def rss(pid: int) -> float:
    line = next(
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1000


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
    command = (
        [
            sys.executable,
            "-m",
            "webapi",
            "--atlas",
            str(atlas.root),
            "--listen",
            f"127.0.0.1:{port}",
        ]
        if atlas
        else []
    )
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
        row("memory at rest", f"{rss(pid):.0f} MB", "< 120 MB", rss(pid) < 120)
        plain = 0.0
        for name, times in lists(port).items():
            bound = 0.05 if name == "list page" else None
            plain = plain or share(times, 0.5)
            row(
                name,
                f"p50 {1000 * share(times, 0.5):.1f}  p95 {1000 * share(times, 0.95):.1f} ms",
                "p95 ≤ 50 ms" if bound else "",
                not bound or share(times, 0.95) <= bound,
            )
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
