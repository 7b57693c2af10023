"""Habits of people, file managers and sync tools at one real fleet that may not read everything: each ends right, or with its words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from layout.tree import State
from tests.conftest import find_program, missing
from tests.support.drops import stl_file
from tests.support.hostile import need_root
from tests.support.live import House, eventually, house

pytestmark = pytest.mark.slow
LESS = "--bounding-set=-dac_override,-dac_read_search,-fowner,-chown"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 12345\n"


def folder(path: Path, *names: str) -> Path:
    path.mkdir()
    for seed, name in enumerate(names):
        stl_file(path / name, seed)
    (path / "READY").touch()
    return path


def told(home: House) -> str:
    pages = [page.read_text() for page in home.atlas.failed.glob("*/error.txt")]
    status = home.atlas.status_file
    return "\n".join([status.read_text() if status.is_file() else "", *pages])


@pytest.mark.timeout(300)
def test_each_habit_ends_right_or_with_its_words(tmp_path: Path) -> None:
    need_root()
    setpriv = find_program("setpriv") or missing(
        "the program setpriv", "run deploy/system-packages.sh test"
    )
    with house(tmp_path) as home:
        inbox, root = home.atlas.inbox, home.atlas.root
        folder(inbox / "two", "part.stl", "part.sync-conflict-20261130-101112-ABCDEFG.stl")
        folder(inbox / "one", "part.stl")
        folder(root / "astray", "part.stl")
        (inbox / ".recycle").mkdir()
        (inbox / "vase - Shortcut.lnk").write_bytes(b"L\0\0\0" + bytes(80))
        (folder(inbox / "pointer") / "part.stl").write_text(POINTER)
        late = folder(inbox / "late", "late.stl")
        home.up("--queues", "finish", prefix=(str(setpriv), LESS))

        # the worker has it: from now on it may not read the file any more
        held = eventually(
            lambda: (
                next(home.atlas.processing.glob("late-*"), None)
                or next(home.atlas.done.glob("late-*"), None)
            ),
            90,
            f"late taken ({home.tail()})",
        )
        for path in held.glob(f"input/{late.name}/late.stl"):
            os.chown(path, 1500, 1500)
            path.chmod(0o600)

        (place, job), (one, _) = home.ended("two", 120), home.ended("one", 60)
        assert place.state is State.DONE and job.kind == "convert"
        assert any("sync-conflict" in note and "(of part.stl)" in note for note in job.notes)
        ended, job = home.ended("late", 60)
        assert ended.state is State.DONE or "late.stl cannot be read" in told(home)
        assert all(start.outcome is not None for start in job.starts), "no crash is counted"

        # the mouse slips, and somebody tidies up
        slipped = one.path / place.path.name
        place.path.rename(slipped)
        home.atlas.status_file.unlink()
        (inbox / "again").mkdir()
        (inbox / "HALT.txt.txt").touch()
        expected = (
            "astray stands beside inbox/", "vase - Shortcut.lnk is a shortcut", "a pointer of Git LFS",
            f"done/{one.path.name}: it holds the folder of another job, {slipped.name}", "HALTED",
        )  # fmt: skip
        eventually(
            lambda: all(words in told(home) for words in expected) or None,
            60,
            f"all named: {[words for words in expected if words not in told(home)]}",
        )
        assert ".recycle" not in told(home)
        (inbox / "HALT.txt.txt").unlink()

        # a job in a folder of the person's own
        (inbox / "again").rmdir()
        mine = root / "mine"
        mine.mkdir()
        slipped.rename(mine / slipped.name)
        mine.rename(inbox / "mine")
        eventually(
            lambda: "is a job's folder inside of another one" in told(home) or None,
            60,
            f"refused ({told(home)})",
        )
        assert "process.ended" not in home.log.read_text()
