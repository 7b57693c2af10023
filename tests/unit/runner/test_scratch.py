"""Workspaces are taken over from starts that ended, and from nobody who still works in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout.scratch import Scratch
from layout.tree import Atlas, Place
from pipeline.runner import input_list, scratch


@pytest.fixture
def here(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch")


def start(tmp_path: Path, n: int, worker: str = "host-cpu-aaaa") -> Place:
    return Atlas(tmp_path).at_processing("vase-0000000000", worker, n)


def test_an_earlier_starts_workspace_is_taken_over_with_all_it_holds(
    here: Scratch, tmp_path: Path
) -> None:
    """Under the new start's name, and locked by it."""
    scratch.enter(here, start(tmp_path, 1), 0).close()
    (here.of(start(tmp_path, 1)) / "mesh.npz").write_text("mesh")
    with scratch.enter(here, start(tmp_path, 2, "host-cpu-bbbb"), 0):
        assert [path.name for path in here.root.iterdir()] == ["vase-0000000000@host-cpu-bbbb.2"]
        assert (here.of(start(tmp_path, 2, "host-cpu-bbbb")) / "mesh.npz").read_text() == "mesh"


def test_a_workspace_that_somebody_still_writes_to_is_left_to_them(
    here: Scratch, tmp_path: Path
) -> None:
    """The job was dragged away from a worker that does not know it yet: another one of this host begins with an empty workspace."""
    with scratch.enter(here, start(tmp_path, 1), 0):
        (here.of(start(tmp_path, 1)) / "mesh.npz").write_text("half a me")
        with scratch.enter(here, start(tmp_path, 2, "host-cpu-bbbb"), 1):
            assert [
                path.name for path in here.of(start(tmp_path, 2, "host-cpu-bbbb")).iterdir()
            ] == [scratch.LOCK]
        assert not scratch.discard(here.of(start(tmp_path, 1)))
        assert (here.of(start(tmp_path, 1)) / "mesh.npz").exists()
    assert scratch.discard(here.of(start(tmp_path, 1)))
    assert not here.of(start(tmp_path, 1)).exists()


@pytest.mark.parametrize(("accepted", "trusted"), [(0, True), (1, False)])
def test_the_copy_of_input_is_trusted_within_one_run_only(
    here: Scratch, tmp_path: Path, accepted: int, trusted: bool
) -> None:
    """A job that was accepted again was in a person's hands: every byte is read."""
    scratch.enter(here, start(tmp_path, 1), 0).close()
    (here.of(start(tmp_path, 1)) / input_list.RECORD).write_text("[]")
    with scratch.enter(here, start(tmp_path, 2), accepted):
        assert (here.of(start(tmp_path, 2)) / input_list.RECORD).exists() == trusted


def test_a_workspace_of_another_boot_is_begun_anew(
    here: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut its files may have their sizes and hold nothing."""
    scratch.enter(here, start(tmp_path, 1), 0).close()
    (here.of(start(tmp_path, 1)) / "mesh.npz").write_bytes(bytes(4))
    monkeypatch.setattr(scratch, "boot_id", lambda: "another")
    with scratch.enter(here, start(tmp_path, 2), 0):
        assert [str(path.relative_to(here.root)) for path in here.root.rglob("*.npz")] == []
