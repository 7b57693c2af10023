"""The assist seam: a good answer is taken, any other changes nothing but a warning."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import Mesh
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.services import assist_example
from pipeline.stages.finish import assist
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers import glb
from pipeline.workspace import Workspace
from tests.unit.finish.shapes import ball, cloud_of, stored

Make = Callable[..., Workspace]
Serve = Callable[[Callable[[BaseHTTPRequestHandler, bytes], None]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """serve(answer) → the address of a loopback service that answers each POST by calling answer(handler, body)."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(answer: Callable[[BaseHTTPRequestHandler, bytes], None]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                answer(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, format: str, *args: object) -> None:
                return

        return _run(ThreadingHTTPServer(("127.0.0.1", 0), Handler), running)

    yield start
    _stop(running)


@pytest.fixture
def local_service() -> Iterator[str]:
    """The address of the service that comes with the product."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []
    yield _run(assist_example.serve(0), running)
    _stop(running)


def _run(server: ThreadingHTTPServer, running: list[Any]) -> str:
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
    )
    thread.start()
    running.append((server, thread))
    return f"http://127.0.0.1:{server.server_address[1]}/"


def _stop(running: list[Any]) -> None:
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


def reply(
    data: bytes, kind: str = "model/gltf-binary", status: int = 200
) -> Callable[[BaseHTTPRequestHandler, bytes], None]:
    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def as_glb(surface: Surface, folder: Path) -> bytes:
    glb.write(Model(surface), folder / "answer.glb")
    return (folder / "answer.glb").read_bytes()


def punched() -> Surface:
    """A ball of 5120 faces in metres with six small holes."""
    whole = ball(4, radius=0.5)
    return whole.only(np.delete(whole.faces, [10, 900, 1800, 2700, 3600, 4500], axis=0))


def asked(
    ws: Workspace, address: str, surface: Surface, seconds: float = 20.0, scan: bool = True
) -> tuple[Mesh, Mesh]:
    """(mesh before, mesh after) of a scan of a whole ball."""
    ws.assist = (address, seconds)
    before = stored(ws, surface, unit="m", up="y", watertight=False)
    cloud = cloud_of(ws, ball(4, radius=0.5), 4000) if scan else None
    return before, assist.run(before, cloud, None, None, None, ws)


def test_the_local_service_closes_holes(workspace: Make, local_service: str) -> None:
    """A scan with six holes comes back closed, in its own frame and unit, and is taken."""
    ws = workspace(kind="scan")
    before, after = asked(ws, local_service, punched())
    assert (before.watertight, after.watertight) == (False, True)
    assert after.faces == 5120
    assert after.assisted == {"mesh": True, "features": []}
    assert np.ptp(surfaces.load(ws, after).vertices, axis=0).tolist() == pytest.approx(
        [1, 1, 1], abs=0.01
    )
    assert ws.warnings == []


def test_units_survive_the_way_there_and_back(workspace: Make, local_service: str) -> None:
    """The service sees Y-up metres; a Z-up mesh in millimetres comes back as one."""
    ws = workspace()
    ws.assist = (local_service, 20.0)
    surface = ball(4, radius=30.0)
    tall = Surface(surface.vertices * [1, 1, 2], surface.faces[1:])
    after = assist.run(stored(ws, tall, watertight=False), None, None, None, None, ws)
    assert ws.warnings == []
    assert np.ptp(surfaces.load(ws, after).vertices, axis=0).tolist() == pytest.approx(
        [60, 60, 120], rel=0.01
    )
    assert after.watertight


def test_features_are_noted_and_the_mesh_stays(workspace: Make, serve: Serve) -> None:
    """A service may name features instead of changing the mesh."""
    said = [{"kind": "hole", "radius": 0.004}]
    before, after = asked(
        workspace(kind="scan"),
        serve(reply(json.dumps({"features": said}).encode(), "application/json")),
        punched(),
    )
    assert after.assisted == {"mesh": False, "features": said}
    assert after.arrays == before.arrays


def test_the_service_gets_mesh_and_facts(workspace: Make, serve: Serve) -> None:
    """mesh.glb and scan.json arrive as files of one form."""
    seen: dict[str, bytes] = {}

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        seen.update(assist_example._parts(handler.headers["Content-Type"], body))
        reply(b'{"features": []}', "application/json")(handler, body)

    asked(workspace(kind="scan"), serve(answer), punched())
    assert seen["mesh.glb"][:4] == b"glTF"
    assert json.loads(seen["scan.json"])["mesh"]["faces"] == 5114


@pytest.mark.parametrize(
    ("data", "kind", "status", "words"),
    [
        (b"<html>hello</html>", "text/html", 200, "text/html"),
        (b"", "model/gltf-binary", 200, "neither a GLB nor JSON"),
        (b"glTF" + bytes(40), "model/gltf-binary", 200, "not a GLB"),
        (b'{"features": 3}', "application/json", 200, "not a list"),
        (b'{"features": [NaN]}', "application/json", 200, "not a list"),
        (b'{"features": [{"x": NaN}]}', "application/json", 200, "not finite"),
        (b"[1, 2", "application/json", 200, "no list named features"),
        (b"", "text/plain", 500, "500"),
        (b"", "text/plain", 302, "302"),
    ],
)
def test_rubbish_changes_nothing_but_a_warning(
    workspace: Make, serve: Serve, data: bytes, kind: str, status: int, words: str
) -> None:
    """Whatever the service says that is not a mesh or a list of features is named and dropped."""
    ws = workspace(kind="scan")
    before, after = asked(ws, serve(reply(data, kind, status)), punched())
    assert after == before
    assert words in ws.warnings[0]


def test_a_worse_mesh_is_dropped(workspace: Make, serve: Serve, tmp_path: Path) -> None:
    """Not manifold, farther from the scan, or emptied: each is refused with the reason."""
    fin = punched()
    fin = Surface(
        np.vstack([fin.vertices, fin.vertices[:1] * 1.1]),
        np.vstack([fin.faces, [[*fin.faces[0][:2], len(fin.vertices)]]]),
    )
    offers = {
        "not manifold": fin,
        "farther from the scan": ball(4, radius=0.52),
        "farther": ball(1, radius=0.5),
    }
    for number, (words, surface) in enumerate(offers.items()):
        ws = workspace(str(number), kind="scan")
        before, after = asked(ws, serve(reply(as_glb(surface, tmp_path))), punched())
        assert after == before
        assert words in ws.warnings[0]


def test_without_a_scan_a_mesh_may_not_stray(workspace: Make, serve: Serve, tmp_path: Path) -> None:
    """A dropped model has no scan to be measured against: the answer must stay where the model was."""
    ws = workspace("far")
    before, after = asked(
        ws, serve(reply(as_glb(ball(4, radius=0.51), tmp_path))), punched(), scan=False
    )
    assert after == before
    near = workspace("near")
    _, after = asked(
        near, serve(reply(as_glb(ball(4, radius=0.5), tmp_path))), punched(), scan=False
    )
    assert after.watertight


def test_a_service_that_is_away_changes_nothing_but_a_warning(workspace: Make) -> None:
    """Nobody listens there."""
    ws = workspace(kind="scan")
    before, after = asked(ws, "http://127.0.0.1:9/", punched())
    assert after == before
    assert "ConnectionRefusedError" in ws.warnings[0]


@pytest.mark.parametrize("drips", [False, True])
def test_a_service_that_hangs_is_left(workspace: Make, serve: Serve, drips: bool) -> None:
    """Neither silence nor one byte at a time holds the job longer than the time allowed."""
    over = threading.Event()

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        if drips:
            handler.send_response(200)
            handler.end_headers()
        while not over.wait(0.05):
            if drips:
                try:
                    handler.wfile.write(b"x")
                except OSError:
                    return

    ws = workspace(kind="scan")
    before, after = asked(ws, serve(answer), punched(), seconds=0.4)
    over.set()
    assert after == before
    assert "no answer within 0.4 s" in ws.warnings[0]


def test_without_a_service_nothing_is_sent(workspace: Make) -> None:
    """Off by default."""
    ws = workspace(kind="scan")
    mesh = stored(ws, ball(2))
    assert assist.run(mesh, None, None, None, None, ws) == mesh
    assert ws.warnings == []
