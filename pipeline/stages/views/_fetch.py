"""Fetch a picture whose address a stranger gave, without letting the address reach what is not public.

One look-up; every address of the answer is checked; the socket goes to the checked address, so that a second look-up cannot change
it; every redirect is checked again; bytes and seconds are limited (library: urllib3).
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Sequence
from typing import IO, Any
from urllib.parse import SplitResult, urljoin, urlsplit

from pipeline.errors import InputRejected

LARGEST, SECONDS, REDIRECTS, PORTS = 50 << 20, 60.0, 3, (80, 443)
TYPES = ("image/png", "image/jpeg", "image/webp")
Lookup = Callable[..., list[tuple[Any, ...]]]


class Refused(InputRejected):
    """A picture's address may not be fetched."""

    remedy = "Give a public http or https address of a PNG, JPEG or WebP picture, or send the file itself."


def public(address: str, allowed: Sequence[str] = ()) -> bool:
    """Whether ADDRESS is public, or inside one of the ALLOWED networks; forms of IPv6 that carry an IPv4 address count as that."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        carried = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if carried is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            carried = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if carried is not None:
            return public(str(carried), allowed)
    networks = [ipaddress.ip_network(network) for network in allowed]
    if any(parsed in network for network in networks if network.version == parsed.version):
        return True
    return parsed.is_global and not parsed.is_multicast


def fetch(
    url: str, into: IO[bytes], allowed: Sequence[str] = (), ports: Sequence[int] = PORTS, lookup: Lookup = socket.getaddrinfo
) -> None:
    """Write the picture at URL into INTO; Refused says why not."""
    end = time.monotonic() + SECONDS
    for _ in range(REDIRECTS + 1):
        parts, port = _parts(url, ports)
        following = _one(parts, port, _checked(str(parts.hostname), port, allowed, lookup), into, end)
        if following is None:
            return
        url = urljoin(url, following)
    raise Refused(f"{url}: too many redirects.")


def _parts(url: str, ports: Sequence[int]) -> tuple[SplitResult, int]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise Refused(f"{url[:200]}: only plain http and https addresses are fetched.")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        port = 0
    if port not in ports:
        raise Refused(f"{url[:200]}: port {port} is not one of {', '.join(map(str, ports))}.")
    return parts, port


def _checked(host: str, port: int, allowed: Sequence[str], lookup: Lookup) -> str:
    """One address of HOST, all of whose addresses are public."""
    try:
        found = sorted({str(entry[4][0]) for entry in lookup(host, port, 0, socket.SOCK_STREAM)})
    except OSError as error:
        raise Refused(f"{host} cannot be found: {error}.") from None
    if not found or not all(public(address, allowed) for address in found):
        raise Refused(f"{host} is not a public address.")
    return found[0]


def _one(parts: SplitResult, port: int, address: str, into: IO[bytes], end: float) -> str | None:
    """Fetch from ADDRESS; where it answers with a redirect, its target."""
    import urllib3

    options: dict[str, Any] = {"timeout": urllib3.Timeout(connect=5, read=10), "retries": False, "maxsize": 1, "block": True}
    pool: Any
    if parts.scheme == "https":
        pool = urllib3.HTTPSConnectionPool(address, port, server_hostname=parts.hostname, assert_hostname=parts.hostname, **options)
    else:
        pool = urllib3.HTTPConnectionPool(address, port, **options)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "User-Agent": "inbox3d", "Accept-Encoding": "identity"}
    try:
        answer = pool.request("GET", path, redirect=False, preload_content=False, headers=headers)
        try:
            if answer.status in (301, 302, 303, 307, 308):
                return str(answer.headers.get("Location", ""))
            _copy(answer, parts.netloc, into, end)
        finally:
            answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise Refused(f"{parts.netloc} did not answer: {type(error).__name__}.") from None
    finally:
        pool.close()
    return None


def _copy(answer: Any, host: str, into: IO[bytes], end: float) -> None:
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if answer.status != 200 or kind not in TYPES:
        raise Refused(f"{host} answered {answer.status} {kind or 'without a type'}, which is no picture.")
    total = 0
    while piece := answer.read1(65536, decode_content=False):  # read1 returns what there is: a slow server meets the deadline
        total += len(piece)
        if total > LARGEST:
            raise Refused(f"{host}: the picture is larger than {LARGEST >> 20} MiB.")
        if time.monotonic() > end:
            raise Refused(f"{host}: the picture took longer than {SECONDS:.0f} s.")
        into.write(piece)
