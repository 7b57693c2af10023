"""Whose the tree is: modes of its folders, and what commands of others leave behind in it."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from layout import ownership
from layout.init import init
from layout.ownership import NotOwner
from layout.tree import Atlas
from pipeline.cli import act, hand_in, look, main, run, web
from pipeline.cli import doctor as checks
from pipeline.cli._this_tree import tree_findings
from pipeline.cli._tree_rights import rights_findings
from pipeline.watchers import cleanup, room
from tests.support.hostile import as_stranger, need_root
from webapi.access.keys import Keys, KeysClosed

# imported here: a stranger may not be able to
assert act and hand_in and look and run and web and cleanup and room

OWNER = pwd.getpwnam("backup")


@pytest.fixture
def theirs() -> Iterator[Atlas]:
    """A tree of the account backup, where everybody may come."""
    need_root()
    top = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    top.chmod(0o755)
    root = top / "atlas"
    root.mkdir()
    os.chown(root, OWNER.pw_uid, OWNER.pw_gid)
    said = as_stranger(lambda: str(init(root)[0].root), OWNER.pw_uid, OWNER.pw_gid)
    assert said == str(root)
    yield Atlas(root)
    shutil.rmtree(top)


def command(*arguments: str, atlas: Atlas, **more: str) -> subprocess.CompletedProcess[str]:
    """inbox3d as root, as a person types it."""
    top = atlas.root.parent
    environment = os.environ | {
        "INBOX3D_HOST__SCRATCH": str(top / "scratch"),
        "INBOX3D_RUN": str(top / "run"),
        **more,
    }
    call = [sys.executable, "-m", "pipeline", *arguments, "--atlas", str(atlas.root)]
    return subprocess.run(
        call, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def foreign(atlas: Atlas) -> list[str]:
    """What in the tree is not its owner's."""
    return [
        str(path.relative_to(atlas.root))
        for path in [atlas.root, *atlas.root.rglob("*")]
        if (path.lstat().st_uid, path.lstat().st_gid) != (OWNER.pw_uid, OWNER.pw_gid)
    ]


def test_init_gives_every_folder_the_mode_of_the_page(tmp_path: Path) -> None:
    """People drag in five folders and read the others, whatever umask init is run with, and again when it is run again."""
    before = os.umask(0o077)
    try:
        atlas = init(tmp_path / "atlas")[0]
    finally:
        os.umask(before)
    shared = {atlas.inbox, atlas.claimed, atlas.processing, atlas.failed, atlas.inputs}

    def found() -> dict[Path, int]:
        return {folder: stat.S_IMODE(folder.stat().st_mode) for folder in atlas.folders()}

    right = {folder: 0o2770 if folder in shared else 0o2750 for folder in atlas.folders()}
    assert found() == right
    assert atlas.root.stat().st_mode & 0o070 == 0o050
    assert atlas.identity_file.stat().st_mode & 0o040
    atlas.done.chmod(0o2775)
    atlas.root.chmod(0o700)
    assert any("get through" in told for told, _ in ownership.misfits(atlas))
    init(atlas.root)
    assert found() == right and ownership.misfits(atlas) == []


@pytest.mark.slow
def test_init_as_root_makes_the_tree_of_the_owner_that_is_named(tmp_path: Path) -> None:
    """Or of whoever owns the folder already; a name that is not known here is refused."""
    need_root()
    top = Path(tempfile.mkdtemp(prefix="inbox3d-test-"))
    top.chmod(0o755)

    def made(*more: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "pipeline", "init", str(top / "atlas"), *more]
        return subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)

    refused = made("--owner", "nobody-at-all:users")
    assert refused.returncode == 2 and "nobody-at-all" in refused.stderr
    assert made("--owner", "backup:backup").returncode == 0
    assert foreign(Atlas(top / "atlas")) == []
    assert made().returncode == 0 and foreign(Atlas(top / "atlas")) == []
    shutil.rmtree(top)


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("keys", "add", "anna"),
        ("keys", "webhook"),
        ("halt",),
        ("gc",),
        ("submit", str(Path(__file__).parents[2] / "fixtures")),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_what_root_writes_is_the_owners(theirs: Atlas, arguments: tuple[str, ...]) -> None:
    """A key that root made can be read by the service; so it is with every other command that writes."""
    drop = theirs.root.parent / "part.stl"
    drop.write_text("solid a\nendsolid a\n")
    drop.chmod(0o644)
    if arguments[0] == "submit":
        arguments = ("submit", str(drop), "--set", "kind=convert")
    done = command(*arguments, atlas=theirs)
    assert "Traceback" not in done.stderr and done.returncode in (0, 3), done.stderr
    assert foreign(theirs) == []


def test_a_job_that_root_submitted_can_be_dragged_by_people(theirs: Atlas) -> None:
    """The modes come from the tree, not from root's umask."""

    def submitted() -> str:
        os.umask(0o077)
        ownership.claim(theirs)
        (theirs.inbox / "vase").mkdir()
        (theirs.inbox / "vase/a.ply").write_text("points")
        return oct(stat.S_IMODE((theirs.inbox / "vase").stat().st_mode))

    assert as_stranger(submitted, 0, 0) == "0o2770"
    assert stat.S_IMODE((theirs.inbox / "vase/a.ply").stat().st_mode) == 0o660
    assert foreign(theirs) == []


def test_another_user_is_refused_in_words(theirs: Atlas) -> None:
    """Whoever may write there too: what they made the workers could not use. It names who to run it as."""
    theirs.pipeline.chmod(0o777)
    theirs.drafts.chmod(0o777)
    for folder in (theirs.root, theirs.inbox):
        folder.chmod(0o777)

    def attempt() -> str:
        try:
            ownership.claim(theirs)
        except NotOwner as refused:
            return f"{refused} {refused.remedy}"
        return "let in"

    said = as_stranger(attempt)
    assert "belongs to backup" in said and "sudo -u backup" in said
    assert foreign(theirs) == []


@pytest.mark.parametrize(
    "arguments",
    [("keys", "list"), ("keys", "add", "x"), ("doctor",), ("up",), ("jobs",), ("gc",)],
    ids=" ".join,
)
def test_an_outsider_gets_words_and_no_traceback(
    theirs: Atlas, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who may not even enter the tree."""
    theirs.root.chmod(0o2750)
    monkeypatch.setattr(checks, "examine", tree_findings)
    monkeypatch.setattr(sys, "argv", ["inbox3d", *arguments, "--atlas", str(theirs.root)])
    monkeypatch.setenv("INBOX3D_HOST_CONFIG", str(theirs.root.parent / "host.toml"))
    (theirs.root.parent / "host.toml").write_text("")

    def attempt() -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                main()
            except SystemExit as ended:
                said.write(f" code {ended.code}")
        return said.getvalue()

    said = as_stranger(attempt)
    assert "may not be read by" in said and "→" in said, said
    assert "code 0" not in said and not said.startswith("failed")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("keys", "list"), "Run it as backup: sudo -u backup inbox3d"),
        (("gc", "--dry-run"), "1 would go"),
        (("gc",), "belongs to backup"),
    ],
    ids=["keys list", "gc --dry-run", "gc"],
)
def test_one_of_the_people_may_look_at_what_would_go_and_is_told_whose_keys_they_are(
    theirs: Atlas, arguments: tuple[str, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`keys list` told them to mend the tree, and a look was refused as if it wrote."""
    (theirs.trash / "2026-01-01~a-0123456789.abcd").mkdir()
    monkeypatch.setattr(sys, "argv", ["inbox3d", *arguments, "--atlas", str(theirs.root)])
    monkeypatch.setenv("INBOX3D_HOST_CONFIG", str(theirs.root.parent / "host.toml"))
    monkeypatch.setenv("INBOX3D_HOST__SCRATCH", str(theirs.root.parent / "scratch"))
    (theirs.root.parent / "host.toml").write_text("")

    def attempt() -> str:
        heard = io.StringIO()
        ends = contextlib.suppress(SystemExit)
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard), ends:
            main()
        return heard.getvalue()

    assert says in as_stranger(attempt, pwd.getpwnam("games").pw_uid, OWNER.pw_gid)


def test_doctor_run_by_one_of_the_people_blames_no_mount(theirs: Atlas) -> None:
    """What is refused to everybody but the owner, or the owner by a mode, is not a broken share."""

    def looked() -> str:
        return str(tree_findings(theirs.root))

    said = as_stranger(looked, pwd.getpwnam("games").pw_uid, OWNER.pw_gid)
    assert "belongs to backup, and only backup or root" in said and "--as NAME" in said, said
    assert "one mount" not in said and "bring the share back" not in said
    looked()  # imports what the owner may not
    theirs.drafts.chmod(0o550)
    said = as_stranger(looked, OWNER.pw_uid, OWNER.pw_gid)
    assert f"inbox3d init {theirs.root}" in said and "test renames, inodes" not in said, said


def test_keys_that_the_web_layer_may_not_read_are_told(theirs: Atlas) -> None:
    """Not taken for none: whoever asks hears that the service is not fit, and doctor names the file."""
    Keys(theirs).add("anna", "read")  # by root, without going on as the owner
    assert any("keys belongs to root" in row.detail for row in rights_findings(theirs))

    def attempt() -> str:
        try:
            return str(Keys(theirs).check("i3d_0_0"))
        except KeysClosed as closed:
            return f"{closed.message} {closed.remedy}"

    said = as_stranger(attempt, OWNER.pw_uid, OWNER.pw_gid)
    assert "the keys cannot be read" in said and "owner" in said


def test_doctor_hears_of_each_folder_that_lets_people_do_more_or_less(theirs: Atlas) -> None:
    """As made there is nothing to say; then one fault after the other, each with its remedy."""
    assert ownership.misfits(theirs) == []
    theirs.done.chmod(0o2770)
    assert [what for what, _ in ownership.misfits(theirs)] == [
        "people may delete and rename in done"
    ]
    theirs.done.chmod(0o2750)
    theirs.failed.chmod(0o2750)
    assert "may not drag folders in failed" in ownership.misfits(theirs)[0][0]
    theirs.failed.chmod(0o0770)
    assert "setgid" in ownership.misfits(theirs)[0][0]
    theirs.failed.chmod(0o2775)
    assert "every account of the host" in ownership.misfits(theirs)[0][0]
    theirs.failed.chmod(0o2770)
    os.chown(theirs.inbox, 0, -1)
    assert "inbox belongs to root" in ownership.misfits(theirs)[0][0]
    os.chown(theirs.inbox, OWNER.pw_uid, -1)
    theirs.root.chmod(0o2770)
    assert "rename the folders of the tree" in ownership.misfits(theirs)[0][0]
