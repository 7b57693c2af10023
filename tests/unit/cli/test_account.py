"""What doctor says that an account may do, of trees whose rights are right, too wide and too narrow. Each is tried by a process of that account."""

from __future__ import annotations

import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout.init import init
from layout.tree import Atlas
from pipeline.cli._account import account_findings
from tests.support.hostile import as_stranger, need_root

# accounts that every Debian has; the tree's group is the person's own
OWNER, PERSON, STRANGER = "backup", "games", "news"


@pytest.fixture
def atlas() -> Iterator[Atlas]:
    need_root()
    top = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    top.chmod(0o755)
    root = top / "atlas"
    root.mkdir()
    shutil.chown(root, OWNER, PERSON)
    root.chmod(0o2750)
    owner = pwd.getpwnam(OWNER)
    group = pwd.getpwnam(PERSON).pw_gid
    as_stranger(lambda: str(init(root)[0].root), owner.pw_uid, group)
    yield Atlas(root)
    shutil.rmtree(top)


def said(atlas: Atlas, user: str) -> list[tuple[str, str]]:
    return [(found.level, found.detail) for found in account_findings(atlas, user)]


def test_a_person_of_the_group_may_drag_and_change_nothing_else(atlas: Atlas) -> None:
    ((level, detail),) = said(atlas, PERSON)
    assert level == "fine" and "cancels and retries by dragging" in detail


def test_the_owner_may_all(atlas: Atlas) -> None:
    ((level, detail),) = said(atlas, OWNER)
    assert level == "fine" and detail.startswith("owns the tree")


def test_somebody_else_sees_nothing_and_is_told_the_group(atlas: Atlas) -> None:
    (found,) = account_findings(atlas, STRANGER)
    assert found.level == "missing"
    assert f"usermod -aG {PERSON} {STRANGER}" in found.remedy


@pytest.mark.parametrize(
    ("folder", "mode", "words"),
    [
        ("done", 0o2770, "may change done, and must not"),
        (".pipeline/config", 0o2777, "may change .pipeline/config, and must not"),
        ("inbox", 0o2750, "may not use inbox"),
        ("failed", 0o2750, "may not use failed"),
        ("done", 0o2700, "may not use done"),
        ("processing", 0o3770, "cannot drag processing/ → failed/"),
    ],
)
def test_what_a_person_may_too_much_or_too_little(
    atlas: Atlas, folder: str, mode: int, words: str
) -> None:
    """A sticky bit too: what the service moved there only the service could drag."""
    (atlas.root / folder).chmod(mode)
    found = account_findings(atlas, PERSON)
    assert any(words in one.detail and one.level == "wrong" for one in found), found
    assert all("inbox3d init" in one.remedy for one in found)


def test_the_owner_who_is_shut_out_is_told(atlas: Atlas) -> None:
    (atlas.root / "done").chmod(0o2070)
    ((level, detail),) = said(atlas, OWNER)
    assert level == "wrong" and detail.endswith("may not use done")


def test_who_has_no_account_here_is_told(atlas: Atlas) -> None:
    assert said(atlas, "nobody-of-this-name") == [("wrong", "is not known on this host")]


def test_only_root_speaks_for_another(atlas: Atlas) -> None:
    owner, group = pwd.getpwnam(OWNER).pw_uid, pwd.getpwnam(PERSON).pw_gid
    found = as_stranger(lambda: str(account_findings(atlas, STRANGER)), owner, group)
    assert "only root can try" in found and "sudo inbox3d doctor --as news" in found


def test_nothing_of_the_trial_stays(atlas: Atlas) -> None:
    before = sorted(str(path) for path in atlas.root.rglob("*"))
    for user in (PERSON, STRANGER, OWNER):
        account_findings(atlas, user)
    assert sorted(str(path) for path in atlas.root.rglob("*")) == before
