"""Logs: the event first, then its facts: ``job.claimed job=vase-7k3f9q2mxa worker=… queue=scan``.

>>> event("job.claimed", job=job_id, queue="scan")

Lines go to stderr; ``form="json"`` writes one object per line for machines.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, TextIO

NAME = "inbox3d"
_logger = logging.getLogger(NAME)


def setup(level: str = "info", form: str = "text", stream: TextIO | None = None) -> None:
    """Send our events (and warnings of libraries) to STREAM, default stderr. May be called again; the last call counts."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    for old in [h for h in root.handlers if getattr(h, "_inbox3d", False)]:
        root.removeHandler(old)
    handler._inbox3d = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    _logger.setLevel(level.upper())


def event(name: str, /, *, level: str = "info", exc_info: bool = False, **facts: Any) -> None:
    """Log event NAME with FACTS; a fact that is None is left out."""
    known = {key: value for key, value in facts.items() if value is not None}
    _logger.log(getattr(logging, level.upper()), name, extra={"facts": known}, exc_info=exc_info, stacklevel=2)


def warning(name: str, /, **facts: Any) -> None:
    event(name, level="warning", **facts)


def error(name: str, /, *, exc_info: bool = False, **facts: Any) -> None:
    event(name, level="error", exc_info=exc_info, **facts)


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        facts = getattr(record, "facts", {})
        return " ".join([super().formatMessage(record).rstrip(), *(f"{key}={_plain(value)}" for key, value in facts.items())])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"), "level": record.levelname.lower(), "event": record.getMessage()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({**getattr(record, "facts", {}), **line}, default=str, ensure_ascii=False)


def _plain(value: Any) -> str:
    """One word, or a quoted one where it holds blanks, quotes or control characters: a line stays a line."""
    text = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return text if text and text.isprintable() and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)
