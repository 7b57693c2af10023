"""What doctor tries of the mount, and what it makes of a mount's options."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from layout.init import init
from layout.tree import Atlas
from pipeline import config
from pipeline.cli._this_mount import mount_findings, mounts, of_options
from tests.support.baddisk import BadDisk
from tests.support.trees import new_tree

SHIPPED = "rw,vers=4.2,hard,acregmin=1,acregmax=1,acdirmin=1,acdirmax=1,lookupcache=none"
LINE = "36 25 0:41 / {point} rw,relatime shared:1 - {kind} nas:/srv/atlas {options}\n"
SETTINGS = config.load(environ={})


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


def wrong(atlas: Atlas) -> list[str]:
    return [found.detail for found in mount_findings(atlas, SETTINGS) if found.level != "fine"]


def test_a_local_disk_passes(atlas: Atlas) -> None:
    assert wrong(atlas) == []
    fine = " · ".join(found.detail for found in mount_findings(atlas, SETTINGS))
    assert "exclusive creation" in fine and "at once" in fine and "agree" in fine
    assert list(atlas.drafts.iterdir()) == []


class Lax(BadDisk):
    """A share that makes what is there once more, and shows what is new only at the third look."""

    looks = 0

    def write_new(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)

    def seen(self, path: Path) -> bool:
        self.looks += 1
        return self.looks > 2


def test_a_share_without_exclusive_creation_and_with_a_cache_is_named(tmp_path: Path) -> None:
    init(tmp_path / "atlas")
    found = wrong(Atlas(tmp_path / "atlas", Lax()))
    assert any("O_EXCL does not hold" in detail for detail in found)
    assert any("not seen here at once" in detail for detail in found)


@pytest.mark.parametrize(("seconds", "words"), [(90, "90 s ahead of"), (-90, "90 s behind")])
def test_a_server_with_another_time_is_named(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch, seconds: int, words: str
) -> None:
    there = time.time
    monkeypatch.setattr(time, "time", lambda: there() - seconds)
    assert any(words in detail for detail in wrong(atlas))


def test_little_room_is_named(atlas: Atlas) -> None:
    much = SETTINGS.model_copy(update={"web": SETTINGS.web.model_copy(update={"free_gb": 1e9})})
    assert any("free some space" in found.remedy for found in mount_findings(atlas, much))


def test_few_inodes_are_named(atlas: Atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        f_files, f_favail = 100_000, 7
        f_bavail = f_blocks = f_bfree = 1 << 30
        f_frsize = 4096

    monkeypatch.setattr(os, "statvfs", lambda path: Full())
    assert wrong(atlas) == ["7 more files fit, whatever space there is"]


def told(tmp_path: Path, *lines: tuple[str, str, str], **intake: Any) -> dict[str, str]:
    """detail → level, for a tree at /srv/atlas on a host with these mounts (point, kind, options)."""
    table = tmp_path / "mountinfo"
    table.write_text(
        "".join(LINE.format(point=point, kind=kind, options=o) for point, kind, o in lines)
    )
    changed = SETTINGS.intake.model_copy(update=intake)
    settings = SETTINGS.model_copy(update={"intake": changed})
    found = of_options(Path("/srv/atlas"), list(mounts(table)), settings)
    return {one.detail: one.level for one in found}


def test_the_shipped_options_are_fine(tmp_path: Path, root: Path) -> None:
    """Those of deploy/systemd/srv-atlas.mount, as the kernel shows them."""
    unit = (root / "deploy/systemd/srv-atlas.mount").read_text()
    assert "actimeo=1" in unit and "lookupcache=none" in unit and "hard" in unit
    (detail,) = told(tmp_path, ("/", "ext4", "rw"), ("/srv/atlas", "nfs4", SHIPPED))
    assert detail.startswith("NFS 4.2") and "async" in detail


@pytest.mark.parametrize(
    ("options", "level", "words"),
    [
        (SHIPPED.replace("hard", "soft"), "wrong", "a soft mount"),
        (SHIPPED.replace("4.2", "3"), "wrong", "NFS 3"),
        (SHIPPED.replace("acregmax=1", "acregmax=60"), "missing", "up to 60 s old"),
        ("rw,vers=4.2,hard", "missing", "up to 60 s old"),
        ("rw,vers=4.2,hard,noac,lookupcache=none", "fine", "NFS 4.2"),
        (SHIPPED.replace("lookupcache=none", "x"), "missing", "may stay unseen"),
        (SHIPPED.replace("rw", "ro"), "wrong", "is read only"),
    ],
)
def test_options_of_nfs_that_break_a_promise(
    tmp_path: Path, options: str, level: str, words: str
) -> None:
    found = told(tmp_path, ("/srv/atlas", "nfs4", options))
    assert any(words in detail and level == its for detail, its in found.items()), found
    assert level != "fine" or "wrong" not in found.values()


def test_a_quiet_time_longer_than_the_cache_makes_up_for_it(tmp_path: Path) -> None:
    found = told(
        tmp_path, ("/srv/atlas", "nfs4", "rw,vers=4.2,lookupcache=none"), quiet_network=90.0
    )
    assert "wrong" not in found.values()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([("/srv/atlas", "fuse.rclone", "rw")], "renames by copying"),
        ([("/srv/atlas", "cifs", "rw,cache=loose")], "cache=loose"),
        ([("/srv", "ext4", "rw"), ("/srv/atlas/done", "xfs", "rw")], "a mount of its own (xfs)"),
        ([("/srv", "nfs4", SHIPPED), ("/srv", "nfs4", SHIPPED.replace("hard", "soft"))], "soft"),
    ],
)
def test_other_mounts(tmp_path: Path, lines: list[tuple[str, str, str]], words: str) -> None:
    """Of two mounts on one folder the later one counts."""
    found = told(tmp_path, *lines)
    assert any(words in detail and level == "wrong" for detail, level in found.items()), found


def test_another_tree_beside_it_does_not_matter(tmp_path: Path) -> None:
    lines = [("/", "ext4", "rw"), ("/srv/atlas2", "fuse.rclone", "ro"), ("/srv/at", "nfs4", "soft")]
    assert told(tmp_path, *lines) == {}


def test_a_point_with_a_blank_is_read(tmp_path: Path) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(LINE.format(point=r"/srv/my\040atlas", kind="nfs4", options="ro"))
    (one,) = mounts(table)
    assert one.point == Path("/srv/my atlas") and "ro" in one.options
