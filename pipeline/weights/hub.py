"""One repository of a model hub: what it holds, and its files, resumed where a line was cut and
compared with what the hub says."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import ssl
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pipeline.errors import BackendUnavailable
from pipeline.weights import line
from pipeline.weights.catalogue import size
from pipeline.weights.line import PAUSES, Line
from pipeline.weights.tensorfile import sha256, what_instead

EVERY = 5.0  # seconds between two words of a file's progress
PIECE = 1 << 20


class Meta(NamedTuple):
    """What the hub says of a file: its bytes and its digest (SHA-256, or git's SHA-1 of small
    files); None: it does not say."""

    path: str
    bytes: int | None
    digest: str | None
    commit: str | None


class Hub(Line):
    """The repository of KNOWN at REVISION: its list, and its files. Every refusal is a
    BackendUnavailable with what to do."""

    def names(self) -> list[str]:
        """Paths of all files of the repository."""
        with self.ask(
            "GET",
            f"{self.endpoint}/api/models/{self.known.hub}/revision/{quote(self.revision, safe='')}",
        ) as answer:
            text = answer.read()
        try:
            said = json.loads(text)
            self.commit = str(said.get("sha") or self.revision)
            return sorted(str(row["rfilename"]) for row in said["siblings"])
        except (ValueError, KeyError, TypeError, AttributeError):
            what = "a web page" if text.lstrip()[:1] == b"<" else "something else"
            raise self.unreached(
                f"{self.endpoint} answered with {what} in place of its list of files; is a proxy's"
                " login in between?"
            ) from None

    def look(self, path: str) -> Meta:
        """What the hub says of the file PATH."""
        with self.ask("HEAD", self._url(path)) as answer:
            said = answer.headers
        length = said.get("X-Linked-Size") or (
            said.get("Content-Length") if not said.get("X-Linked-Etag") else None
        )
        digest = (
            (said.get("X-Linked-Etag") or said.get("ETag") or "")
            .removeprefix("W/")
            .strip('"')
            .lower()
        )
        known = digest if re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{40}", digest) else None
        return Meta(
            path,
            int(length) if length and length.isdigit() else None,
            known,
            said.get("X-Repo-Commit"),
        )

    def fetch(self, meta: Meta, target: Path) -> str:
        """Bring the file META to TARGET, going on where an earlier fetch ended; its SHA-256. One
        that differs is fetched once more."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.{(meta.digest or 'any')[:12]}.part")
        for again in (True, False):
            self._fill(meta, part)
            different, digest = wrong(meta, part)
            if different is None:
                part.replace(target)
                return digest
            part.unlink()
            if again:
                self.tell(f"{meta.path} {different}: fetching it again")
        raise BackendUnavailable(
            f"{self.known.hub}: {meta.path} {different}, twice.",
            remedy="Try again later; a proxy or a mirror in between may hold a damaged copy.",
        )

    def _fill(self, meta: Meta, part: Path) -> None:
        """Append to PART until an answer comes whole; a line that is cut is taken up again while
        that brings something."""
        cuts, longest = 0, -1
        while True:
            have = part.stat().st_size if part.exists() else 0
            if have and have == meta.bytes:
                return
            if have <= longest:
                cuts += 1
                if cuts > len(PAUSES):
                    return  # as long as it gets: whoever compares says so
                line.pause(PAUSES[cuts - 1])
            elif longest >= 0:
                cuts = 0
            longest = max(have, longest)
            if self._append(meta, part, have):
                return

    def _append(self, meta: Meta, part: Path, have: int) -> bool:
        """One answer's bytes; whether all of it came. It may still be another file than META."""
        headers = {"Range": f"bytes={have}-"} if have else {}
        with self.ask("GET", self._url(meta.path), headers, partial=True) as answer:
            if answer.status == 416:  # there is no such place in it: it is another file by now
                part.unlink()
                return False
            onward = answer.status == 206 and (
                answer.headers.get("Content-Range") or ""
            ).startswith(f"bytes {have}-")
            if have and not onward and answer.status == 206:
                raise self.unreached(f"{meta.path} came from the wrong place on")
            length, said, come = answer.headers.get("Content-Length"), time.monotonic(), 0
            with part.open("ab" if onward else "wb") as stream:
                try:
                    while piece := answer.read(PIECE):
                        stream.write(piece)
                        come += len(piece)
                        if meta.bytes and time.monotonic() - said > EVERY:
                            said = time.monotonic()
                            self.tell(
                                f"{meta.path}: {100 * stream.tell() // meta.bytes} % of"
                                f" {size(meta.bytes)}"
                            )
                except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError):
                    return False
                finally:
                    stream.flush()
                    os.fsync(stream.fileno())
        return (
            come == int(length)
            if length
            else part.stat().st_size == (meta.bytes or part.stat().st_size)
        )

    def _url(self, path: str) -> str:
        # a branch may move meanwhile
        return (
            f"{self.endpoint}/{self.known.hub}/resolve/{quote(self.commit, safe='')}/{quote(path)}"
        )


def wrong(meta: Meta, part: Path) -> tuple[str | None, str]:
    """(how PART differs from what the hub said, in words, or None; its SHA-256)."""
    there = part.stat().st_size
    if there != meta.bytes is not None and (found := what_instead(part)):
        return f"{found[0]} ({size(there)})", ""
    if meta.bytes is not None and there != meta.bytes:
        return f"ends at {there:,} bytes, the hub says {meta.bytes:,}", ""
    digest = sha256(part)
    if meta.digest and meta.digest != (digest if len(meta.digest) == 64 else _git_sha1(part)):
        return "is not what the hub says it is (its checksum differs)", ""
    return None, digest


def _git_sha1(path: Path) -> str:
    found = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    found.update(path.read_bytes())
    return found.hexdigest()
