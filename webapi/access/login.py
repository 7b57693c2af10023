"""Who signed in at a proxy in front: a header that is believed from named addresses only.

Off unless `[web] login_header` is set. Whoever can send requests from an address of login_from is
whoever he says: the proxy must take the header out of what it is sent, and put its own in.
"""

from __future__ import annotations

import ipaddress
import logging

from flask import Request

from pipeline.config import SettingsRefused
from pipeline.config import Web as WebSettings
from webapi.access.keys import Key, Scope

log = logging.getLogger(__name__)
LONGEST = 100


class Login:
    """The rule of one web process. SettingsRefused where the settings name nobody to believe, or
    no addresses."""

    def __init__(self, settings: WebSettings) -> None:
        name = settings.login_header
        self._header = f"HTTP_{name.upper().replace('-', '_')}" if name else None
        self._from = networks(settings)
        self._admins = frozenset(settings.login_admins)
        self._scope: Scope = settings.login_scope
        self._told: set[str] = set()

    def person(self, request: Request) -> Key | None:
        """Who signed in at the proxy that REQUEST came through, with his scope; None where that
        cannot be believed."""
        said = request.environ.get(self._header) if self._header else None
        if said is None:
            return None
        peer = request.remote_addr or ""
        name = said.encode("latin-1", "replace").decode("utf-8", "replace").strip()
        if not self._believed(peer):
            self._tell(peer, "it is not in [web] login_from")
        elif not name or len(name) > LONGEST or not name.isprintable() or "," in name:
            self._tell(peer, "it is no one name")  # two headers come joined by a comma
        else:
            scope: Scope = "admin" if name in self._admins else self._scope
            return Key(id="", name=name, scope=scope, salt="", hash="", at="")
        return None

    def _believed(self, peer: str) -> bool:
        try:
            address = ipaddress.ip_address(peer.split("%")[0])
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._from)

    def _tell(self, peer: str, why: str) -> None:
        """Once for each address: somebody set up a proxy wrong, or tries to be somebody else."""
        if peer not in self._told and len(self._told) < 100:
            self._told.add(peer)
            log.warning("login.ignored from=%s why=%s", peer, why)


def networks(
    settings: WebSettings,
) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The addresses whose header is believed; SettingsRefused where they are none."""
    if settings.login_header and not settings.login_from:
        raise SettingsRefused(
            "[web] login_header is set, and login_from names nobody to believe.",
            remedy="Name the address of the proxy in [web] login_from, or take login_header out.",
        )
    try:
        return tuple(map(ipaddress.ip_network, settings.login_from))
    except ValueError as error:
        raise SettingsRefused(
            f"[web] login_from: {error}",
            remedy="Write addresses, or networks such as 10.0.20.0/24.",
        ) from None
