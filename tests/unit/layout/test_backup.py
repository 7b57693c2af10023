"""A backup by the shipped filter, taken with the line of docs/layout.md and brought back."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from layout import lifecycle
from layout.backup import excludes
from layout.init import init
from layout.tree import Atlas, State
from tests.support.crew import FAILED, World


@pytest.fixture
def copy(program: Callable[[str], Path], root: Path) -> Callable[[Path, Path], None]:
    """The documented command, from one folder into another."""
    rsync = program("rsync")
    (line,) = re.findall(r"^rsync .*$", (root / "docs/layout.md").read_text(), re.MULTILINE)
    words = shlex.split(line)
    assert words[-2:] == ["/srv/atlas/", "backup:/atlas/"]

    def run(source: Path, target: Path) -> None:
        options = [
            word.replace("/etc/inbox3d/atlas.filter", str(root / "deploy/backup/atlas.filter"))
            for word in words[1:-2]
        ]
        subprocess.run([str(rsync), *options, f"{source}/", f"{target}/"], check=True)

    return run


def standing(atlas: Atlas) -> dict[str, list[str]]:
    return {
        state.value: sorted(place.id for place in atlas.places(state))
        for state in State
        if atlas.places(state)
    }


def test_two_backups_into_one_folder_hold_each_job_once(
    tmp_path: Path, copy: Callable[[Path, Path], None]
) -> None:
    """A job that moved in between stands where it went, and only there; restored, it does not run again."""
    world, kept = World(tmp_path / "atlas"), tmp_path / "kept"
    waiting = world.claimed()
    copy(world.root, kept)
    held = world.held(waiting)
    failed = lifecycle.fail(world.atlas, held, FAILED)
    copy(world.root, kept)
    copy(kept, tmp_path / "back")
    atlas, _ = init(tmp_path / "back", restored=True)
    assert standing(atlas) == {"failed": [failed.id]}


def test_a_restored_tree_goes_on_and_keeps_its_work(
    tmp_path: Path, copy: Callable[[Path, Path], None]
) -> None:
    """HALT stays behind; finished legs, keys and settings come along; a person's file of a name that jobs use too is kept."""
    world, kept = World(tmp_path / "atlas"), tmp_path / "kept"
    held = world.held()
    (held.path / "work/prepare").mkdir(parents=True)
    (held.path / "work/prepare/views.bin").write_text("made")
    (held.path / "progress.json").write_text("{}")
    for halt in (world.root / "HALT", world.atlas.inbox / "halt.TXT"):
        halt.touch()
    world.atlas.keys_file.write_text("{}")
    world.atlas.status_file.write_text("waits")
    drop = world.atlas.inbox / "vase"
    drop.mkdir()
    # what is being replaced while rsync looks
    (world.atlas.inbox / ".STATUS.txt.a313dcee").write_text("waits")
    (held.path / ".progress.json.a313dcee").write_text("{}")
    for name in ("progress.json", "HALT", "a.ply"):
        (drop / name).write_text("a person's")
    copy(world.root, kept)
    copy(kept, tmp_path / "back")
    atlas, _ = init(tmp_path / "back", restored=True)
    assert atlas.halted() is None and atlas.keys_file.exists()
    assert not atlas.status_file.exists()
    (place,) = atlas.places(State.PROCESSING)
    assert (place.path / "work/prepare/views.bin").read_text() == "made"
    assert not list(place.path.glob("*progress.json*"))
    assert not list(atlas.inbox.glob(".STATUS*"))
    assert len(list((atlas.inbox / "vase").iterdir())) == 3


def test_every_row_that_is_not_backed_up_is_left_out() -> None:
    assert {"/.pipeline/staging", "/.pipeline/trash", "/inbox/STATUS.txt"} <= set(excludes())
    assert not [pattern for pattern in excludes() if "work" in pattern.split("/")]
