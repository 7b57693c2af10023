"""Hints end a wait early: changes of a local folder, and the bell of another process of this host where the tree is a network's."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from pipeline.watchers import hints
from pipeline.watchers.hints import Bell, Hints, file_system, is_network

LONG = 20.0


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX3D_RUN", str(tmp_path / "run"))


def woken(waiting: Hints, act: threading.Timer) -> bool:
    """Whether the wait ends long before its time."""
    began = time.monotonic()
    act.start()
    waiting.wait(LONG, threading.Event())
    waiting.stop()
    act.cancel()
    return time.monotonic() - began < LONG / 2


def test_a_job_that_comes_into_a_local_folder_wakes(tmp_path: Path) -> None:
    (tmp_path / "claimed").mkdir()
    (tmp_path / "there").mkdir()
    move = threading.Timer(0.1, (tmp_path / "there").rename, [tmp_path / "claimed/vase@scan.0"])
    assert woken(Hints([tmp_path / "claimed"]), move)


def test_on_a_network_mount_the_processes_of_a_host_ring_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is watched on the mount itself: it would show no events of other hosts."""
    (tmp_path / "claimed").mkdir()
    monkeypatch.setattr(hints, "is_network", lambda folder: folder.name == "claimed")
    waiting = Hints([tmp_path / "claimed", Bell("some-tree").folder])
    assert woken(waiting, threading.Timer(0.1, Bell("some-tree").ring))


def test_a_bell_is_heard_by_its_own_tree_alone(tmp_path: Path) -> None:
    waiting = Hints([Bell("one").folder])
    Bell("another").ring()
    began = time.monotonic()
    waiting.wait(0.2, threading.Event())
    waiting.stop()
    assert time.monotonic() - began >= 0.2


def test_the_longest_mount_point_names_the_file_system() -> None:
    mounts = "a / ext4 rw 0 0\nb /srv nfs4 rw 0 0\nc /srv/atlas\\040two cifs rw 0 0\n"
    for path, kind in (("/home", "ext4"), ("/srv/x", "nfs4"), ("/srv/atlas two/inbox", "cifs")):
        assert file_system(Path(path), mounts) == kind
    assert not is_network(Path("/"))
