"""Page tokens: where a list goes on or back, for the filters that it was asked with."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from typing import Any

from webapi.problems import Problem


def write_token(value: Any, id: str, back: bool, filters: Mapping[str, str | None]) -> str:
    text = json.dumps([value, id, int(back), _mark(filters)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(
    token: str, filters: Mapping[str, str | None], kind: type[str] | type[int]
) -> tuple[Any, str, bool]:
    """(value of KIND, id, whether it goes back) of the row that the page before ended with. Problem
    where TOKEN is none of ours, or of a list with other filters (AIP-158)."""
    try:
        value, id, back, mark = json.loads(
            base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        )
        if (
            type(value) is kind
            and isinstance(id, str)
            and "\0" not in f"{value}{id}"
            and abs(value if isinstance(value, int) else 0) < 2**63
            and back in (0, 1)
            and mark == _mark(filters)
        ):
            return value, id, bool(back)
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
