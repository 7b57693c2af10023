"""Trees that are deeper than Python may call and longer than a path may be: refused, moved, deleted like any other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout import removal, walk
from layout.disk import Disk, LineFault
from layout.walk import BeyondLimits
from pipeline.config import Intake
from pipeline.drops.completeness import Completeness
from pipeline.drops.listing import look
from pipeline.drops.verdict import Refuse, Wait
from pipeline.errors import SubmitRefused
from pipeline.submission.submit import refuse_links
from tests.support.hostile import deep, immutable


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """Cleared by the test itself: others' ways to delete it would not get to the bottom."""
    yield tmp_path
    for path in tmp_path.iterdir():
        removal.remove(path)


@pytest.mark.parametrize(
    ("levels", "name"), [(1000, "a"), (60, "n" * 200)], ids=["a thousand deep", "path too long"]
)
def test_a_tree_beyond_the_limits_is_refused_with_words(
    tmp_path: Path, levels: int, name: str
) -> None:
    """As soon as nothing moves any more; the words tell the limit and where it is broken."""
    drop = deep(tmp_path / "looped", levels, name)
    completeness = Completeness(Intake(), clock=iter(range(10)).__next__)
    verdicts = [completeness.judge("looped", look(drop)) for _ in range(2)]
    assert isinstance(verdicts[0], Wait)
    assert isinstance(verdicts[1], Refuse)
    assert (
        f"looped holds {'folders more than 100 deep' if name == 'a' else 'a path of more than 1000 bytes'}"
        in verdicts[1].reason
    )
    assert "take the folder that repeats or goes too deep out" in verdicts[1].remedy.lower()


def test_what_lies_within_the_limits_is_listed_and_the_rest_is_an_error_or_left_out(
    tmp_path: Path,
) -> None:
    """A refused drop is written down as far as that goes."""
    drop = deep(tmp_path / "looped", 150)
    (drop / "b.stl").write_text("solid")
    with pytest.raises(BeyondLimits, match="looped holds folders more than 100 deep"):
        walk.files_below(Disk(), drop)
    assert walk.files_below(Disk(), drop, whole=False) == [("b.stl", 5)]


def test_a_drop_at_the_limit_is_listed(tmp_path: Path) -> None:
    """A hundred folders in one another are no fault."""
    found = walk.files_below(Disk(), deep(tmp_path / "drop", walk.DEPTH - 1))
    assert [path.count("/") for path, _ in found] == [walk.DEPTH - 1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("levels", "name"),
    [(3000, "a"), (100, "n" * 200)],
    ids=["three thousand deep", "path too long"],
)
def test_a_tree_of_any_depth_is_deleted(tmp_path: Path, levels: int, name: str) -> None:
    """Trash must be able to take what a drop could hold."""
    top = deep(tmp_path / "looped", levels, name)
    (top / "link").symlink_to(tmp_path)
    assert Disk().remove_tree(top) is None
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_deleted_is_told_and_all_else_goes(tmp_path: Path) -> None:
    """The next sweep finds only what stays."""
    top = tmp_path / "trash"
    (top / "kept").mkdir(parents=True)
    for name in ("kept/stays", "kept/goes", "goes"):
        (top / name).touch()
    with immutable(top / "kept/stays"):
        error = Disk().remove_tree(top)
        assert error is not None and error.filename == "stays"
        assert sorted(path.name for path in top.rglob("*")) == ["kept", "stays"]
    assert Disk().remove_tree(top) is None


def test_a_tree_beyond_the_limits_is_refused_before_it_is_submitted(tmp_path: Path) -> None:
    """The command line and a retry copy nothing that no intake would take."""
    with pytest.raises(SubmitRefused, match="looped holds folders more than 100 deep"):
        refuse_links(deep(tmp_path / "looped", 1000))


def test_what_is_no_regular_file_is_not_listed(tmp_path: Path) -> None:
    """A pipe would be waited for, a link leads out of the drop."""
    (tmp_path / "a.stl").touch()
    os.mkfifo(tmp_path / "job.toml")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert walk.files_below(Disk(), tmp_path) == [("a.stl", 0)]


class Hiding(Disk):
    """A stale negative entry hides what is listed, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__(durable=False)
        self.times = times

    def lstat(self, path: Path) -> os.stat_result | None:
        self.times -= 1
        return None if self.times >= 0 else super().lstat(path)


def test_a_listed_file_that_is_not_seen_is_not_left_out(tmp_path: Path) -> None:
    """Else a job.toml takes its options along, without a word."""
    (tmp_path / "job.toml").write_text("seed = 1\n")
    assert walk.files_below(Hiding(1), tmp_path) == [("job.toml", 9)]
    with pytest.raises(LineFault):
        walk.files_below(Hiding(99), tmp_path)


def test_a_file_that_went_after_it_was_listed_is_left_out(tmp_path: Path) -> None:
    class Taken(Hiding):
        def lstat(self, path: Path) -> os.stat_result | None:
            path.unlink(missing_ok=True)
            return super().lstat(path)

    (tmp_path / "a.stl").touch()
    assert walk.files_below(Taken(0), tmp_path) == []
