"""Load on the API: clients that ask, submit and upload, and what they measure."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import threading
import time
from pathlib import Path

from layout import labels, names
from layout.manifest import Accepted, JobFile, Listed, Provenance, Source, Start
from layout.tree import Atlas
from pipeline import jobs

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
            manifest=[Listed(path="a.ply", size=1 + number % 5000, sha256="0" * 64)],
            accepted=Accepted(at=at, n=0),
            starts=[Start(n=1, worker="host-cpu-abcd", at=at, ended=at, noted="finished")],
            provenance=Provenance(
                label="draft" if number % 10 == 0 else None,
                times={"finish.export": 10.0 + number % 50},
            ),
        )
        (folder / "job.json").write_bytes(job.dump())
        if number % 50 == 0:
            labels.write(atlas, id, labels.Labels(tags=("kitchen", "old")))
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


LISTS = {
    "list page": "/3d/jobs?page_size=50",
    "by kind and state": "/3d/jobs?kind=scan&state=completed",
    "by name": "/3d/jobs?sort=name",
    "largest first, of a kind": "/3d/jobs?sort=largest&kind=images",
    "oldest first, within a month": "/3d/jobs?sort=oldest&since=2026-03-01&until=2026-04-01",
    "by name, of a state, within a week": (
        "/3d/jobs?sort=name&state=completed&since=2026-03-01&until=2026-03-08"
    ),
    "drafts": "/3d/jobs?label=draft",
    "drafts by name": "/3d/jobs?label=draft&sort=name",
    "with a tag": "/3d/jobs?tag=kitchen",
    "with a tag, of a kind, by name": "/3d/jobs?tag=kitchen&kind=scan&sort=name",
    "searched": "/3d/jobs?q=object+777",
    "counts": "/3d/counts",
    "library page (HTML)": "/done",
}


def cpu(pid: int) -> float:
    """Seconds of processor time that process PID has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def lists(port: int, pid: int, count: int = 200) -> dict[str, tuple[list[float], float]]:
    """Times of lists by what is asked, and the processor time (s) that the serving process PID took
    for each: plain, filtered, sorted, searched, deep, and the library page."""
    import urllib.request

    client, found = Client(port), {}
    for name, path in LISTS.items():
        client.get(path)
        before = cpu(pid)
        times = [client.get(path) for _ in range(count)]
        found[name] = (times, (cpu(pid) - before) / count)
    token, deep, before = None, [], cpu(pid)
    for _ in range(count):
        began = time.perf_counter()
        page = f"&page_token={token}" if token else ""
        address = f"http://127.0.0.1:{port}/3d/jobs?page_size=500{page}"
        with urllib.request.urlopen(address) as answer:
            token = json.loads(answer.read())["next_page_token"]
        deep.append(time.perf_counter() - began)
    return found | {"500 a page, all the way down": (deep, (cpu(pid) - before) / count)}


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
