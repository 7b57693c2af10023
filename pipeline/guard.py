"""The guard of everything that is fetched from, or sent to, an address that a person gave.

A name is resolved once; if ANY of its addresses is not public the name is refused; the socket is opened to the checked address (no
second look-up, so no rebinding), with the name kept for TLS and the Host header. Redirects are left to the caller, who comes back
through here. LAN addresses are reached only where the operator named them.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

PORTS = (80, 443)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class NotAllowed(ValueError):
    """This address may not be reached from here."""


class Target(NamedTuple):
    """A checked address. IP: where the socket goes; HOST: the name for TLS and the Host header; PATH with its query."""

    scheme: str
    ip: str
    port: int
    host: str
    netloc: str
    path: str


def is_public(address: str) -> bool:
    """Whether ADDRESS (IPv4 or IPv6, mapped and tunnelled ones unwrapped) belongs to the public internet."""
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


def check(url: str, lan: Sequence[str] = (), resolve: Callable[..., list[Any]] = socket.getaddrinfo) -> Target:
    """Resolve and check URL. NotAllowed says why it may not be reached; the caller connects to ``ip`` and to nothing else."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.password is not None:
        raise NotAllowed("it must be a plain http or https address without credentials")
    named = allowed_host(host, lan)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if port not in PORTS and not named:
        raise NotAllowed(f"port {port} is not allowed")
    try:
        found = sorted({str(row[4][0]) for row in resolve(host, port, 0, socket.SOCK_STREAM)})
    except (OSError, UnicodeError) as error:
        raise NotAllowed(f"{host} does not resolve: {error}") from None
    if not found or not (named or all(is_public(ip) or allowed_host(ip, lan) for ip in found)):
        raise NotAllowed(f"{host} is not a public address")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, found[0], port, host, parts.netloc, path)
