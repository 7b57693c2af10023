"""The line to a model hub: questions and answers over HTTP, and in words what went wrong.

Written on the standard library, because pulling must say at once that there is no internet, and
must keep nothing but the files that were asked for. $HF_ENDPOINT, $HF_TOKEN, $HF_HUB_OFFLINE and
proxies are honoured as people know them.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipeline.errors import BackendUnavailable
from pipeline.weights.catalogue import Known

HUB = "https://huggingface.co"
SILENCE = 20.0  # seconds without a byte
PAUSES = (1.0, 4.0, 15.0)  # seconds before asking again: the hub is busy, or the line was cut
MOST_PAUSE = 60.0  # the longest that a hub may ask for
HOPS = 6
pause: Callable[[float], None] = time.sleep
Tell = Callable[[str], None]


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are followed by hand: the token goes to the hub alone, and the hub's word of a file
    stands in the first answer."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Line:
    """To the repository of KNOWN at REVISION; TELL hears what takes long. Refusals are
    BackendUnavailable with what to do."""

    def __init__(self, known: Known, revision: str, token: str | None, tell: Tell) -> None:
        self.known, self.revision, self.tell = known, revision, tell
        self.commit = revision  # what a branch or tag stood for, once the hub told
        self.endpoint = os.environ.get("HF_ENDPOINT", HUB).rstrip("/")
        self.token = token or _kept_token()
        self.reached = False
        self.opener = urllib.request.build_opener(_Stay)
        if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
            raise self.unreached("HF_HUB_OFFLINE is set")
        if urlsplit(self.endpoint).scheme not in ("http", "https"):
            raise BackendUnavailable(
                f"HF_ENDPOINT: {self.endpoint!r} is no http address.",
                remedy=f"Take it away, or set it to {HUB}.",
            )

    @contextlib.contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, partial: bool = False
    ) -> Iterator[Any]:
        """The answer to METHOD at URL, redirects followed; of a HEAD the first that speaks of the
        file."""
        first = urlsplit(url).netloc
        for _ in range(HOPS):
            own = (
                {"Authorization": f"Bearer {self.token}"}
                if self.token and urlsplit(url).netloc == first
                else {}
            )
            answer = self._once(
                urllib.request.Request(
                    url,
                    headers={
                        "User-Agent": "inbox3d",
                        "Accept-Encoding": "identity",
                        **own,
                        **(headers or {}),
                    },
                    method=method,
                )
            )
            with answer:
                if answer.status in (301, 302, 303, 307, 308) and not (
                    method == "HEAD" and answer.headers.get("X-Linked-Etag")
                ):
                    url = urljoin(url, answer.headers.get("Location") or "")
                    if urlsplit(url).scheme in ("http", "https"):
                        continue
                elif answer.status < 400 or (partial and answer.status == 416):
                    yield answer
                    return
                raise self._refused(answer, url)
        raise self.unreached(
            f"{self.endpoint} leads from one address to the next and never arrives"
        )

    def _once(self, request: urllib.request.Request) -> Any:
        """One exchange; a busy hub (429, 5xx) and, once it was reached, a cut line are tried again
        after a pause."""
        for wait in (*PAUSES, None):
            try:
                answer: Any = self.opener.open(request, timeout=SILENCE)
            except urllib.error.HTTPError as error:
                answer = error
            except (OSError, http.client.HTTPException) as error:
                if wait is None or not self.reached:
                    raise self.unreached(
                        f"{urlsplit(request.full_url).hostname} cannot be reached ({_words(error)})"
                    ) from None
                pause(wait)
                continue
            self.reached = True
            if wait is None or not (answer.status == 429 or answer.status >= 500):
                return answer
            told = answer.headers.get("Retry-After") or ""
            answer.close()
            self.tell(f"the hub is busy ({answer.status}): asking again")
            pause(min(float(told), MOST_PAUSE) if told.isdigit() else wait)
        raise AssertionError

    def _refused(self, answer: Any, url: str) -> BackendUnavailable:
        """What an answer of 4xx or 5xx means."""
        hub, code, status = self.known.hub, answer.headers.get("X-Error-Code", ""), answer.status
        page = f"{HUB}/{hub}"
        if code == "RevisionNotFound":
            return BackendUnavailable(
                f"{hub} has no revision {self.revision}.",
                remedy="Take the newest with --revision main.",
            )
        if status == 404 or (code in ("EntryNotFound", "RepoNotFound") and not self.known.gated):
            what = (
                "is not there"
                if "/resolve/" not in url
                else f"has no {url.rpartition('/resolve/')[2].partition('/')[2]}"
            )
            cure = (
                f"Look at {page}: was it renamed or withdrawn? Bring the files from elsewhere with"
                " `inbox3d models import`."
            )
            return BackendUnavailable(
                f"{hub} {what} (revision {self.revision}; the hub said {status}).", remedy=cure
            )
        if status in (401, 403):
            return self._gated(page, status)
        said = f"{urlsplit(url).netloc} said {status}"
        if status == 429 or status >= 500:
            later = "Pull again later; what was fetched is kept."
            return BackendUnavailable(
                f"{hub} cannot be fetched: {said}, again and again.", remedy=later
            )
        return self.unreached(f"{said}, which nobody expects")

    def _gated(self, page: str, status: int) -> BackendUnavailable:
        how = (
            "set HF_TOKEN=… (or --token …) to a token with the right to read, from"
            f" {HUB}/settings/tokens, and pull again"
        )
        if not self.token:
            said, cure = (
                "asks who accepted its licence, and no token is set",
                f"Accept the licence at {page}, signed in; {how}.",
            )
        elif status == 401:
            said, cure = (
                "does not accept the token",
                f"It may be mistyped or revoked: {how}. The licence is accepted at {page}.",
            )
        else:
            said, cure = (
                "does not open for this token",
                f"Accept the licence at {page} with the account of the token, or {how}.",
            )
        return BackendUnavailable(f"{self.known.hub} {said} (the hub said {status}).", remedy=cure)

    def unreached(self, why: str) -> BackendUnavailable:
        pull = f"inbox3d models pull {self.known.name}"
        cure = (
            f"On a host with internet run `{pull}`, carry the folder here and run `inbox3d models"
            " import` (docs/models.md)."
        )
        return BackendUnavailable(f"{self.known.hub} cannot be fetched: {why}.", remedy=cure)


def _words(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, TimeoutError):
        return "no answer"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return "its certificate is not trusted here; $SSL_CERT_FILE names the authorities"
    return str(getattr(reason, "strerror", None) or reason)


def _kept_token() -> str | None:
    """The token that the hub's own login command keeps, where HF_TOKEN is not set."""
    if token := os.environ.get("HF_TOKEN", "").strip():
        return token
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    try:
        return Path(os.environ.get("HF_TOKEN_PATH") or home / "token").read_text().strip() or None
    except OSError:
        return None
