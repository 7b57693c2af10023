"""One look at an entry of inbox/, on a real disk."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from layout.disk import Disk, Entry
from pipeline.drops.completeness import Completeness
from pipeline.drops.listing import look
from pipeline.drops.own_folder import FILE, FOLDER
from pipeline.drops.verdict import Refuse
from tests.support.watched import PLY


def test_a_look_sees_everything_and_follows_nothing(tmp_path: Path) -> None:
    """Links, sockets and pipes are named as what they are; rubbish is left out; unfinished copies are kept apart."""
    drop = tmp_path / "vase"
    (drop / "sub" / "deeper").mkdir(parents=True)
    (drop / "sub" / "deeper" / "a.ply").write_bytes(PLY)
    (drop / "b.ply").write_bytes(PLY)
    os.link(drop / "b.ply", drop / "c.ply")
    (drop / "passwd").symlink_to("/etc/passwd")
    (drop / "loop").symlink_to(drop)
    (drop / "dangling").symlink_to("nowhere")
    os.mkfifo(drop / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(drop / "sock"))
    for name in (".DS_Store", "Thumbs.db", "._b.ply"):
        (drop / name).write_bytes(b"x")
    (drop / "@eaDir").mkdir()
    (drop / "@eaDir" / "thumb.png").write_bytes(b"x")
    (drop / "d.ply.part").write_bytes(b"x")
    seen = look(drop)
    kinds = {found.path: found.kind for found in seen.found}
    assert kinds == {
        "sub": FOLDER, "sub/deeper": FOLDER, "sub/deeper/a.ply": FILE, "b.ply": FILE, "c.ply": FILE, "passwd": "a symbolic link",
        "loop": "a symbolic link", "dangling": "a symbolic link", "pipe": "a named pipe", "sock": "a socket",
    }  # fmt: skip
    assert {found.path for found in seen.found if found.nlink > 1 and found.kind == FILE} == {
        "b.ply",
        "c.ply",
    }
    assert [found.path for found in seen.temporary] == ["d.ply.part"]


def test_a_symbolic_link_as_a_drop_is_refused_by_name(tmp_path: Path) -> None:
    """inbox/passwd → /etc/passwd is never opened."""
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    completeness = Completeness(clock=lambda: 0.0)
    completeness.judge("passwd", look(tmp_path / "passwd"))
    verdict = completeness.judge("passwd", look(tmp_path / "passwd"))
    assert isinstance(verdict, Refuse)
    assert verdict.reason == "passwd is a symbolic link"


def test_hidden_size_and_mtime_do_not_hide_a_write(tmp_path: Path) -> None:
    """A write that keeps size and puts mtime back still moves ctime."""
    file = tmp_path / "a.ply"
    file.write_bytes(PLY)
    os.utime(file, (1e9, 1e9))
    first = look(file).signature
    for _ in range(1000):  # until the file system's own clock has moved on
        file.write_bytes(PLY)
        os.utime(file, (1e9, 1e9))
        if look(file).signature != first:
            return
    pytest.fail("ctime never moved")


class _Blind(Disk):
    """A disk on which one file is listed but not yet to be seen, and one folder may not be read."""

    def lstat(self, path: Path) -> os.stat_result | None:
        return None if path.name == "late.ply" else super().lstat(path)

    def scandir(self, path: Path) -> list[Entry]:
        if path.name == "private":
            raise PermissionError(13, "Permission denied", str(path))
        return super().scandir(path)


def test_what_cannot_be_seen_makes_a_look_unclear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is named, and no such look counts as evidence."""
    monkeypatch.setattr("layout.rights._may", lambda path, how: path.name != "private")
    (tmp_path / "private").mkdir()
    for name in ("a.ply", "late.ply"):
        (tmp_path / name).write_bytes(PLY)
    seen = look(tmp_path, _Blind())
    assert sorted(seen.unclear) == [
        "late.ply is not to be seen at present",
        "the folder private cannot be read: give the group the right to enter and read it (chmod g+rx)",
    ]
    assert [found.path for found in seen.files] == ["a.ply"]


def test_a_browser_s_unfinished_folder_is_one_unfinished_copy(tmp_path: Path) -> None:
    """What lies inside it is not part of the drop."""
    (tmp_path / "a.zip.download").mkdir()
    (tmp_path / "a.zip.download" / "a.zip").write_bytes(b"PK")
    seen = look(tmp_path)
    assert (seen.found, [found.path for found in seen.temporary]) == ((), ["a.zip.download"])


def test_a_bounded_look_stops_and_says_so(tmp_path: Path) -> None:
    """A tree without end does not hold up the watcher."""
    for k in range(20):
        (tmp_path / f"{k}.ply").write_bytes(PLY)
    assert look(tmp_path, limit=10).too_many
    assert not look(tmp_path, limit=20).too_many


def test_looking_at_what_is_gone_says_so(tmp_path: Path) -> None:
    """The intake decides what that means."""
    with pytest.raises(FileNotFoundError):
        look(tmp_path / "gone")
