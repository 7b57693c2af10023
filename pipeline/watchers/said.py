"""Saying a fault once: a loop meets the same one at every turn."""

from __future__ import annotations


class Said:
    """The fault that a loop met last. ``news`` is true when WHY is another one, so that a log tells
    each once and not every second; ``settled`` when a turn went well."""

    def __init__(self) -> None:
        self._last: str | None = None

    def news(self, why: str) -> bool:
        fresh, self._last = why != self._last, why
        return fresh

    def settled(self) -> None:
        self._last = None
