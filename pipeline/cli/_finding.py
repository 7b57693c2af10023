"""What doctor found of one thing."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One thing that was looked at: fine, missing (something optional) or wrong."""

    level: Literal["fine", "missing", "wrong"]
    what: str
    detail: str
    remedy: str = ""

    @property
    def mark(self) -> str:
        return {"fine": "✓", "missing": "–", "wrong": "✗"}[self.level]
