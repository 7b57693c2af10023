"""A log line is an event and its facts."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import log

OURS = logging.getLogger("pipeline.watchers.example")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream for log.setup; everything set up is taken back."""
    root, before = logging.getLogger(), list(logging.getLogger().handlers)
    levels = {name: logging.getLogger(name).level for name in log.PACKAGES}
    yield io.StringIO()
    root.handlers[:] = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_the_event_comes_first_then_its_facts(stream: io.StringIO) -> None:
    """Facts follow in the order given; values with blanks are quoted."""
    log.setup(stream=stream)
    OURS.info("job.claimed job=%s n=%d waited=%.1f name=%s", "vase-7k3f9q2mxa", 2, 1.26, "my vase")
    assert stream.getvalue().endswith(
        'INFO job.claimed job=vase-7k3f9q2mxa n=2 waited=1.3 name="my vase"\n'
    )


def test_a_name_with_a_line_break_cannot_forge_a_line(stream: io.StringIO) -> None:
    """Whatever a person calls a file, one event stays one line."""
    log.setup(stream=stream)
    OURS.info("drop.seen name=%s", "a\n2026-01-01 00:00:00 INFO job.done job=x")
    assert stream.getvalue().count("\n") == 1


def test_json_for_machines(stream: io.StringIO) -> None:
    """One object per line with typed facts; a fact cannot overwrite the event."""
    log.setup(form="json", stream=stream)
    OURS.warning("disk.full free=%d event=%s path=%s", 0, "forged", Path("/data"))
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["free"], line["path"]) == (
        "disk.full",
        "warning",
        0,
        "/data",
    )


def test_words_without_facts_are_an_event_too(stream: io.StringIO) -> None:
    """Libraries log sentences; they are kept as they are, with their arguments put in."""
    log.setup(form="json", stream=stream)
    logging.getLogger("somebody.else").warning("could not open %s", "x")
    assert json.loads(stream.getvalue())["event"] == "could not open x"


def test_the_level_is_a_setting_and_setup_may_be_repeated(stream: io.StringIO) -> None:
    """The last setup counts, lines are never doubled, and libraries stay at warnings."""
    log.setup(level="error", stream=stream)
    OURS.info("worker.idle")
    log.setup(level="info", stream=stream)
    OURS.info("worker.busy")
    logging.getLogger("somebody.else").info("chatter")
    assert [line.split()[3] for line in stream.getvalue().splitlines()] == ["worker.busy"]


def test_a_traceback_goes_with_its_event(stream: io.StringIO) -> None:
    """An error may carry the exception that caused it."""
    log.setup(stream=stream)
    try:
        raise ValueError("odd")
    except ValueError:
        OURS.exception("stage.failed stage=%s", "align")
    assert "stage.failed stage=align" in stream.getvalue()
    assert "ValueError: odd" in stream.getvalue()


@pytest.mark.slow
def test_every_event_of_ours_splits_into_its_facts(root: Path) -> None:
    """Whatever code logs, each value has a name: nothing reaches machines inside a sentence."""
    unsplit = []
    for path in [file for room in log.PACKAGES for file in (root / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            levels = ("debug", "info", "warning", "error", "exception")
            first = node.args[0] if node.args else None
            if node.func.attr not in levels or not isinstance(first, ast.Constant):
                continue
            values = re.findall(r"%(?:\.\d+)?[a-z]", str(first.value))
            if not len(values) == len(log._FACT.findall(str(first.value))) == len(node.args) - 1:
                unsplit.append(f"{path.relative_to(root)}:{node.lineno} {first.value}")
    assert unsplit == []


def test_a_watch_that_ends_is_no_error(stream: io.StringIO) -> None:
    """watchdog calls each end of one an error, three lines at every stop of a fleet."""
    logging.getLogger("watchdog").error("queue_events() called when the thread is inactive")
    logging.getLogger("watchdog.observers").error("the same from below")
    assert stream.getvalue() == ""
