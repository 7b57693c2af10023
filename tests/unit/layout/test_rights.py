"""The words for a permission that is missing name the very one."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout import rights
from layout.disk import Disk
from tests.support.hostile import as_stranger, immutable, need_root, small_disk


@pytest.fixture
def shared() -> Iterator[Path]:
    """inbox/ and claimed/ that anybody may write to, where anybody may come; a drop of root's in inbox/."""
    need_root()
    tmp_path = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    tmp_path.chmod(0o755)
    for name in ("inbox", "claimed"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    drop = tmp_path / "inbox/vase"
    drop.mkdir(mode=0o777)
    drop.chmod(0o777)
    (drop / "a.ply").write_text("points")
    yield tmp_path
    shutil.rmtree(tmp_path)


def said(call: Callable[[], object], path: Path) -> str:
    """What a stranger is told who tries CALL on the entry at PATH."""

    def attempt() -> str:
        try:
            call()
        except OSError as error:
            return rights.words(error, path)
        return "it worked"

    return as_stranger(attempt)


def test_each_missing_right_is_named(shared: Path) -> None:
    """Read missing, enter missing, write missing, a folder that does not let go, and the sticky bit are told apart."""
    drop, goal = shared / "inbox/vase", shared / "claimed/vase"

    def move() -> None:
        drop.rename(goal)

    def read() -> None:
        (drop / "a.ply").read_bytes()

    drop.chmod(0o755)
    assert said(move, drop).startswith(
        "give the group write permission on the folder: it must be moved (chmod g+w vase"
    )
    (drop / "a.ply").chmod(0o600)
    words = "a.ply cannot be read: give the group read permission on it (chmod g+r, after chgrp 1500: its group has no inbox3d in it)"
    assert said(read, drop) == words
    os.chown(drop / "a.ply", -1, 1500)
    assert (
        said(read, drop) == "a.ply cannot be read: give the group read permission on it (chmod g+r)"
    )
    (drop / "passes").mkdir(mode=0o600)
    assert said(lambda: os.listdir(drop / "passes"), drop).startswith(
        "the folder passes cannot be read: give the group the right to enter and read it (chmod g+rx"
    )
    drop.chmod(0o700)
    assert "the folder vase may not be entered" in said(read, drop)
    drop.chmod(0o777)
    (shared / "inbox").chmod(0o755)
    assert said(move, drop).startswith(
        "vase cannot be moved: give the group write permission on inbox"
    )
    (shared / "inbox").chmod(0o777)
    (shared / "claimed").chmod(0o755)
    assert said(move, drop).startswith(
        "vase cannot be moved: give the group write permission on claimed"
    )
    (shared / "claimed").chmod(0o777)
    (shared / "inbox").chmod(0o1777)
    assert "sticky bit" in said(move, drop)
    (shared / "inbox").chmod(0o777)
    assert said(move, drop) == "it worked"


def test_an_immutable_folder_is_named_as_such(tmp_path: Path) -> None:
    """Not even root may move it: no chmod would help."""
    for name in ("inbox", "claimed", "inbox/vase"):
        (tmp_path / name).mkdir()
    with immutable(tmp_path / "inbox/vase"), pytest.raises(PermissionError) as caught:
        try:
            (tmp_path / "inbox/vase").rename(tmp_path / "claimed/vase")
        except OSError as error:
            assert "vase is immutable" in rights.words(error, tmp_path / "inbox/vase")
            assert "chattr -i vase" in rights.words(error, tmp_path / "inbox/vase")
            raise
    assert caught.value.errno == errno.EPERM


def test_a_folder_of_the_tree_is_told_from_an_entry_in_it(shared: Path) -> None:
    """What may not be written or entered is named only where the refused call needed it: a folder above that lets pass is not."""
    goal = shared / "claimed"

    def tried() -> str:
        try:
            (goal / "new").mkdir()
        except OSError as error:
            return (
                rights.withheld(error, [shared, shared / "inbox", goal]) or "no folder of the tree"
            )
        return "it worked"

    goal.chmod(0o755)
    assert as_stranger(tried).startswith(
        "the folder claimed cannot be written: give the group write permission on claimed (chmod g+w"
    )
    goal.chmod(0o700)
    assert as_stranger(tried).startswith("the folder claimed may not be entered")
    entry = PermissionError(errno.EACCES, "Permission denied", str(shared / "inbox/vase/a.ply"))
    assert rights.withheld(entry, [shared, shared / "inbox"]) is None


def test_words_name_what_stays_and_no_name_made_up_for_a_moment(shared: Path) -> None:
    """They are the same at each try: job.json where its hidden neighbour could not be made, claimed/ where a job's first folder could not."""
    drop = shared / "inbox/vase"
    (drop / "job.json").write_text("{}")
    drop.chmod(0o755)

    def replace() -> None:
        Disk().replace(drop / "job.json", b"{}")

    def replace_first() -> None:
        Disk().replace(drop / "error.json", b"{}")

    def claim() -> None:
        (shared / "claimed/.vase-0123456789@scan.0").mkdir()

    assert said(replace, drop).startswith(
        "job.json cannot be written: give the group write permission on vase (chmod g+w"
    )
    assert said(replace_first, drop).startswith(
        "error.json cannot be made: give the group write permission on vase (chmod g+w"
    )
    (shared / "claimed").chmod(0o755)
    assert said(claim, drop).startswith(
        "nothing can be made in claimed: give the group write permission on claimed (chmod g+w"
    )


def test_a_folder_where_a_file_belongs_is_named(tmp_path: Path) -> None:
    """A person's folder STATUS.txt keeps the file of that name from being written."""
    (tmp_path / "STATUS.txt").mkdir()
    (tmp_path / ".new").touch()
    with pytest.raises(OSError) as caught:
        os.replace(tmp_path / ".new", tmp_path / "STATUS.txt")
    words = rights.words(caught.value, tmp_path / "STATUS.txt")
    assert words == "STATUS.txt is a folder where a file belongs: rename it, or take it away"


def test_a_disk_that_is_mounted_in_inbox_is_called_so(tmp_path: Path) -> None:
    """A card reader or a backup target of the file server: it cannot be moved, and the words say what to do instead."""
    with small_disk(tmp_path / "inbox/usb", "1m"):
        (tmp_path / "claimed").mkdir()
        with pytest.raises(OSError, match="usb") as caught:
            (tmp_path / "inbox/usb").rename(tmp_path / "claimed/usb")
        assert rights.words(caught.value, tmp_path / "inbox/usb") == (
            "usb is a disk of its own that is mounted here, and cannot be moved: copy what is on it into a folder beside it"
        )


@pytest.mark.parametrize(
    "number", [errno.EBUSY, errno.EXDEV, errno.ENOTDIR, errno.ELOOP, errno.EIO, errno.ESTALE]
)
def test_what_is_no_lack_of_a_right_has_a_remedy_too(tmp_path: Path, number: int) -> None:
    (tmp_path / "vase").mkdir()
    error = OSError(number, os.strerror(number), str(tmp_path / "vase"))
    said = rights.words(error, tmp_path / "vase")
    assert said.startswith(f"vase: {os.strerror(number)}: ") and said.count(": ") == 2


@pytest.mark.parametrize("name", ["a.ply", "input", "job.json"])
def test_what_the_share_forbids_by_rules_of_its_own_asks_for_no_right_that_is_there(
    tmp_path: Path, name: str
) -> None:
    """A refused listing of input/ was "cannot be written: chmod g+w", of a folder that may be written."""
    (tmp_path / "vase/input").mkdir(parents=True)
    (tmp_path / "vase/a.ply").write_text("points")
    error = PermissionError(errno.EPERM, "Operation not permitted", str(tmp_path / "vase" / name))
    told = rights.words(error, tmp_path / "vase")
    assert told.startswith(f"{name} was refused although its permissions allow it")
    assert "chmod" not in told


def test_nobody_is_asked_to_let_the_group_enter_a_file(tmp_path: Path) -> None:
    """A file that was dragged into failed/ was "the folder vase.xyz may not be entered: chmod g+rx"."""
    (tmp_path / "vase.xyz").write_text("points")
    error = PermissionError(errno.EPERM, "refused", str(tmp_path / "vase.xyz/job.json"))
    told = rights.words(error, tmp_path / "vase.xyz")
    assert told.startswith("vase.xyz: a file stands where a folder belongs") and "chmod" not in told


def test_a_folder_that_lacks_its_own_folder_is_told_by_its_path(shared: Path) -> None:
    """A service user without a home: the words named nothing ("nothing can be made in : …")."""
    scratch = shared / "home/.cache/scratch"
    shared.chmod(0o755)
    told = said(lambda: scratch.mkdir(parents=True), scratch)
    assert told.startswith(f"the folder {shared / 'home'} is not there, and may not be made")
