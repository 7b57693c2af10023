"""Talks to an assist service: one POST with files, one answer, within a time that the whole
exchange must keep."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

BOUNDARY = "inbox3d-3f1c9b7a"
LARGEST = 512 << 20  # bytes of an answer
MOST_FEATURES = 1000


class NoUse(Exception):
    """Why an answer was not taken."""


def ask(address: str, seconds: float, parts: dict[str, bytes]) -> bytes | list[dict[str, Any]]:
    """POST PARTS as multipart/form-data to ADDRESS. Returns the GLB's bytes, or the features: a
    list of objects. Raises NoUse when the service is away, too slow, says an error, or answers
    neither. Redirections are not followed."""
    ends = time.monotonic() + seconds
    where = urlsplit(address)
    kind = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}.get(
        where.scheme
    )
    if kind is None or not where.hostname:
        raise NoUse(f"{address!r} is not an http address")
    connection = kind(where.hostname, where.port, timeout=seconds)
    try:
        path = (where.path or "/") + (f"?{where.query}" if where.query else "")
        connection.request(
            "POST",
            path,
            _body(parts),
            {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
        )
        answer = connection.getresponse()
        if answer.status != 200:
            raise NoUse(f"it answered {answer.status} {answer.reason}")
        return _understood(answer.headers.get_content_type(), _read(connection, answer, ends))
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() >= ends or isinstance(error, TimeoutError)
        raise NoUse(
            f"no answer within {seconds:g} s" if late else f"{type(error).__name__}: {error}"
        ) from None
    finally:
        connection.close()


def _body(parts: dict[str, bytes]) -> bytes:
    chunks = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
        f'name="{name}"; filename="{name}"\r\n\r\n'.encode()
        + data
        + b"\r\n"
        for name, data in parts.items()
    ]
    return b"".join(chunks) + f"--{BOUNDARY}--\r\n".encode()


def _read(
    connection: http.client.HTTPConnection, answer: http.client.HTTPResponse, ends: float
) -> bytes:
    """The whole body; a service that drips byte by byte has no more time than any other."""
    data = bytearray()
    while True:
        left = ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
        block = answer.read1(1 << 16)
        if not block:
            return bytes(data)
        data += block
        if len(data) > LARGEST:
            raise NoUse(f"its answer is larger than {LARGEST >> 20} MB")


def _understood(kind: str, data: bytes) -> bytes | list[dict[str, Any]]:
    if data[:4] == b"glTF":
        return data
    if kind != "application/json":
        raise NoUse(f"its answer is {kind}, neither a GLB nor JSON")
    try:
        features = json.loads(data)["features"]
    except (ValueError, KeyError, TypeError):
        raise NoUse("its JSON holds no list named features") from None
    if (
        not isinstance(features, list)
        or len(features) > MOST_FEATURES
        or not all(isinstance(item, dict) for item in features)
    ):
        raise NoUse("its features are not a list of objects")
    try:
        json.dumps(features, allow_nan=False)
    except ValueError:
        raise NoUse("its features hold numbers that are not finite") from None
    return features
