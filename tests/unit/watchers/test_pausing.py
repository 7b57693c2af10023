"""A loop that meets a tree that does not work goes on: it tells why, once in the log and at every turn in its heartbeat."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout.beat import Beat
from layout.disk import LineFault
from layout.signs import Heartbeat
from layout.tree import Atlas
from pipeline.watchers.pausing import Pausing, Restart, check_tree
from tests.support.trees import new_tree


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def beat(atlas: Atlas) -> Iterator[Beat]:
    one = Beat(atlas, Heartbeat(worker="host-a", role="worker", counter=0, boot="", pid=1), 60)
    yield one
    one.end()


def test_a_fault_of_the_line_ends_the_turn_and_is_told_once(
    atlas: Atlas, beat: Beat, caplog: pytest.LogCaptureFixture
) -> None:
    """Until another turn went well: then the same fault is news again."""
    heard: list[str] = []
    pausing = Pausing(atlas, beat, heard.append)
    for fails in (True, True, False, True):
        reached = False
        with pausing.turn():
            if fails:
                raise LineFault(5, "the share is away")
            reached = True
        assert reached != fails
    assert [record.getMessage() for record in caplog.records] == [
        "line.fault worker=host-a what=the share is away"
    ] * 2
    assert beat.heartbeat.message == "paused: the share is away"
    assert heard == ["the share is away"] * 3


def test_whatever_else_a_turn_meets_is_told_in_words_and_with_its_trace(
    atlas: Atlas, beat: Beat, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []
    with caplog.at_level(logging.WARNING), Pausing(atlas, beat, heard.append).turn():
        raise PermissionError(13, "Permission denied", str(atlas.done))
    assert heard == [beat.heartbeat.message.removeprefix("paused: ")]
    (record,) = caplog.records
    assert record.getMessage().startswith("look.failed worker=host-a what=")
    assert record.exc_info and beat.heartbeat.message.startswith("paused: ")
    assert "PermissionError" not in beat.heartbeat.message


def test_a_restored_tree_makes_the_process_begin_anew_and_another_tree_pauses_it(
    atlas: Atlas, beat: Beat
) -> None:
    known = atlas.identity()
    check_tree(atlas, known)
    atlas.identity_file.write_bytes(known.model_copy(update={"epoch": known.epoch + 1}).dump())
    with pytest.raises(Restart), Pausing(atlas, beat).turn():
        check_tree(atlas, known)
    atlas.identity_file.write_bytes(known.model_copy(update={"uuid": "another"}).dump())
    with pytest.raises(LineFault, match="another tree"):
        check_tree(atlas, known)
