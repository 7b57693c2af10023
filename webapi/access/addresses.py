"""Hosts and addresses as requests name them."""

from __future__ import annotations

import contextlib
import functools
import ipaddress
from urllib.parse import urlsplit

PROXY_HEADERS = (
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Prefix",
    "X-Forwarded-Server",
    "Forwarded",
    "X-Real-IP",
    "X-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Via",
    "X-Internal-Accel",
)
PROXIED = frozenset(f"HTTP_{name.upper().replace('-', '_')}" for name in PROXY_HEADERS)


@functools.lru_cache(1024)
def host_of(header: str) -> str:
    """The name in a Host header, without port and brackets, lower case; empty where it is no
    host."""
    with contextlib.suppress(ValueError):
        return (urlsplit(f"//{header}").hostname or "") if not set(header) & set("/@?#\\ ") else ""
    return ""


def is_address(text: str) -> bool:
    return _address(text) is not None


def is_loopback(text: str) -> bool:
    found = _address(text)
    return found is not None and found.is_loopback


@functools.lru_cache(1024)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        return None
