"""A log line is an event and its facts."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from pipeline import log


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, level = logging.getLogger(), logging.getLogger().level
    yield (stream := io.StringIO())
    for handler in [h for h in root.handlers if getattr(h, "_inbox3d", False)]:
        root.removeHandler(handler)
    root.setLevel(level)
    assert stream is not None


def test_the_event_comes_first_then_its_facts(stream: io.StringIO) -> None:
    """Facts follow in the order given; None is left out; blanks are quoted."""
    log.setup(stream=stream)
    log.event("job.claimed", job="vase-7k3f9q2mxa", queue=None, waited=1.25, name="my vase")
    assert stream.getvalue().endswith('INFO job.claimed job=vase-7k3f9q2mxa waited=1.25 name="my vase"\n')


def test_a_name_with_a_line_break_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Whatever a person calls a file, one event stays one line."""
    log.setup(stream=stream)
    log.event("drop.seen", name="a\n2026-01-01 00:00:00 INFO job.done job=x")
    assert stream.getvalue().count("\n") == 1


def test_json_for_machines(stream: io.StringIO) -> None:
    """One object per line; a fact cannot overwrite the event."""
    log.setup(form="json", stream=stream)
    log.warning("disk.full", free=0, event="forged", path=io)
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["free"]) == ("disk.full", "warning", 0)


def test_the_level_is_a_setting_and_setup_may_be_repeated(stream: io.StringIO) -> None:
    """The last setup counts and lines are never doubled."""
    log.setup(level="error", stream=stream)
    log.event("worker.idle")
    log.setup(level="info", stream=stream)
    log.event("worker.busy")
    assert [line.split()[3] for line in stream.getvalue().splitlines()] == ["worker.busy"]


def test_a_traceback_goes_with_its_event(stream: io.StringIO) -> None:
    """An error may carry the exception that caused it."""
    log.setup(stream=stream)
    try:
        raise ValueError("odd")
    except ValueError:
        log.error("stage.failed", exc_info=True, stage="align")
    assert "stage.failed stage=align" in stream.getvalue()
    assert "ValueError: odd" in stream.getvalue()
