"""For tests of the web layer: a tree with an application on it, forged jobs in any state, a real server, and small input files."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import urllib3
from werkzeug.routing import Rule

from layout import names, tree
from layout.disk import Disk
from layout.manifest import Accepted, ErrorFile, JobFile, Listed, Provenance, Source, Start
from layout.signs import Progress
from layout.tree import Atlas, Place, State
from pipeline import config, jobs
from pipeline.config import Settings
from pipeline.watchers.members import ours
from tests.support.live import QUICK, eventually
from tests.support.trees import new_tree

PLY = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\nend_header\n0 0 0\n1 0 0\n0 1 0\n"
GLB = b"glTF" + bytes(range(200)) * 40
_CORNERS = [f"{x} {y} {z}" for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
_FACES = (
    "0 1 3",
    "0 3 2",
    "4 6 7",
    "4 7 5",
    "0 4 5",
    "0 5 1",
    "2 3 7",
    "2 7 6",
    "0 2 6",
    "0 6 4",
    "1 5 7",
    "1 7 3",
)
FOREIGN = {"X-Forwarded-For": "10.0.20.7"}  # what a proxy adds


_compile, _COMPILED = Rule._compile_builder, dict[Any, Any]()


def _compiled(rule: Rule, append_unknown: bool = True) -> Any:
    """What werkzeug compiles to build a rule's addresses: bound to a rule later, so that hundreds of
    applications with the same seventy rules need it once (two thirds of what an application costs)."""
    key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
    if key not in _COMPILED:
        _COMPILED[key] = _compile(rule, append_unknown)
    return _COMPILED[key]


Rule._compile_builder = _compiled  # type: ignore[method-assign]


def make_atlas(root: Path) -> Atlas:
    """A tree whose disk does not wait for the platter."""
    return new_tree(root / "atlas", Disk(durable=False))


def make_settings(root: Path, **variables: str) -> Settings:
    return config.load(
        None,
        {
            "INBOX3D_HOST__SCRATCH": str(root / "state" / "scratch"),
            "INBOX3D_WEB__FREE_GB": "0",
            **variables,
        },
    )


def forge(
    atlas: Atlas, state: State, name: str = "vase", *, kind: str = "convert", queue: str = "finish", worker: str = "host-cpu-abcd",
    n: int = 1, at: str = "2026-11-20T12:00:00+00:00", progress: Progress | None = None, error: ErrorFile | None = None,
    label: Any = None,
    seconds: float = 12.0, output: dict[str, bytes] | None = None, by: str | None = None, id: str | None = None, **options: Any,
) -> Place:  # fmt: skip
    """A job folder in STATE as the pipeline would have left it."""
    id = id or names.new_id(name)
    place = {
        State.INBOX: lambda: atlas.at_inbox(id),
        State.CLAIMED: lambda: atlas.at_claimed(id, queue, 0),
        State.PROCESSING: lambda: atlas.at_processing(id, worker, n),
        State.DONE: lambda: atlas.at_done(id),
        State.FAILED: lambda: atlas.at_failed(id),
    }[state]()
    (place.path / tree.INPUT).mkdir(parents=True)
    (place.path / tree.INPUT / "part.ply").write_bytes(PLY)
    ended = "2026-11-20T12:01:00+00:00" if state in (State.DONE, State.FAILED) else None
    start = Start(n=1, worker=worker, at=at, ended=ended, noted="finished" if ended else None)
    job = JobFile(
        id=id, kind=kind, options=jobs.options_of(jobs.parse({"kind": kind, **options})),
        source=Source(name=name, origin="api", at=at, by=by),
        manifest=[Listed(path="part.ply", size=len(PLY))], inode=place.path.stat().st_ino,
        accepted=None if state is State.INBOX else Accepted(at=at, n=0),
        starts=[] if state in (State.INBOX, State.CLAIMED) else [start],
        provenance=Provenance(label=label, times={"finish.export": seconds} if state is State.DONE else {}),
    )  # fmt: skip
    (place.path / JobFile.name).write_bytes(job.dump())
    if state is State.DONE:
        write_output(
            place.path / tree.OUTPUT,
            output
            if output is not None
            else {"model.glb": GLB, "preview.png": b"\x89PNG\r\n\x1a\n" + bytes(50)},
        )
        (place.path / tree.LOG).write_text(
            "2026-11-20T12:00:01Z start 1\n2026-11-20T12:00:59Z finished\n"
        )
    if state is State.PROCESSING and progress:
        (place.path / tree.PROGRESS).write_bytes(progress.dump())
    if state is State.FAILED:
        fault = error or ErrorFile(
            error="NoOverlap",
            who="submitter",
            message="No two passes could be matched.",
            remedy="Scan again.",
            n=n,
        )
        (place.path / tree.ERROR).write_bytes(fault.dump())
        (place.path / tree.ERROR_TEXT).write_text(fault.message)
    return place


def write_output(folder: Path, files: dict[str, bytes]) -> None:
    """Result files with their checksums."""
    import hashlib

    folder.mkdir()
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    lines = [f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items()]
    (folder / tree.CHECKSUMS).write_text("# start x@host-cpu-abcd.1\n" + "".join(lines))


def zip_with(*entries: tuple[str | zipfile.ZipInfo, bytes], **how: Any) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", **how) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return target.getvalue()


def box() -> bytes:
    """A closed cube, 2 wide, as OBJ."""
    lines = [f"v {corner}" for corner in _CORNERS] + [
        "f " + " ".join(str(int(i) + 1) for i in face.split()) for face in _FACES
    ]
    return "\n".join(lines).encode() + b"\n"


def glb_box(extents: tuple[float, float, float] = (0.1, 0.1, 0.1)) -> bytes:
    """A box of so many metres as GLB, of no metal, as the pipeline's models are: a metal one needs
    a room to mirror, which takes a while to draw without a GPU."""
    import trimesh

    mesh = trimesh.creation.box(extents)
    dull = trimesh.visual.material.PBRMaterial(metallicFactor=0.0, roughnessFactor=0.8)
    mesh.visual = trimesh.visual.TextureVisuals(material=dull)
    made: bytes = mesh.export(file_type="glb")
    return made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A real web process on loopback."""

    def __init__(self, root: Path, atlas: Atlas, **variables: str) -> None:
        self.atlas, self.root, self.port = atlas, root, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        environment = (
            os.environ
            | QUICK
            | {
                "INBOX3D_HOST__SCRATCH": str(root / "state" / "scratch"),
                "INBOX3D_WEB__POLL": "0.1",
                "INBOX3D_WEB__FREE_GB": "0",
            }
        )
        environment.pop("INBOX3D_HOST_CONFIG", None)
        self.log = root / "web.log"
        command = ours("webapi", atlas.root, "--listen", f"127.0.0.1:{self.port}")
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                command,
                env=environment | variables,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )
        self.http = urllib3.PoolManager(retries=False, timeout=30)
        eventually(lambda: self._ready(), 30, f"{self.log.read_text()}: the server is ready")

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return self.get("/ready").status == 200
        return False

    def get(self, path: str, **options: Any) -> Any:
        return self.http.request("GET", self.url + path, **options)

    def post(self, path: str, **options: Any) -> Any:
        return self.http.request("POST", self.url + path, **options)

    def serving(self) -> int:
        """Process id of the one that serves: the only child."""
        children = (
            Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        )
        return int(children[0])

    def rss(self) -> float:
        """Resident memory of the serving process, MB."""
        line = next(
            line
            for line in Path(f"/proc/{self.serving()}/status").read_text().splitlines()
            if line.startswith("VmRSS")
        )
        return int(line.split()[1]) / 1000

    def kill(self) -> None:
        """SIGKILL, everything at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
        self.kill()


class Receiver:
    """A web server on loopback that remembers what it is sent; ANSWER is the status it gives."""

    def __init__(self, answer: int = 204, location: str = "") -> None:
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.got.append(
                    (self.path, {key.lower(): value for key, value in self.headers.items()}, body)
                )
                self.send_response(answer)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *arguments: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def receiver(answer: int = 204, location: str = "") -> Iterator[Receiver]:
    found = Receiver(answer, location)
    try:
        yield found
    finally:
        found.close()
