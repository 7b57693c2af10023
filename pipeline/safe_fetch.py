"""The one guard of everything that is fetched from, or sent to, an address that a person gave.

A name is resolved once; if ANY of its addresses is not public the name is refused; the socket is
opened to the checked address (no second look-up, so no rebinding), with the name kept for TLS and
the Host header. A redirect is an address like any other and is checked anew. Bytes are counted, and
the whole exchange has one time limit, which also ends a server that sends a byte now and then. LAN
addresses are reached only where the operator named them.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import string
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

# seconds: until the other side takes the call; between two signs of life
CONNECT, SILENCE = 5.0, 10.0
REDIRECTS = 3
PORTS = (80, 443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotAllowed(ValueError):
    """This address may not be reached from here."""


class NotFound(NotAllowed):
    """The name does not resolve at present."""


class NoUse(OSError):
    """The address was reached or not, and gave nothing that could be taken; the text says why."""


class Target(NamedTuple):
    """A checked address. IP: where the socket goes; HOST: the name for TLS and the Host header;
    PATH with its query."""

    scheme: str
    ip: str
    port: int
    host: str
    netloc: str
    path: str


def is_public(address: str) -> bool:
    """Whether ADDRESS (IPv4 or IPv6, mapped and tunnelled ones unwrapped) belongs to the public
    internet."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def allowed_host(host: str, lan: Sequence[str]) -> bool:
    """Whether the operator named HOST, or a network that holds it, in LAN."""
    if host.lower() in {entry.lower() for entry in lan}:
        return True
    try:
        ip = ipaddress.ip_address(host.split("%")[0])
    except ValueError:
        return False
    return any(ip in network for network in _networks(lan) if network.version == ip.version)


def _networks(lan: Sequence[str]) -> list[Any]:
    found = []
    for entry in lan:
        try:
            found.append(ipaddress.ip_network(entry, strict=False))
        except ValueError:
            continue
    return found


def check(
    url: str, lan: Sequence[str] = (), resolve: Callable[..., list[Any]] = socket.getaddrinfo
) -> Target:
    """Resolve and check URL. NotAllowed says why it may not be reached; the caller connects to
    ``ip`` and to nothing else."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotAllowed("it is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise NotAllowed("it must be a plain http or https address without credentials")
    # what is checked below is what the socket and the Host header get
    host = wire_host(parts.hostname)
    netloc = (
        parts.netloc if parts.netloc.isascii() else f"{host}:{parts.port}" if parts.port else host
    )
    named = allowed_host(host, lan)
    if port not in PORTS and not named:
        raise NotAllowed(f"port {port} is not allowed")
    try:
        found = sorted({str(row[4][0]) for row in resolve(host, port, 0, socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise NotFound(f"{host} does not resolve: {error}") from None
    if not found or not (named or all(is_public(ip) or allowed_host(ip, lan) for ip in found)):
        raise NotAllowed(f"{host} is not a public address")
    path = quote(
        (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=string.punctuation
    )
    return Target(parts.scheme, found[0], port, host, netloc, path)


def wire_host(host: str) -> str:
    """HOST as the wire wants it: bücher.example is xn--bcher-kva.example there. NotAllowed where it
    is no host name."""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise NotAllowed(f"{host[:80]} is no host name") from None


def fetch(
    url: str,
    largest: int,
    seconds: float,
    lan: Sequence[str] = (),
    resolve: Callable[..., list[Any]] = socket.getaddrinfo,
) -> Iterator[bytes]:
    """The bytes at URL, piece by piece: at most LARGEST of them, in at most SECONDS, redirects
    included.

    NotAllowed where URL, or what it leads to, may not be reached; NoUse where nothing of that size
    came in time. What the server calls it is not looked at: servers err, so whoever takes the bytes
    looks at these.
    """
    end = time.monotonic() + seconds
    for _ in range(REDIRECTS + 1):
        with _ask(check(url, lan, resolve), "GET", {}, None, end - time.monotonic()) as (
            answer,
            read,
        ):
            if answer.status not in (301, 302, 303, 307, 308):
                if answer.status != 200:
                    raise NoUse(f"it answered {answer.status} {answer.reason}".strip())
                yield from _counted(answer, read, largest)
                return
            with contextlib.suppress(ValueError):  # what cannot be joined leads nowhere
                url = urljoin(url, answer.headers.get("Location", ""))
    raise NoUse("it leads from one address to the next and never arrives")


def send(
    url: str, body: bytes, headers: Mapping[str, str], seconds: float, lan: Sequence[str] = ()
) -> int:
    """POST BODY to URL; the status of the answer, of which nothing is kept. No redirect is
    followed. NotAllowed, NoUse as above."""
    with _ask(check(url, lan), "POST", headers, body, seconds) as (answer, _):
        return answer.status


def _counted(
    answer: http.client.HTTPResponse, read: Callable[[int], bytes], largest: int
) -> Iterator[bytes]:
    total = 0
    while piece := read(1 << 16):
        total += len(piece)
        if total > largest:
            raise NoUse(f"it is larger than {largest / (1 << 20):.0f} MiB")
        yield piece
    if answer.length:
        raise NoUse(f"it ended {answer.length} bytes early")


@contextlib.contextmanager
def _ask(
    target: Target, method: str, headers: Mapping[str, str], body: bytes | None, seconds: float
) -> Iterator[tuple[http.client.HTTPResponse, Callable[[int], bytes]]]:
    """(the answer, how to read it) over a socket to the checked address. After SECONDS the line is
    cut, whoever is waiting."""
    over = threading.Event()

    def guarded(call: Callable[..., Any], *arguments: Any) -> Any:
        try:
            found = call(*arguments)
        except (OSError, http.client.HTTPException) as error:
            late = over.is_set() or isinstance(error, TimeoutError)
            raise NoUse(
                f"no answer within {seconds:g} s"
                if late
                else f"{type(error).__name__}: {error}"[:200]
            ) from None
        if over.is_set():  # a line that was cut looks like the end of the file
            raise NoUse(f"not whole within {seconds:g} s")
        return found

    line = guarded(_line, target)

    def cut() -> None:
        over.set()
        with contextlib.suppress(OSError):
            # the plain socket's: it wakes a reader inside TLS too
            socket.socket.shutdown(line, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        if isinstance(line, ssl.SSLSocket):
            guarded(line.do_handshake)
        connection = http.client.HTTPConnection(target.host)
        connection.sock = line
        fixed = {
            "Host": target.netloc,
            "User-Agent": "inbox3d",
            "Accept-Encoding": "identity",
            "Connection": "close",
        }
        guarded(connection.request, method, target.path, body, {**fixed, **headers})
        with guarded(connection.getresponse) as answer:
            yield answer, lambda size: guarded(answer.read1, size)
    finally:
        timer.cancel()
        line.close()


def _line(target: Target) -> socket.socket:
    plain = socket.create_connection((target.ip, target.port), CONNECT)
    plain.settimeout(SILENCE)
    if target.scheme == "http":
        return plain
    return ssl.create_default_context().wrap_socket(
        plain, server_hostname=target.host, do_handshake_on_connect=False
    )
