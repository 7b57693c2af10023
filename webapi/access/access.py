"""Access: who asks, and may they? Loopback is free as the mission's curl lines need it; everything
else follows [web] lan and keys.

The order of the checks, each of which ends the request:

1. the Host header names this service (an address, localhost, this host, [web] hosts): what stops
   DNS rebinding;
2. a browser may only send changes from our own pages: Origin and Sec-Fetch-Site;
3. a key, in the Authorization header or behind a session cookie, or who signed in at a proxy, or a
   free place: loopback without any sign of a proxy;
4. a browser's change carries the session's token (header X-CSRF-Token, or the form field csrf).
"""

from __future__ import annotations

import hmac
import socket
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

from flask import Request

from pipeline.config import Web as WebSettings
from webapi.access.addresses import PROXIED, host_of, is_address, is_loopback
from webapi.access.keys import Key, Keys, Scope, allows
from webapi.access.login import Login
from webapi.access.sessions import Sessions
from webapi.access.who import Who
from webapi.problems import Problem

COOKIE, TOKEN_HEADER, TOKEN_FIELD = "inbox3d", "X-CSRF-Token", "csrf"
SAFE = ("GET", "HEAD", "OPTIONS")
TRIES, TRIES_SECONDS = 10, 60.0


class Access:
    """The rules of one web process."""

    def __init__(
        self, settings: WebSettings, keys: Keys, secret: bytes, ended: Path | None = None
    ) -> None:
        """ENDED: the file that remembers sessions that were signed out, until they would have
        expired; None where nobody signs in."""
        self.settings, self.keys = settings, keys
        self.login = Login(settings)
        self.sessions = Sessions(keys, secret, ended)
        self._hosts = {
            "localhost",
            socket.gethostname().lower(),
            socket.getfqdn().lower(),
            *(name.lower() for name in settings.hosts),
        }
        self._failed: dict[str, deque[float]] = {}

    # -- 1 and 2 -------------------------------------------------------------------------------
    def check_host(self, request: Request) -> None:
        host = host_of(request.environ.get("HTTP_HOST", ""))
        if not host or not (host in self._hosts or is_address(host)):
            raise Problem(
                403, "host", "This service does not answer to that host name.",
                "Use its address, or let the operator add the name to [web] hosts.",
            )  # fmt: skip

    def check_origin(self, request: Request) -> None:
        if request.method in SAFE:
            return
        origin = request.headers.get("Origin")
        if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none") or (
            origin is not None
            and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower()
        ):
            raise Problem(
                403,
                "cross-site",
                "A page of another site may not change anything here.",
                "Use the pages of this service, or a key without a browser.",
            )

    # -- 3 -------------------------------------------------------------------------------------
    def who(self, request: Request) -> Who:
        local, sent = self.is_local(request), request.environ
        session, key_id = (
            self.sessions.read(request.cookies.get(COOKIE, ""))
            if "HTTP_COOKIE" in sent
            else ("", "")
        )
        if header := sent.get("HTTP_AUTHORIZATION", ""):
            return Who(self._bearer(request, header), local, False, session)
        person = self.login.person(request)
        key = person or (self.keys.by_id(key_id) if key_id else None)
        browser = (
            "HTTP_ORIGIN" in sent
            or "HTTP_SEC_FETCH_SITE" in sent
            or ("HTTP_COOKIE" in sent and COOKIE in request.cookies)
        )
        return Who(key, local and person is None, browser, session, person is not None)

    def is_local(self, request: Request) -> bool:
        """This host itself, not somebody behind a proxy on it. A proxy shows by its headers, or by
        HTTP/1.0, as nginx speaks by default."""
        peer, sent = request.remote_addr or "", request.environ
        near = peer in self.settings.gateways or is_loopback(peer)
        return near and PROXIED.isdisjoint(sent) and sent.get("SERVER_PROTOCOL") != "HTTP/1.0"

    def _bearer(self, request: Request, header: str) -> Key:
        """The key in HEADER. A right one always counts: who guesses must not lock out those who
        know."""
        scheme, _, text = header.partition(" ")
        key = self.keys.check(text.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            self.slow_down(request)
            self.note_failure(request)
            raise Problem(
                401,
                "key",
                "This key is not known here.",
                "`inbox3d keys list` names the keys; `inbox3d keys add NAME` makes one.",
            )
        return key

    def permit(self, who: Who, scope: Scope, keyed: bool = False) -> None:
        """Problem 401 or 403 unless WHO may do what SCOPE covers. KEYED: only with a key, even from
        the LAN."""
        if who.key is not None:
            if not allows(who.key.scope, scope):
                raise Problem(
                    403,
                    "scope",
                    f"The key {who.key.name!r} has the scope {who.key.scope}; this needs {scope}.",
                )
            return
        lan = self.settings.lan
        if who.local or (not keyed and (lan == "open" or (lan == "read" and scope == "read"))):
            return
        raise Problem(401, "key", "This needs a key.")

    # -- 4 -------------------------------------------------------------------------------------
    def check_token(self, who: Who, token: str | None) -> None:
        if who.by_cookie and not (
            who.session and hmac.compare_digest(token or "", self.sessions.token(who.session))
        ):
            raise Problem(
                403,
                "token",
                "This form is too old, or not from here.",
                "Load the page again and repeat.",
            )

    # -- guessing ------------------------------------------------------------------------------
    def slow_down(self, request: Request) -> None:
        recent = self._failed.get(request.remote_addr or "", deque())
        while recent and time.monotonic() - recent[0] > TRIES_SECONDS:
            recent.popleft()
        if len(recent) >= TRIES:
            raise Problem(
                429,
                "too-many-tries",
                "Too many wrong keys from this address.",
                "Wait a minute.",
                headers={"Retry-After": "60"},
            )

    def note_failure(self, request: Request) -> None:
        if len(self._failed) > 4096:
            self._failed.clear()
        self._failed.setdefault(request.remote_addr or "", deque(maxlen=TRIES)).append(
            time.monotonic()
        )
