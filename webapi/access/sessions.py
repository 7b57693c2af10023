"""Sessions of browsers: a signed cookie, and the token that a change from a page carries. Nothing
of them is stored but which were signed out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from pathlib import Path

from webapi.access.keys import Key, Keys
from webapi.access.secrets import still_valid

SESSION_SECONDS = 30 * 86400


class Sessions:
    """What SECRET has signed. ENDED: the file that remembers sessions that were signed out, until
    they would have expired; None where nobody signs in."""

    def __init__(self, keys: Keys, secret: bytes, ended: Path | None = None) -> None:
        self.keys, self.secret, self._ended_file = keys, secret, ended
        self._ended = still_valid(ended) if ended else set()

    @staticmethod
    def new() -> str:
        return secrets.token_urlsafe(12)

    def token(self, session: str) -> str:
        """What a form of this session's pages carries."""
        return self._sign("token", session)[:32]

    def cookie(self, session: str, key: Key | None) -> str:
        """``session.key id.expiry.signature``. The key's hash is signed too: a revoked or replaced
        key ends its sessions."""
        expiry = str(int(time.time()) + SESSION_SECONDS)
        return ".".join(
            (
                session,
                key.id if key else "",
                expiry,
                self._sign(
                    "cookie", session, key.id if key else "", key.hash if key else "", expiry
                ),
            )
        )

    def read(self, cookie: str) -> tuple[str, str]:
        """(session, key id) of a valid COOKIE; nothing of any other."""
        parts = cookie.split(".")
        if (
            len(parts) == 4
            and parts[0] not in self._ended
            and parts[2].isdigit()
            and len(parts[2]) < 12
            and int(parts[2]) > time.time()
        ):
            session, key_id, expiry, signature = parts
            key = self.keys.by_id(key_id) if key_id else None
            right = self._sign("cookie", session, key_id, key.hash if key else "", expiry)
            if hmac.compare_digest(signature.encode(), right.encode()) and bool(key) == bool(
                key_id
            ):
                return session, key_id
        return "", ""

    def end(self, session: str) -> None:
        """SESSION was signed out: a copy of its cookie is worth nothing from now on, after a
        restart either."""
        if session and self._ended_file:
            self._ended.add(session)
            with self._ended_file.open("a", encoding="ascii") as file:
                file.write(f"{session} {int(time.time()) + SESSION_SECONDS}\n")

    def _sign(self, *parts: str) -> str:
        digest = hmac.new(self.secret, "\0".join(parts).encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
