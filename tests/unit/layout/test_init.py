"""A tree is made and proven on the real mount; a share that is away or another one is never worked on."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from layout import accept, claims, lifecycle, names, tree
from layout.accept import AcceptedRequest
from layout.disk import Disk, LineFault
from layout.init import Unfit, exists, init, prove
from layout.lifecycle import EDGES, Gone
from layout.manifest import AtlasFile
from layout.tree import Atlas, State
from tests.support.baddisk import BadDisk, Call, Crash, Fault, at
from tests.support.crew import Intake, World


def crossing(call: Call, source: str, target: str) -> bool:
    """Is CALL a rename from below SOURCE to below TARGET?"""
    return (
        call.name == "rename"
        and source in str(call.args[0].parent)
        and target in str(call.args[1].parent)
    )


def test_init_makes_every_folder_and_an_identity(tmp_path: Path) -> None:
    """All folders are there, atlas.json names the tree, and every edge was tried."""
    atlas, findings = init(tmp_path / "atlas")
    assert [folder for folder in atlas.folders() if not folder.is_dir()] == []
    assert exists(tmp_path / "atlas")
    assert atlas.identity().inodes == "stable"
    assert {finding.what[5] for finding in findings if finding.what.startswith("edge")} == {
        edge.letter for edge in EDGES
    }
    assert all(finding.ok for finding in findings)


def test_init_twice_changes_nothing(tmp_path: Path) -> None:
    """The identity and everything in the tree stay; no probe is left behind."""
    world = World(tmp_path / "atlas")
    world.claimed()
    before = {path: path.read_bytes() if path.is_file() else None for path in world.root.rglob("*")}
    init(world.root)
    assert {
        path: path.read_bytes() if path.is_file() else None for path in world.root.rglob("*")
    } == before


@pytest.mark.parametrize(
    ("source", "target"),
    [("inbox", "claimed"), ("processing", "done"), ("staging", "processing"), ("drafts", "inbox")],
)
def test_folders_on_two_file_systems_are_unfit(source: str, target: str, tmp_path: Path) -> None:
    """EXDEV along one edge: init says which folders, and writes no identity."""
    disk = BadDisk(
        lambda call: Fault("fail", errno.EXDEV) if crossing(call, source, target) else None
    )
    with pytest.raises(Unfit, match=f"different file systems.*{source}.*{target}"):
        init(tmp_path / "atlas", disk)
    assert not exists(tmp_path / "atlas")
    assert list((tmp_path / "atlas").rglob(".probe*")) == []


def test_a_probe_whose_reply_was_lost_is_taken_away(tmp_path: Path) -> None:
    """The rename was performed but reported an error: the probe lies at the target and goes from there."""
    atlas, _ = init(tmp_path / "atlas")
    findings = prove(
        Atlas(atlas.root, BadDisk(lambda call: Fault("lost") if call.name == "rename" else None))
    )
    assert not any(finding.ok for finding in findings)
    assert list(atlas.root.rglob(".probe*")) == []


class ChangingInodes(Disk):
    """A union file system: a renamed folder is another one afterwards."""

    def rename(self, source: Path, target: Path) -> None:
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
        shutil.rmtree(source) if source.is_dir() else source.unlink()


def test_where_a_rename_changes_inodes_the_identity_says_so(tmp_path: Path) -> None:
    """Found at first or on a later init; it is never taken back."""
    atlas, _ = init(tmp_path / "atlas")
    uuid = atlas.identity().uuid
    init(tmp_path / "atlas", ChangingInodes())
    assert atlas.identity().inodes == "changing"
    init(tmp_path / "atlas")
    assert (atlas.identity().uuid, atlas.identity().inodes) == (uuid, "changing")


def test_where_inodes_change_only_a_sealed_job_that_was_never_accepted_keeps_its_id(
    tmp_path: Path,
) -> None:
    """A retry gets a new id there, for it cannot be told from a copy."""
    world = World(tmp_path / "atlas")
    sealed = lifecycle.submit(world.atlas, world.draft())
    job = claims.request(world.atlas, sealed.path.name)
    assert job
    moved = job.model_copy(update={"inode": 1})
    assert (
        claims.identify_folder(world.atlas, sealed.path.name, moved, changing=True).id == sealed.id
    )
    assert (
        claims.identify_folder(world.atlas, sealed.path.name, moved, changing=False).id != sealed.id
    )
    retried = lifecycle.retry(world.atlas, world.failed())
    again = claims.request(world.atlas, retried.path.name)
    assert again
    claim = claims.identify_folder(world.atlas, retried.path.name, again, changing=True)
    assert (claim.id != retried.id, claim.copy_of) == (True, retried.id)


def test_a_torn_identity_is_written_again_by_init(tmp_path: Path) -> None:
    """A crash while atlas.json was first written leaves a tree that init completes."""
    with pytest.raises(Crash):
        init(tmp_path / "atlas", BadDisk(at(1, Fault("torn"))))
    assert exists(tmp_path / "atlas")
    atlas, _ = init(tmp_path / "atlas")
    assert atlas.identity().uuid


def test_a_crash_at_any_call_of_init_is_mended_by_init(tmp_path: Path) -> None:
    """The second init always makes a whole tree."""
    number, hit = 0, True
    while hit:
        number += 7
        disk = BadDisk(at(number, Fault("crash")))
        root = tmp_path / f"atlas-{number}"
        try:
            init(root, disk)
        except Crash:
            pass
        hit = disk.hit
        atlas, _ = init(root, BadDisk())
        assert all(folder.is_dir() for folder in atlas.folders()) and atlas.identity().epoch == 1


# -- restored ----------------------------------------------------------------------------------
def restored_copy(world: World, to: Path) -> World:
    """What a backup brings back: the same bytes, other inodes."""
    shutil.copytree(world.root, to)
    other = World.__new__(World)
    other.__dict__.update(world.__dict__, root=to)
    other.atlas = Atlas(to, BadDisk())
    return other


def test_a_restored_tree_gets_a_new_epoch_and_knows_its_own_jobs(tmp_path: Path) -> None:
    """Jobs that wait in inbox/ or failed/ keep their ids when they are retried; running processes hear that they must restart."""
    world = World(tmp_path / "atlas")
    failed = world.failed()
    sealed = lifecycle.submit(world.atlas, world.draft())
    claimed = world.claimed()
    known = world.atlas.identity()
    back = restored_copy(world, tmp_path / "restored")
    init(back.root, restored=True)
    with pytest.raises(LineFault, match="restored"):
        back.atlas.guard(known)
    noted = back.atlas.pipeline.lstat().st_ino
    assert back.atlas.identity() == known.model_copy(update={"epoch": 2, "inode": noted})
    lifecycle.retry(back.atlas, back.atlas.at_failed(failed.id))
    Intake(back.atlas).look()
    assert {place.id for place in back.atlas.places(State.CLAIMED)} == {
        failed.id,
        sealed.id,
        claimed.id,
    }


def test_without_restored_a_brought_back_job_is_taken_for_a_copy(tmp_path: Path) -> None:
    """Which is why --restored is needed: nothing is lost, but it gets a new id that names the old one."""
    world = World(tmp_path / "atlas")
    failed = world.failed()
    back = restored_copy(world, tmp_path / "restored")
    lifecycle.retry(back.atlas, back.atlas.at_failed(failed.id))
    Intake(back.atlas).look()
    (place,) = back.atlas.places(State.CLAIMED)
    job = lifecycle.readable_job(back.atlas, place.path)
    assert job and place.id != failed.id and job.copy_of == failed.id


def test_restoring_does_not_make_a_persons_copy_the_job_itself(tmp_path: Path) -> None:
    """A copy of a finished job that waits in inbox/ stays a copy: two folders of one id never exist."""
    world = World(tmp_path / "atlas")
    done = world.done()
    shutil.copytree(done.path, world.atlas.inbox / done.id)
    (world.atlas.inbox / done.id / tree.INPUT / "Vase" / "scan.ply").write_text(world.token())
    init(world.root, restored=True)
    Intake(world.atlas).look()
    (place,) = world.atlas.places(State.CLAIMED)
    assert place.id != done.id
    world.check()


# -- the guard ---------------------------------------------------------------------------------
def test_an_unmounted_share_is_no_empty_inbox(tmp_path: Path) -> None:
    """A mount point with nothing below it, or nothing at all: every look is a fault of the line."""
    atlas, _ = init(tmp_path / "atlas")
    known = atlas.identity()
    shutil.rmtree(atlas.root)
    for _ in range(2):
        looks: list[Any] = [
            lambda: atlas.guard(known),
            atlas.halted,
            lambda: atlas.entries(State.INBOX),
            lambda: atlas.places(State.CLAIMED),
        ]
        for look in [*looks, lambda: lifecycle.find(atlas, names.new_id("vase"))]:
            with pytest.raises(LineFault, match="share is away"):
                look()
        atlas.root.mkdir(exist_ok=True)


@pytest.mark.parametrize("folder", [".", ".pipeline"])
def test_a_tree_that_may_not_be_entered_is_not_said_to_be_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """Its share is there: what is missing is a right, and it is named."""
    root = init(tmp_path / "atlas")[0].root

    def read(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    atlas = Atlas(root)
    monkeypatch.setattr(atlas.disk, "read", read)
    monkeypatch.setattr("layout.rights._may", lambda path, how: path != root / folder)
    with pytest.raises(LineFault) as fault:
        atlas.identity()
    name = (root / folder).name
    assert fault.value.message.startswith(f"the folder {name} may not be entered: give the group")


@pytest.mark.parametrize("text", [b"", b"{", b'{"format": 2, "uuid": "x"}', b'{"format": 1}'])
def test_an_identity_that_cannot_be_read_is_a_fault_of_the_line(
    text: bytes, tmp_path: Path
) -> None:
    """Torn, wrong or written by a newer inbox3d: nobody works here until an operator looked."""
    atlas, _ = init(tmp_path / "atlas")
    atlas.identity_file.write_bytes(text)
    with pytest.raises(LineFault, match=r"atlas\.json"):
        atlas.identity()


def test_another_tree_and_another_epoch_are_not_this_one(tmp_path: Path) -> None:
    """The guard compares the uuid and the epoch with those of the start."""
    atlas, _ = init(tmp_path / "atlas")
    known = atlas.identity()
    atlas.guard(known)
    for other in (AtlasFile(uuid="another"), known.model_copy(update={"epoch": known.epoch + 1})):
        with pytest.raises(LineFault, match="another tree"):
            atlas.guard(other)


@pytest.mark.parametrize("name", ["HALT", "halt", "Halt.TXT"])
@pytest.mark.parametrize("folder", [".", "inbox"])
def test_a_halt_file_is_seen_in_any_case(name: str, folder: str, tmp_path: Path) -> None:
    """By listing, in the root and in inbox/."""
    atlas, _ = init(tmp_path / "atlas")
    assert atlas.halted() is None
    (atlas.root / folder / name).touch()
    assert atlas.halted() == os.path.normpath(f"{folder}/{name}")


def test_a_folder_that_is_not_seen_is_not_judged_by_its_inode(tmp_path: Path) -> None:
    """A stale negative answer must not turn a job into a copy of itself."""
    world = World(tmp_path / "atlas")
    place = lifecycle.submit(world.atlas, world.draft())
    job = claims.request(world.atlas, place.path.name)
    assert job
    blind = world.mounted(lambda call: Fault("unseen") if call.name == "lstat" else None)
    with pytest.raises(Gone):
        claims.identify_folder(blind, place.path.name, job, changing=False)
    shell = lifecycle.claim_job(world.atlas, place.path.name, "prepare", place.id, 0)
    with pytest.raises(Gone):
        accept.accept(blind, shell, AcceptedRequest("scan", {}, frozenset(), "sealed"))
