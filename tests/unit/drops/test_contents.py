"""What is read of a drop's files while it is judged, and how often."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from layout.disk import LineFault
from pipeline.drops import looked
from pipeline.drops.completeness import Completeness
from pipeline.drops.contents import open_file
from pipeline.drops.verdict import Ready, Refuse, Wait
from pipeline.formats import completeness
from tests.support.watched import PLY, PNG, Drop


def test_folders_full_of_files_are_read_once() -> None:
    """Head, kind and end by one opening; ticks over an unchanged drop open no file again."""
    drop = Drop()
    for k in range(20):
        drop.write(f"{k}.ply", PLY)
    drop.after(8)
    for _ in range(50):
        drop.tick()
    assert sorted(drop.opened) == sorted(f"{k}.ply" for k in range(20))


def test_a_file_that_still_changes_is_not_opened() -> None:
    """Its neighbours, which stand still, are; a wrong one among them is told while the copy goes on."""
    drop = Drop()
    drop.write("cat.ply", PNG)
    for k in range(5):
        drop.add("b.ply", PLY)
        verdict = drop.tick()
        assert (isinstance(verdict, Wait) and "cat.ply is a PNG image" in verdict.reason) == (k > 0)
    assert drop.opened == ["cat.ply"]


def test_the_end_of_a_long_text_is_looked_for_when_the_whole_drop_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A copier that pauses between two blocks does not have all that is there counted at each pause."""
    monkeypatch.setattr(looked, "LONG", 10)
    counted: list[str] = []
    ours = completeness.cut_off
    monkeypatch.setattr(
        completeness, "cut_off", lambda name, *rest: counted.append(name) or ours(name, *rest)
    )
    drop = Drop()
    drop.write("rows.xyz", b"0 0 0\n" * 20)
    for _ in range(3):
        assert isinstance(drop.tick(), Wait)
    assert (drop.opened, counted) == (["rows.xyz"], [])
    assert isinstance(drop.after(10), Ready)
    assert (drop.opened, counted) == (["rows.xyz"] * 2, ["rows.xyz"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError, "a.ply was refused although its permissions allow it"),
        (FileNotFoundError, "a.ply is not to be seen"),
        (IsADirectoryError, "a.ply is not to be seen"),
    ],
)
def test_a_file_that_cannot_be_opened_waits_with_the_reason(
    error: type[OSError], words: str
) -> None:
    """Permissions set at the end of a copy, or a cache that lags, are no fault of the drop."""

    def fail(path: Path) -> BinaryIO:
        raise error(21, "no", str(path))

    drop = Drop()
    drop.completeness = Completeness(clock=lambda: drop.now, opener=fail)
    drop.write("a.ply", PLY)
    verdict = drop.after(4000)
    assert isinstance(verdict, Wait)
    assert words in verdict.reason


class _Failing(io.BytesIO):
    """A file on a share that has just failed."""

    def read(self, size: int | None = -1) -> bytes:
        raise OSError(errno.EIO, "Input/output error")


def test_a_failing_share_is_no_verdict() -> None:
    """The line is at fault, not the drop: nothing is said about it."""
    drop = Drop()
    drop.completeness = Completeness(clock=lambda: drop.now, opener=lambda path: _Failing())
    drop.write("a.ply", PLY)
    drop.judge()
    with pytest.raises(LineFault, match="Input/output"):
        drop.tick()


def test_what_was_read_of_older_versions_is_forgotten() -> None:
    """A file that grows for hours does not grow the watcher."""
    drop = Drop()
    for k in range(50):
        drop.write("a.ply", PLY + b"\n" * k)
        drop.tick()
    assert len(drop.completeness._seen["vase"].contents._looked) <= 1


def test_an_empty_file_of_a_known_type_waits_and_is_then_refused() -> None:
    """Finder's placeholder holds the drop; one that stays empty for half an hour is refused by name."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("b.ply", b"")
    verdict = drop.after(60)
    assert isinstance(verdict, Wait)
    assert "b.ply: it is empty" in verdict.reason
    verdict = drop.after(1800)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "looks cut off: b.ply: it is empty (0 bytes)"


def test_an_empty_file_of_an_unknown_type_is_nobodys_business() -> None:
    """Only files that cannot be right when empty hold a drop."""
    drop = Drop()
    drop.write("a.ply", PLY)
    drop.write("notes.xyz~", b"")
    assert isinstance(drop.after(6), Ready)


def test_a_truncated_scan_waits_and_is_then_refused_as_cut_off() -> None:
    """The patience runs from the last change; the words say what is missing."""
    drop = Drop()
    drop.write("a.ply", PLY[:-12])
    assert isinstance(drop.after(1700), Wait)
    drop.write("a.ply", PLY[:-6])
    assert isinstance(drop.after(1790), Wait)
    verdict = drop.after(20)
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "looks cut off: a.ply: its header promises 3 vertices, 2 are there"
    assert verdict.remedy == "Copy or export the file again."


def test_opening_a_pipe_never_hangs(tmp_path: Path) -> None:
    """A pipe that took a file's place between look and reading is as empty as it looks."""
    os.mkfifo(tmp_path / "a.ply")
    with open_file(tmp_path / "a.ply") as file:
        assert file.read(10) in (b"", None)
