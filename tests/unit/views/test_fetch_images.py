"""fetch_images re-encodes what was dropped, reads sides from names, and reaches nothing that is not public."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected, ViewsMissing
from pipeline.stages.views import _fetch, fetch_images
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
GREY = np.full((8, 6, 3), 90)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["front.png", "left.png", "back.png", "right.png"], [0, 90, 180, 270]),
        (["315.png", "000.png", "045.png"], [0, 45, 315]),
        (["holiday.png"], [0]),
        (["a.png", "b.png", "c.png", "d.png"], [0, 90, 180, 270]),
    ],
)
def test_sides_come_from_names(workspace: Make, drop: Callable[..., Dropped], names: list[str], expected: list[float]) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, dict.fromkeys(names, GREY)), ws)
    assert [view.azimuth for view in views.views] == expected
    assert bool(ws.warnings) == (names[0] == "a.png")
    for view in views.views:
        with Image.open(ws.path(view.image)) as image:
            assert (image.mode, image.size) == ("RGBA", (6, 8))


def test_a_name_without_a_side_among_named_ones_is_left_out_with_a_warning(workspace: Make, drop: Callable[..., Dropped]) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, {"front.png": GREY, "left.png": GREY, "extra.png": GREY}), ws)
    assert [view.source for view in views.views] == ["front.png", "left.png"]
    assert "extra.png" in ws.warnings[0]


def test_a_turned_photo_is_turned_back(workspace: Make) -> None:
    ws = workspace()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(ws.input / "front.jpg", exif=exif)
    views = fetch_images.run(Dropped(names=("front.jpg",)), ws)
    with Image.open(ws.path(views.views[0].image)) as image:
        assert image.size == (20, 40)


def test_a_broken_picture_and_one_outside_the_job_are_named(workspace: Make) -> None:
    ws = workspace()
    (ws.input / "front.png").write_bytes(b"\x89PNG but no more")
    with pytest.raises(InputRejected, match=r"front\.png cannot be read as a picture"):
        fetch_images.run(Dropped(names=("front.png",)), ws)
    with pytest.raises(InputRejected, match="is not among the files"):
        fetch_images.run(Dropped(names=("../../etc/passwd.png",)), workspace())


def test_no_picture_at_all_is_refused(workspace: Make) -> None:
    with pytest.raises(ViewsMissing):
        fetch_images.run(Dropped(names=()), workspace())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png", "http://2130706433/", "http://0x7f.1/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
        "http://[64:ff9b::a00:1]/", "http://100.64.0.1/", "http://169.254.169.254/latest", "http://192.168.1.1/", "file:///etc/passwd",
        "ftp://example.org/a.png", "http://user:word@example.org/", "http://example.org:22/", "http://example.org:99999/",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused_before_any_byte_is_sent(url: str) -> None:
    def lookup(host: str, port: int, *_: Any) -> list[tuple[Any, ...]]:
        import socket

        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)

    with pytest.raises(_fetch.Refused):
        _fetch.fetch(url, io.BytesIO(), lookup=lookup)


def test_one_private_address_among_public_ones_refuses_the_whole_name() -> None:
    def lookup(*_: Any) -> list[tuple[Any, ...]]:
        return [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", ("10.0.0.7", 80))]

    with pytest.raises(_fetch.Refused, match="is not a public address"):
        _fetch.fetch("http://two.example/", io.BytesIO(), lookup=lookup)


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/away" else 200)
        if self.path == "/away":
            self.send_header("Location", "http://169.254.169.254/secret")
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "image/png")
        self.end_headers()
        self.wfile.write(b"x" * (3 if self.path == "/small" else 300_000))

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_pictures_are_fetched_and_redirects_pages_and_too_large_ones_refused(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_fetch, "LARGEST", 100_000)
    lan = {"allowed": ["127.0.0.0/8"], "ports": (port,)}
    into = io.BytesIO()
    _fetch.fetch(f"http://127.0.0.1:{port}/small", into, **lan)  # type: ignore[arg-type]
    assert into.getvalue() == b"xxx"
    for path, said in (("/away", "port 80"), ("/page", "text/html"), ("/large", "larger")):
        with pytest.raises(_fetch.Refused, match=said):
            _fetch.fetch(f"http://127.0.0.1:{port}{path}", io.BytesIO(), **lan)  # type: ignore[arg-type]
