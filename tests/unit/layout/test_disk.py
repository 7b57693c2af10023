"""The file calls: what they promise, and which errors are faults of the line."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from layout.disk import LINE_ERRNOS, Disk, LineFault
from tests.support.baddisk import BadDisk, Fault, at


@pytest.mark.parametrize("number", sorted(LINE_ERRNOS), ids=errno.errorcode.get)
def test_a_fault_of_the_line_is_named_as_such(number: int, tmp_path: Path) -> None:
    """It says what the system said and who must act."""
    disk = BadDisk(at(1, Fault("fail", number)))
    with pytest.raises(LineFault) as caught:
        disk.scandir(tmp_path)
    assert (caught.value.errno, caught.value.who) == (number, "operator")
    full = number in (errno.ENOSPC, errno.EDQUOT)
    assert ("Atlas is full" if full else os.strerror(number)) in caught.value.message


@pytest.mark.parametrize(
    "number", [errno.ENOENT, errno.EEXIST, errno.ENOTEMPTY, errno.EACCES, errno.EXDEV, errno.EISDIR]
)
def test_what_a_person_can_cause_is_no_fault_of_the_line(number: int, tmp_path: Path) -> None:
    """A missing, existing or forbidden path says something about that path only."""
    with pytest.raises(OSError) as caught:
        BadDisk(at(1, Fault("fail", number))).scandir(tmp_path)
    assert not isinstance(caught.value, LineFault)


def test_a_replaced_file_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    """A failure at either of its two calls leaves the old file and nothing beside it."""
    path = tmp_path / "job.json"
    for call in (1, 2):
        path.write_text("old")
        with pytest.raises(LineFault):
            BadDisk(at(call, Fault("fail", errno.ENOSPC))).replace(path, b"new")
        assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["job.json"])
    Disk().replace(path, b"new")
    assert (path.read_text(), os.listdir(tmp_path)) == ("new", ["job.json"])


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    """Whoever is second hears so."""
    disk = Disk()
    disk.write_new(tmp_path / "key", b"first")
    with pytest.raises(FileExistsError):
        disk.write_new(tmp_path / "key", b"second")
    assert disk.read(tmp_path / "key") == b"first"


def test_a_shorter_text_written_in_place_leaves_no_tail(tmp_path: Path) -> None:
    """A heartbeat of fewer digits."""
    disk = Disk()
    disk.write_in_place(tmp_path / "beat", b"1234567890")
    disk.write_in_place(tmp_path / "beat", b"12")
    assert disk.read(tmp_path / "beat") == b"12"


def test_a_directory_is_made_below_an_existing_parent_only(tmp_path: Path) -> None:
    """Never parents, never silently an existing one."""
    disk = Disk()
    with pytest.raises(FileNotFoundError):
        disk.mkdir(tmp_path / "gone" / "input")
    disk.mkdir(tmp_path / "input")
    with pytest.raises(FileExistsError):
        disk.mkdir(tmp_path / "input")


def test_a_missing_directory_is_not_an_empty_one(tmp_path: Path) -> None:
    """It raises; a look for a name below it says "not seen"."""
    with pytest.raises(FileNotFoundError):
        Disk().scandir(tmp_path / "gone")
    assert not Disk().seen(tmp_path / "gone" / "vase")


def test_links_are_neither_read_nor_followed(tmp_path: Path) -> None:
    """A link that a person put into a drop cannot show another file."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "folder").symlink_to(tmp_path)
    disk = Disk()
    for call in (
        lambda: disk.read(tmp_path / "link"),
        lambda: disk.copy(tmp_path / "link", tmp_path / "copy"),
        lambda: disk.sha256(tmp_path / "link"),
    ):
        with pytest.raises(OSError) as caught:
            call()
        assert caught.value.errno == errno.ELOOP
    assert {entry.name: entry.is_dir for entry in disk.scandir(tmp_path)}["folder"] is False


def test_a_pipe_does_not_hang_the_reader(tmp_path: Path) -> None:
    """It is read as empty."""
    os.mkfifo(tmp_path / "pipe")
    assert Disk().read(tmp_path / "pipe") == b""


def test_a_pipe_that_somebody_holds_open_says_nothing(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    try:
        assert Disk().read(pipe) == b""
    finally:
        os.close(held)


def test_what_is_read_is_whole_or_as_long_as_was_asked(tmp_path: Path) -> None:
    data = bytes(range(256)) * 1024
    (tmp_path / "large").write_bytes(data)
    assert Disk().read(tmp_path / "large") == data
    assert Disk().read(tmp_path / "large", 100_001) == data[:100_001]
    assert Disk().read(tmp_path / "large", 0) == b""


def test_a_folder_that_is_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        Disk().read(tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_a_durable_rename_reaches_both_parents(tmp_path: Path) -> None:
    """fsync of the folder it left and of the folder it came to; not where durable is off."""
    for durable, expected in ((True, ["rename", "fsync_dir", "fsync_dir"]), (False, ["rename"])):
        calls: list[str] = []
        disk = BadDisk(lambda call, calls=calls: calls.append(call.name))  # type: ignore[misc]
        disk.durable = durable
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / "a" / str(durable)).mkdir()
        disk.rename(tmp_path / "a" / str(durable), tmp_path / "b" / str(durable))
        assert calls == expected


def test_a_tree_that_cannot_be_deleted_at_once_is_left_for_the_next_try(tmp_path: Path) -> None:
    """Removing twice, or what is not there, is no error; a link is taken away, not what it leads to."""
    disk = Disk()
    (tmp_path / "kept").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    (tmp_path / "tree" / "below").mkdir(parents=True)
    for name in ("tree", "tree", "link", "nothing"):
        disk.remove_tree(tmp_path / name)
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.parametrize(
    "call",
    [
        lambda path: Disk().sha256(path),
        lambda path: Disk().write_in_place(path, b"beat"),
    ],
)
def test_nobody_waits_for_the_other_end_of_a_pipe(
    tmp_path: Path, call: Callable[[Path], object]
) -> None:
    """One that a person's tool left in the tree would stop a watcher for everybody."""
    os.mkfifo(tmp_path / "job.toml")
    with pytest.raises(OSError):
        call(tmp_path / "job.toml")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("claimed/.box-0123456789@finish.0", "claimed"),
        ("claimed/.box-0123456789@finish.0/input/a/b.ply", "claimed"),
        (".pipeline/workers/.w.json.x1", ".pipeline/workers"),
        (".pipeline/workers/w.json", ".pipeline/workers/w.json"),
        ("inbox/.hidden/a.ply", "inbox/.hidden/a.ply"),
        (".pipeline", ".pipeline"),
    ],
)
def test_a_fault_that_lasts_keeps_its_words(named: str, told: str) -> None:
    """Names drawn anew at every try would make each try news, to the log and to STATUS.txt."""
    fault = LineFault(errno.EROFS, "Read-only file system", f"/srv/.atlas/{named}")
    assert fault.message == f"Read-only file system (/srv/.atlas/{told})"
