"""The web process as it is run: the mission's lines, its size, its death in the middle of an upload, and the fleet around it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from layout.tree import Atlas, State
from tests.support.live import QUICK, House, eventually, sums
from tests.support.web import PLY, Server, box, forge, free_port

pytestmark = pytest.mark.slow
TELLS = ("report.html", "scan.json", "checksums.sha256")  # which job it was, and how long it took
MISSION = """\
curl http://localhost:8000/health
curl -X POST http://localhost:8000/3d/generate -H "Content-Type: application/json" -d '{"prompt": "a red cube", "output_format": "glb"}'
curl http://localhost:8000/3d/status/{job_id}
curl http://localhost:8000/3d/download/{job_id}
"""


def curl(line: str, port: int, id: str = "") -> tuple[int, bytes]:
    """Run a line of the mission with another port; (status, body)."""
    words = shlex.split(line.replace(":8000", f":{port}").replace("{job_id}", id))
    done = subprocess.run(
        [*words, "-s", "-w", "\n%{http_code}"], capture_output=True, timeout=30, check=True
    )
    body, _, status = done.stdout.rpartition(b"\n")
    return int(status), body


def test_the_missions_curl_lines_work_as_they_stand(
    server: Server, atlas: Atlas, program: Callable[[str], Path]
) -> None:
    """Health, generate, status and download, but for the port and the job's id."""
    program("curl")
    health, generate, status, download = MISSION.splitlines()
    assert curl(health, server.port)[0] == 200
    code, body = curl(generate, server.port)
    assert code == 202 and set(json.loads(body)) == {"job_id", "status_url"}
    assert json.loads(curl(status, server.port, json.loads(body)["job_id"])[1])["state"] == "queued"
    done = forge(atlas, State.DONE)
    assert curl(download, server.port, done.id) == (
        200,
        (done.path / "output/model.glb").read_bytes(),
    )


def test_the_process_is_small(server: Server) -> None:
    """Under 120 MB after every page and the contract were asked for."""
    for path in ("/", "/done", "/docs", "/openapi.json", "/metrics", "/3d/jobs"):
        assert server.get(path).status == 200
    assert server.rss() < 120


def upload_head(length: int) -> bytes:
    head = b'--cut\r\nContent-Disposition: form-data; name="files"; filename="scan.ply"\r\n\r\n'
    lines = "POST /3d/from-scan HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=cut\r\n"
    return f"{lines}Content-Length: {length + len(head) + 11}\r\n\r\n".encode() + head


def test_a_process_killed_during_an_upload_leaves_a_draft_and_nothing_in_inbox(
    server: Server, atlas: Atlas
) -> None:
    """What was received stands in drafts/, which the reaper sweeps."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(upload_head(64 << 20) + bytes(8 << 20))
        eventually(
            lambda: any(path.stat().st_size > 1 << 20 for path in atlas.drafts.rglob("scan.ply")),
            20,
            "the draft grows",
        )
        server.kill()
    assert (
        atlas.places(State.INBOX) == []
        and [entry.name for entry in atlas.entries(State.INBOX)] == []
    )
    assert len(list(atlas.drafts.iterdir())) == 1


def test_an_upload_that_its_sender_breaks_off_leaves_nothing(server: Server, atlas: Atlas) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(upload_head(64 << 20) + bytes(4 << 20))
        eventually(lambda: list(atlas.drafts.iterdir()), 20, "the draft is there")
    eventually(lambda: not list(atlas.drafts.iterdir()), 20, "the draft is thrown away")
    assert atlas.places(State.INBOX) == []


@pytest.mark.parametrize(
    "transfer", ["Content-Length: 1000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffff\r\n"]
)
def test_a_file_that_is_cut_off_becomes_no_job(server: Server, atlas: Atlas, transfer: str) -> None:
    """A body that is one file has no end of its own to be missed: its length tells."""
    head = f"POST /3d/from-scan?name=a.obj HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n{transfer}"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"v 0 0 0\n" * 1000)
        eventually(lambda: list(atlas.drafts.iterdir()), 20, "the draft is there")
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize("route", ["/3d/generate", "/3d/from-scan?name=a.obj", "/do/prompt"])
def test_a_chunk_that_is_none_is_the_senders_fault(server: Server, route: str) -> None:
    kind = {
        "/3d/generate": "application/json",
        "/do/prompt": "application/x-www-form-urlencoded",
    }.get(route, "application/octet-stream")
    head = f"POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"zz\r\n\r\n")
        connection.settimeout(20)
        assert connection.recv(100).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("sent", "first"), [("", b"503"), ("Authorization: Bearer i3d_no_key\r\n", b"429")]
)
def test_bodies_that_stand_still_hold_nobody_up(server: Server, sent: str, first: bytes) -> None:
    """More of them than there are threads: those beyond their half are sent away, and who may not send is not waited for."""
    head = f"POST /3d/from-scan HTTP/1.1\r\nHost: localhost\r\n{sent}Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 99999\r\n\r\n--x"
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(60)]
    for connection in held:
        connection.sendall(head.encode())
    assert [server.get("/health", timeout=10).status for _ in range(5)] == [200] * 5
    held[-1].settimeout(10)
    assert held[-1].recv(100).startswith(b"HTTP/1.1 " + first)
    for connection in held:
        connection.close()


def test_a_large_upload_needs_no_memory_of_its_size(server: Server, atlas: Atlas) -> None:
    """400 MB arrive; the process stays under 150 MB, and the file is whole."""
    size, most, over = 400 << 20, [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most.append(server.rss())

    watcher = threading.Thread(target=watch)
    watcher.start()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(upload_head(size))
        for _ in range(size >> 20):
            connection.sendall(bytes(1 << 20))
        connection.sendall(b"\r\n--cut--\r\n")
        connection.settimeout(120)
        assert connection.recv(100).startswith(b"HTTP/1.1 202")
    over.set()
    watcher.join()
    (place,) = atlas.places(State.INBOX)
    assert (place.path / "input/scan.ply").stat().st_size == size
    assert max(most) < 150


def test_a_page_that_follows_hears_of_a_job_at_once(server: Server, atlas: Atlas) -> None:
    """Server-sent events over a real connection, one by one."""
    stream = server.get("/3d/events", preload_content=False, timeout=20)
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    forge(atlas, State.CLAIMED, name="lion")
    text = ""
    while "event: job" not in text:
        text += stream.read1(4096).decode()
    assert '"name": "lion"' in text
    stream.close()


def test_clients_that_send_nothing_or_half_a_head_hold_nobody_up(server: Server) -> None:
    """Twice as many as there are threads; others are answered meanwhile, and half a head may still be completed."""
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    for half in held[:100]:
        half.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    began = time.monotonic()
    assert [server.get("/health").status for _ in range(5)] == [200] * 5
    assert time.monotonic() - began < 5
    held[0].sendall(b"yes\r\n\r\n")
    held[0].settimeout(10)
    assert held[0].recv(100).startswith(b"HTTP/1.1 200")
    for connection in held:
        connection.close()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_what_is_no_http_is_refused_in_the_form_of_every_refusal(
    server: Server, sent: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(sent)
        connection.settimeout(20)
        head, _, body = b"".join(iter(lambda: connection.recv(4096), b"")).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode()) and b"application/problem+json" in head
    assert (json.loads(body)["type"], json.loads(body)["status"]) == ("/docs#bad-request", status)


def test_a_restored_tree_makes_it_begin_anew_under_another_name(
    server: Server, atlas: Atlas
) -> None:
    """A new epoch: the serving process is replaced, the socket stays."""
    before = {path.name for path in atlas.workers.glob("*-web-*.json")}
    known = atlas.identity()
    atlas.disk.replace(
        atlas.identity_file, known.model_copy(update={"epoch": known.epoch + 1}).dump()
    )
    eventually(
        lambda: {path.name for path in atlas.workers.glob("*-web-*.json")} - before,
        30,
        "another name beats",
    )
    eventually(lambda: server.get("/ready").status == 200, 20, "it serves again")


def test_a_stopped_process_takes_its_heartbeat_away_and_ends_its_streams(
    server: Server, atlas: Atlas
) -> None:
    stream = server.get("/3d/events", preload_content=False, timeout=20)
    (beat,) = atlas.workers.glob("*-web-*.json")
    server.process.terminate()
    assert server.process.wait(15) == 0
    assert not beat.exists()
    stream.close()


def test_up_serves_the_pages_too_and_goes_on_where_the_port_is_taken(tmp_path: Path) -> None:
    """The taken port is named; intake and worker run."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port, free = taken.getsockname()[1], free_port()
        house = House(tmp_path)
        try:
            house.up("--listen", f"127.0.0.1:{port}", name="blocked")
            house.up("--listen", f"127.0.0.1:{free}", name="free")
            eventually(
                lambda: len(list(house.atlas.workers.glob("blocked-*.json"))) == 2,
                40,
                "intake and worker of the blocked one live",
            )
            eventually(
                lambda: len(list(house.atlas.workers.glob("free-*.json"))) == 3,
                40,
                "the free one has a web process too",
            )
            assert f"127.0.0.1:{port} cannot be bound" in house.log.read_text()
            assert (
                subprocess.run(
                    ["curl", "-sf", f"http://localhost:{free}/health"], capture_output=True
                ).returncode
                == 0
            )
        finally:
            house.close()


def test_the_same_files_are_the_same_job_however_they_are_sent(tmp_path: Path) -> None:
    """curl, the page's form, the command line and a folder drop: kind, options, manifest and drop name in job.json, after acceptance."""
    house = House(tmp_path)
    drop = tmp_path / "vase"
    drop.mkdir()
    for number in range(2):
        (drop / f"pass{number}.ply").write_bytes(PLY.replace(b"0 0 0", f"{number} 0 0".encode()))
    port = free_port()
    try:
        house.up("--listen", f"127.0.0.1:{port}", "--queues", "mesh")
        eventually(
            lambda: list(house.atlas.workers.glob("*-web-*.json")), 40, "the web process lives"
        )
        eventually(
            lambda: (
                subprocess.run(
                    ["curl", "-sf", f"http://localhost:{port}/health"], capture_output=True
                ).returncode
                == 0
            ),
            20,
            "it serves",
        )
        shutil.copytree(
            drop, house.atlas.inbox / "vase"
        )  # first: a folder of a name that waits already would be held
        eventually(lambda: house.atlas.places(State.CLAIMED), 40, "the folder is claimed")
        parts = [f"-Ffiles=@{path}" for path in sorted(drop.iterdir())]
        send = ["curl", "-sf", f"http://localhost:{port}/3d/from-scan", "-Fname=vase", *parts]
        folder = [
            "curl",
            "-sf",
            f"http://localhost:{port}/do/upload",
            *[f"-Ffiles=@{path};filename=vase/{path.name}" for path in sorted(drop.iterdir())],
        ]
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "submit",
            str(drop),
            "--atlas",
            str(house.atlas.root),
        ]
        environment = os.environ | QUICK | {"INBOX3D_HOST__SCRATCH": str(house.scratch)}
        for line in (send, folder, command):
            subprocess.run(line, check=True, capture_output=True, env=environment)
        places = eventually(
            lambda: (
                len(found := house.atlas.places(State.CLAIMED)) == 4
                and all(not p.hidden for p in found)
                and found
            ),
            40,
            "all four wait",
        )
        facts = []
        for place in places:
            job = json.loads((place.path / "job.json").read_text())
            facts.append(
                (
                    job["kind"],
                    job["options"],
                    job["source"]["name"],
                    [(row["path"], row["size"], row["used"]) for row in job["manifest"]],
                    place.queue,
                )
            )
        assert all(fact == facts[0] for fact in facts), facts
        assert facts[0][0] == "scan"
    finally:
        house.close()


def test_the_same_mesh_gives_the_same_result_however_it_is_sent(tmp_path: Path) -> None:
    """curl, the page's form, the command line and a dropped file: kind, options, manifest with checksums, and every byte of the models."""
    house, port, cube = House(tmp_path), free_port(), tmp_path / "cube.obj"
    cube.write_bytes(box())
    try:
        house.up("--listen", f"127.0.0.1:{port}")
        eventually(
            lambda: (
                subprocess.run(
                    ["curl", "-sf", f"http://localhost:{port}/health"], capture_output=True
                ).returncode
                == 0
            ),
            60,
            "it serves",
        )
        shutil.copy(
            cube, house.atlas.inbox / cube.name
        )  # first: a drop of a name that runs already would be held
        eventually(
            lambda: house.places(State.CLAIMED, State.PROCESSING, State.DONE),
            40,
            "the drop is claimed",
        )
        for route in ("/3d/from-scan", "/do/upload"):
            send = ["curl", "-sf", f"http://localhost:{port}{route}", f"-Ffiles=@{cube}"]
            subprocess.run(send, check=True, capture_output=True)
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "submit",
            str(cube),
            "--atlas",
            str(house.atlas.root),
        ]
        subprocess.run(command, check=True, capture_output=True, env=house.environment)
        places = eventually(
            lambda: len(found := house.places(State.DONE)) == 4 and found,
            150,
            f"all four are done ({house.tail()})",
        )
        jobs = [json.loads((place.path / "job.json").read_text()) for place in places]
        facts = [
            (job["kind"], job["options"], job["source"]["name"], job["manifest"]) for job in jobs
        ]
        results = [
            {
                name: digest
                for name, digest in sums(place.path / "output").items()
                if name not in TELLS
            }
            for place in places
        ]
    finally:
        house.close()
    assert {job["source"]["origin"] for job in jobs} == {"share", "api", "cli"}
    assert all(fact == facts[0] for fact in facts), facts
    assert facts[0][0] == "convert" and facts[0][3][0]["sha256"]
    assert all(result == results[0] for result in results), results
    assert "model.glb" in results[0]
