"""The REST API of a running inbox3d, as a program on another host calls it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

CHUNK, CONNECT, READ = 1 << 20, 10.0, 120.0  # bytes, seconds, seconds
JSON_LIMIT = 16 << 20


class Refused(Exception):
    """The service refused, or does not answer: what it said, and what to do."""


class Rest:
    """The service at URL. KEY: what `inbox3d keys add` printed; none is needed on its own host."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._http = urllib3.PoolManager(
            retries=False, timeout=urllib3.Timeout(connect=CONNECT, read=READ)
        )

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        said = urlencode({key: value for key, value in query.items() if value is not None})
        return self._json(self._call("GET", path + (f"?{said}" if said else "")))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return self._json(self._call("POST", path, json.dumps(body).encode(), headers))

    def send(
        self, path: str, files: Sequence[tuple[str, Path]], fields: Mapping[str, str]
    ) -> dict[str, Any]:
        """Upload FILES, each under its name, with the form's FIELDS. They are read while they are
        sent."""
        line = secrets.token_hex(16)
        parts = [
            (_head(line, f'name="{_escaped(key)}"'), value.encode())
            for key, value in fields.items()
        ]
        heads = [
            (_head(line, f'name="files"; filename="{_escaped(name)}"'), file)
            for name, file in files
        ]
        end = f"--{line}--\r\n".encode()
        size = sum(len(head) + len(value) + 2 for head, value in parts) + len(end)
        size += sum(len(head) + file.stat().st_size + 2 for head, file in heads)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={line}",
            "Content-Length": str(size),
        }

        def body() -> Iterator[bytes]:
            for head, value in parts:
                yield head + value + b"\r\n"
            for head, file in heads:
                yield head
                with file.open("rb") as opened:
                    while chunk := opened.read(CHUNK):
                        yield chunk
                yield b"\r\n"
            yield end

        return self._json(self._call("POST", path, body(), headers))

    def save(self, path: str, folder: Path) -> tuple[Path, int]:
        """Download PATH into FOLDER under the name that the service gives it, over no other file.
        (where it is, bytes)."""
        answer = self._call("GET", path)
        # never hidden: FOLDER may be somebody's home, where such a file is a program's settings
        name = (
            Path(_named(answer.headers.get("Content-Disposition", ""))).name.lstrip(".") or "model"
        )
        target, number = folder / name, 1
        while True:
            try:
                file = target.open("xb")
                break
            except FileExistsError:
                number += 1
                target = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
        with file:
            for chunk in answer.stream(CHUNK):
                file.write(chunk)
        announced = answer.headers.get("Content-Length")
        if announced is not None and int(announced) != target.stat().st_size:
            target.unlink()
            raise Refused("The download broke off. Fetch it again.")
        return target, target.stat().st_size

    def _call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        try:
            answer = self._http.request(
                method,
                self.url + path,
                body=body,
                headers=self._headers | dict(headers or {}),
                preload_content=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Refused(
                f"{self.url} does not answer ({error.__class__.__name__}). Is `inbox3d up` or"
                " `inbox3d web` running there?"
            ) from None
        if answer.status >= 300:
            raise Refused(_why(answer))
        return answer

    @staticmethod
    def _json(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        try:
            found = json.loads(answer.read(JSON_LIMIT))
        except (ValueError, urllib3.exceptions.HTTPError):
            raise Refused("The answer was cut off, or is not from inbox3d.") from None
        if not isinstance(found, dict):
            raise Refused("The answer is not from inbox3d.")
        return found


def segment(text: str) -> str:
    """TEXT as one part of a path."""
    return quote(text, safe="")


def _why(answer: urllib3.BaseHTTPResponse) -> str:
    try:
        problem = json.loads(answer.read(JSON_LIMIT))
        return f"{problem['detail']} {problem['remedy']}"
    except (ValueError, KeyError, TypeError, urllib3.exceptions.HTTPError):
        return f"The service answered {answer.status}."


def _head(line: str, what: str) -> bytes:
    return f"--{line}\r\nContent-Disposition: form-data; {what}\r\n\r\n".encode()


def _escaped(name: str) -> str:
    """As browsers write a file's name."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _named(header: str) -> str:
    """The plain file name of a Content-Disposition."""
    from email.message import Message

    message = Message()
    message["Content-Disposition"] = header
    return message.get_filename() or ""
