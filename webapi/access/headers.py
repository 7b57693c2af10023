"""The headers of every answer."""

from __future__ import annotations

from flask import Response, g, request

from webapi.access.access import COOKIE
from webapi.access.sessions import SESSION_SECONDS
from webapi.access.who import Who

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self'; connect-src 'self' blob:; worker-src blob:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with none at all a browser's form says Origin: null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def harden(response: Response) -> Response:
    """Headers of every answer."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", CSP)
    headers.setdefault("Cache-Control", "no-store")
    headers.extend(ALWAYS)
    if (access := g.get("access")) and g.get("sets_cookie"):
        who: Who = g.who
        secure = request.headers.get("X-Forwarded-Proto") == "https"
        response.set_cookie(
            COOKIE,
            access.sessions.cookie(who.session, who.key),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="Strict",
            secure=secure,
        )
    return response
