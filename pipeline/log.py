"""Logs: the event first, then its facts: ``job.claimed job=vase-7k3f9q2mxa worker=… queue=scan``.

Code logs with the standard library, ``log.info("job.claimed job=%s queue=%s", id, queue)``; this
module is where lines get their form: text for people, one JSON object per line for machines. A
value that holds blanks or line breaks is quoted, so that one event stays one line whatever a person
calls a file.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any, TextIO

PACKAGES = ("layout", "pipeline", "webapi")
_FACT = re.compile(r"(\w+)=(%(?:\.\d+)?[a-z])")


def setup(level: str = "info", form: str = "text", stream: TextIO | None = None) -> None:
    """Write our events, and warnings of libraries, to STREAM (default: stderr). The last call
    counts."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    for package in PACKAGES:
        logging.getLogger(package).setLevel(level.upper())
    # It calls each stop an error; what it misses is found by the next look at the folder.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)


def facts_of(record: logging.LogRecord) -> tuple[str, dict[str, Any]]:
    """(event, facts) of a record whose message is a template such as "job.claimed job=%s"; else
    (message, {})."""
    template, values = str(record.msg), record.args
    found = _FACT.findall(template)
    if not isinstance(values, tuple) or len(found) != len(values) or not found:
        return record.getMessage(), {}
    shown = (
        float(sign % value) if sign.endswith("f") else value
        for (_, sign), value in zip(found, values, strict=True)
    )
    return template[: template.index(f"{found[0][0]}=")].strip(), dict(
        zip((key for key, _ in found), shown, strict=True)
    )


class _Handler(logging.StreamHandler[TextIO]):
    """Ours, so that a second setup finds it."""


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        event, facts = facts_of(record)
        record.message = " ".join(
            [event.replace("\n", "\\n"), *(f"{key}={_word(value)}" for key, value in facts.items())]
        )
        return super().formatMessage(record)


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event, facts = facts_of(record)
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "event": event,
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({**facts, **line}, default=str, ensure_ascii=False)


def _word(value: Any) -> str:
    text = str(value)
    return (
        text
        if text and text.isprintable() and not set(text) & set(' "')
        else json.dumps(text, ensure_ascii=False)
    )
