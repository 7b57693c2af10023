"""Page tokens: where a list goes on, for the filters that it was asked with."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from webapi.problems import Problem


def write_token(row: Mapping[str, Any], filters: Mapping[str, str | None]) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([row["at"], row["id"], _mark(filters)]).encode())
        .decode()
        .rstrip("=")
    )


def read_token(token: str, filters: Mapping[str, str | None]) -> tuple[str, str]:
    """(at, id) of the last row of the page before. Problem where TOKEN is none of ours, or of a
    list with other filters (AIP-158)."""
    try:
        at, id, mark = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if (
            isinstance(at, str)
            and isinstance(id, str)
            and "\0" not in at + id
            and mark == _mark(filters)
        ):
            return at, id
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise Problem(
        422,
        "page-token",
        "page_token is none that this service gave for these filters.",
        "Take next_page_token of the page before, unchanged, with the same filters.",
    )


def _mark(filters: Mapping[str, str | None]) -> int:
    return zlib.crc32(
        json.dumps(sorted((key, value) for key, value in filters.items() if value)).encode()
    )
