"""A fleet that cannot do what it was asked for does not start, and says why once."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

import pytest

from layout import init as making
from layout.init import init
from layout.tree import Atlas
from pipeline import config
from pipeline.errors import BackendUnavailable
from pipeline.submission.refusals import Restored
from pipeline.watchers import fit, fleet
from pipeline.watchers.intake import Intake
from tests.support.trees import new_tree


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


def test_a_restored_tree_is_not_worked_on_until_init_was_told(atlas: Atlas, tmp_path: Path) -> None:
    """Restored, copied, moved to another disk: the remedy is named, and with it everything is well."""
    fit.check(atlas, ())
    shutil.copytree(atlas.root, tmp_path / "back")
    back = Atlas(tmp_path / "back")
    with pytest.raises(Restored) as refused:
        fleet.up(back, config.Settings(), "here", (), ("cpu",), until_idle=True)
    assert f"inbox3d init {back.root} --restored" in refused.value.remedy
    with pytest.raises(Restored):
        fleet.planned(back, config.Settings(), (), ("cpu",), spread=False)
    init(back.root)
    assert making.came_back(back)  # without the word it is not known to be meant
    init(back.root, restored=True)
    fit.check(back, ())


def test_a_tree_made_before_inodes_were_noted_is_worked_on(atlas: Atlas) -> None:
    """And the next init notes it."""
    older = atlas.identity().model_copy(update={"inode": None})
    atlas.disk.replace(atlas.identity_file, older.dump())
    fit.check(atlas, ())
    init(atlas.root)
    assert atlas.identity().inode == atlas.pipeline.lstat().st_ino


def test_a_queue_whose_libraries_are_missing_is_refused_at_the_start(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the line for pip, rather than at the first job."""
    monkeypatch.setattr(fit, "missing_extra", {"views": "generate", "scan": None}.get)
    fit.check(atlas, ("scan",))
    with pytest.raises(BackendUnavailable, match="cannot serve views") as refused:
        fit.check(atlas, ("scan", "views"))
    assert refused.value.remedy == "pip install -c constraints.txt 'inbox3d[generate]'"


def test_a_fault_that_stays_is_logged_once(atlas: Atlas, caplog: pytest.LogCaptureFixture) -> None:
    """A share that is away for an hour is one line; away again after it was back, another."""
    intake = Intake(atlas, config.Settings(), "host-intake-aaaa", threading.Event())
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            atlas.inbox.rename(atlas.root / "away")
            for _ in range(5):
                intake.step()
            (atlas.root / "away").rename(atlas.inbox)
            intake.step()
    intake.beat.end()
    assert [record.msg for record in caplog.records] == ["line.fault worker=%s what=%s"] * 2
