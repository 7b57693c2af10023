"""A folder in done/ whose result is not that job's own is named while the house runs, not only after its next start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import claims, removal, tree
from layout.attention import Attention
from layout.manifest import read_job
from layout.tree import Atlas, Place, State
from pipeline.submission import job_view
from pipeline.watchers import finished
from pipeline.watchers.finished import Finished
from tests.support.trees import new_tree
from tests.unit.watchers.test_shells import done
from webapi.index import rows


@pytest.fixture
def atlas(tmp_path: Path) -> Iterator[Atlas]:
    yield new_tree(tmp_path / "atlas")


def two_done(atlas: Atlas) -> tuple[Place, Place]:
    first = done(atlas)
    shutil.rmtree(atlas.root / "made")
    return first, done(atlas)


def merged(into: Place, what: Path) -> None:
    """As file managers do it: files of one name are replaced, others join."""
    shutil.copytree(what, into.path, dirs_exist_ok=True)


HABITS: dict[str, tuple[Callable[[Place, Place], object], str]] = {
    "all of another job's folder": (lambda to, what: merged(to, what.path), "job.json is that of"),
    "another job's output": (
        lambda to, what: shutil.copytree(
            what.path / tree.OUTPUT, to.path / tree.OUTPUT, dirs_exist_ok=True
        ),
        "output/ is the result of",
    ),
    "moved to the other": (lambda to, what: removal.remove(to.path / tree.OUTPUT), "no output/"),
}


@pytest.mark.parametrize("habit", HABITS)
def test_what_was_put_together_after_it_was_seen_whole_is_named(atlas: Atlas, habit: str) -> None:
    """And forgotten once it is a job with its result again. The web layer does not call it completed."""
    act, words = HABITS[habit]
    to, what = two_done(atlas)
    attention = Attention(atlas)
    looks = Finished(atlas, attention)
    looks.look()
    assert attention.lines() == ()
    kept = atlas.root / "kept"
    shutil.copytree(to.path, kept)
    act(to, what)
    looks.look()
    (line,) = attention.lines()
    assert line.startswith(f"done/{to.id}: ") and words in line
    assert what.id in line or habit == "moved to the other"
    row = rows.read(atlas, to)
    assert row and row["state"] == "failed" and words in str(row["message"])
    shutil.rmtree(to.path)
    kept.rename(to.path)
    looks.look()
    assert attention.lines() == () and job_view.without_result(atlas, to) is None


def test_a_large_library_is_looked_at_in_turn(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few in a round, every one after some rounds, whatever comes and goes."""
    for number in range(7):
        (atlas.done / f"vase-{number:010}" / tree.OUTPUT).mkdir(parents=True)
    seen: list[str] = []
    monkeypatch.setattr(finished, "AGAIN", 3)
    monkeypatch.setattr(
        finished.job_view, "without_result", lambda atlas, place: seen.append(place.path.name)
    )
    looks = Finished(atlas, Attention(atlas))
    looks.look()
    assert len(seen) == 7
    for _ in range(3):
        seen_before = len(seen)
        looks.look()
        assert len(seen) - seen_before == 3
    assert len({*seen[7:]}) == 7


def test_a_job_dragged_back_after_a_merge_is_no_old_result(atlas: Atlas) -> None:
    """Its job.json speaks of another one: it is accepted as a job of its own."""
    to, what = two_done(atlas)
    merged(to, what.path)
    job = read_job(atlas.disk, to.path)
    assert job is not None and job.id == what.id
    to.path.rename(atlas.inbox / to.id)
    claim = claims.identify_folder(atlas, to.id, job, False)
    assert claim.id != what.id
    assert atlas.places(State.DONE) == [what]
