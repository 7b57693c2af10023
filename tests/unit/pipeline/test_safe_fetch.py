"""The guard against real servers on loopback: redirects inwards, sizes, truths about length, and servers that drip (rules 1 and 14)."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import safe_fetch

LAN = ("127.0.0.0/8", "secure.example", "xn--bcher-kva.example")
OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
Say = Callable[[socket.socket], None]


def local(host: str, port: int, *_: Any) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]


@pytest.fixture
def served() -> Iterator[Callable[..., int]]:
    """Start a server that reads a request's head and then does what SAY says to each connection; its port."""
    listeners: list[socket.socket] = []

    def go(say: Say, tls: ssl.SSLContext | None = None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                    with tls.wrap_socket(line, server_side=True) if tls else line as line:
                        line.recv(65536)
                        say(line)
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield go
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def says(data: bytes) -> Say:
    return lambda line: line.sendall(data)


def moved(where: str) -> Say:
    return says(f"HTTP/1.1 302 Found\r\nLocation: {where}\r\n\r\n".encode())


def drips(head: bytes, drop: bytes) -> Say:
    """HEAD, then DROP again and again: far longer than the other side has patience, unless it hangs up."""

    def say(line: socket.socket) -> None:
        line.sendall(head)
        pause = threading.Event()
        for _ in range(500):
            pause.wait(0.02)
            line.sendall(drop)

    return say


def got(url: str, seconds: float = 20.0, largest: int = 1000) -> bytes:
    return b"".join(safe_fetch.fetch(url, largest, seconds, LAN, local))


def test_a_picture_comes_whole_with_the_name_in_the_host_header(served: Callable[..., int]) -> None:
    heads: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]

    def once() -> None:
        with listener, listener.accept()[0] as line:
            heads.append(line.recv(65536))
            line.sendall(OK + b"Content-Length: 3\r\n\r\nabc")

    thread = threading.Thread(target=once)
    thread.start()
    assert got(f"http://secure.example:{port}/a b.png?x=ü") == b"abc"
    thread.join()
    assert (
        heads[0].startswith(b"GET /a%20b.png?x=%C3%BC HTTP/1.1\r\n")
        and f"Host: secure.example:{port}\r\n".encode() in heads[0]
    )


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Type: image/png\r\n\r\n", "404"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "204"),
        (OK + b"\r\n" + b"x" * 2000, "larger than"),
        (OK + b"Content-Length: 2000\r\n\r\n" + b"x" * 2000, "larger than"),
        (OK + b"Content-Length: 500\r\n\r\nabc", "497 bytes early"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "IncompleteRead"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "BadStatusLine"),
        (OK + b"X: y\r\n" * 200 + b"\r\n", "more than 100 headers"),
        (b"", "RemoteDisconnected"),
    ],
)
def test_what_is_no_whole_picture_of_the_allowed_size_is_refused(
    served: Callable[..., int], answer: bytes, why: str
) -> None:
    with pytest.raises(safe_fetch.NoUse, match=why):
        got(f"http://127.0.0.1:{served(says(answer))}/")


@pytest.mark.parametrize("kind", [b"image/jpg", b"application/octet-stream", b"", b"nonsense"])
def test_what_a_server_calls_its_bytes_does_not_matter(
    served: Callable[..., int], kind: bytes
) -> None:
    port = served(
        says(
            b"HTTP/1.1 200 OK\r\n"
            + (b"Content-Type: " + kind + b"\r\n" if kind else b"")
            + b"Content-Length: 3\r\n\r\nabc"
        )
    )
    assert got(f"http://127.0.0.1:{port}/") == b"abc"


@pytest.mark.parametrize(
    "host", ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example", "bücher。example"]
)
def test_a_name_in_letters_of_any_language_goes_over_the_wire_in_its_ascii_form(host: str) -> None:
    asked: list[str] = []

    def resolve(name: str, port: int, *rest: Any) -> list[Any]:
        asked.append(name)
        return local(name, port)

    target = safe_fetch.check(f"http://{host}:8080/ü", LAN, resolve)
    assert asked == ["xn--bcher-kva.example"]
    assert (target.host, target.netloc, target.path) == (
        "xn--bcher-kva.example",
        "xn--bcher-kva.example:8080",
        "/%C3%BC",
    )


@pytest.mark.parametrize("host", ["①②⑦.⓪.⓪.①", "１０.0.0.7", "lоcalhost.localhost。"])
def test_inner_addresses_in_other_letters_are_inner_addresses(host: str) -> None:
    with pytest.raises(safe_fetch.NotAllowed):
        safe_fetch.check(f"http://{host}/")


@pytest.mark.parametrize("host", ["ü" * 70 + ".example", "ü..example"])
def test_what_cannot_be_a_host_name_is_called_so(host: str) -> None:
    with pytest.raises(safe_fetch.NotAllowed, match="is no host name"):
        safe_fetch.check(f"http://{host}/", LAN, local)


@pytest.mark.parametrize(
    "where",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.7/",
        "file:///etc/passwd",
        "//10.0.0.7/",
        "http://[::1",
        "http://a:b@e.org/",
    ],
)
def test_a_redirect_is_checked_like_any_other_address(
    served: Callable[..., int], where: str
) -> None:
    """Though the first address was one that may be reached."""
    port = served(moved(where))
    with pytest.raises(
        (safe_fetch.NotAllowed, safe_fetch.NoUse),
        match=r"not a public address|plain http|no address|never arrives",
    ):
        list(safe_fetch.fetch(f"http://127.0.0.1:{port}/", 1000, 20, LAN))


def test_a_redirect_to_an_allowed_address_is_followed_and_a_circle_is_left(
    served: Callable[..., int],
) -> None:
    port = served(says(OK + b"\r\nabc"))
    assert got(f"http://127.0.0.1:{served(moved(f'http://127.0.0.1:{port}/b'))}/") == b"abc"
    with pytest.raises(safe_fetch.NoUse, match="never arrives"):
        got(f"http://127.0.0.1:{served(moved('/again'))}/")


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (OK + b"\r\n", b"x"),
        (OK + b"Content-Length: 900\r\n\r\n", b"x"),
        (OK + b"X-Slow: ", b"y"),
        (b"HTTP/1.", b"1"),
        (b"", b""),
    ],
    ids=["body", "announced body", "header", "status line", "nothing"],
)
def test_a_server_that_drips_has_no_more_time_than_any_other(
    served: Callable[..., int], head: bytes, drop: bytes
) -> None:
    """Each byte comes before any pause grows long; only a limit on the whole ends it. A body that ends by cutting is not taken for whole."""
    with pytest.raises(safe_fetch.NoUse, match=r"within 0\.\d+ s"):
        got(f"http://127.0.0.1:{served(drips(head, drop))}/", seconds=0.4, largest=1 << 30)


def test_what_is_sent_gives_a_status_and_nothing_else(served: Callable[..., int]) -> None:
    """A redirect is not followed; a receiver that drips its answer is left in time."""
    away = moved(f"http://127.0.0.1:{served(says(OK))}/")
    assert safe_fetch.send(f"http://127.0.0.1:{served(away)}/", b"{}", {}, 20, LAN) == 302
    with pytest.raises(safe_fetch.NoUse, match="within"):
        safe_fetch.send(
            f"http://127.0.0.1:{served(drips(b'HTTP/1.1 2', b'0'))}/", b"{}", {}, 0.4, LAN
        )
    with pytest.raises(safe_fetch.NotAllowed):
        safe_fetch.send(f"http://127.0.0.1:{served(says(OK))}/", b"{}", {}, 20)


# -- TLS ---------------------------------------------------------------------------------------
@pytest.fixture
def certified(
    program: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    """A server's side of TLS with a certificate for secure.example, which this process trusts."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=secure.example",
    ]
    named = [
        "-addext",
        "subjectAltName=DNS:secure.example",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    ]
    subprocess.run([program("openssl"), *made, *named], check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_over_tls_the_name_is_proven_though_the_socket_goes_to_the_checked_address(
    served: Callable[..., int], certified: ssl.SSLContext
) -> None:
    """And who answers under another name, or never ends its handshake, is nobody."""
    port = served(says(OK + b"\r\nabc"), certified)
    assert got(f"https://secure.example:{port}/") == b"abc"
    with pytest.raises(safe_fetch.NoUse, match="CERTIFICATE_VERIFY_FAILED"):
        got(f"https://127.0.0.1:{port}/")
    with pytest.raises(safe_fetch.NoUse, match="within"):
        got(f"https://secure.example:{served(drips(b'', b''))}/", seconds=0.4)
    with pytest.raises(safe_fetch.NoUse, match="within"):
        got(
            f"https://secure.example:{served(drips(OK + bytes([13, 10]), b'x'), certified)}/",
            seconds=0.6,
            largest=1 << 30,
        )
