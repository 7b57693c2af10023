"""A person at a laptop: copies over SMB, drags with the mouse, against a real Samba and a running ``up``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from layout.tree import State
from tests.support.drops import scan_folder, small_scan
from tests.support.live import House, eventually, sums
from tests.support.samba import Person, samba

pytestmark = pytest.mark.slow


@pytest.fixture
def person(atlas_house: House, program: Callable[[str], Path], tmp_path: Path) -> Iterator[Person]:
    program("smbclient")
    with samba(program("smbd"), atlas_house.atlas.root, tmp_path / "samba") as one:
        atlas_house.up()
        eventually(lambda: atlas_house.worker_pids() or None, 60, "a worker")
        yield one


def test_a_folder_copied_over_smb_becomes_a_model(
    atlas_house: House, person: Person, tmp_path: Path
) -> None:
    """Copied file by file by smbclient, with the Mac's litter beside it; input/ has the person's bytes and no litter counts."""
    source = scan_folder(tmp_path / "my vase", points=2000)
    (source / ".DS_Store").write_bytes(b"litter")
    person.does('prompt off; recurse on; cd inbox; mput "my vase"', tmp_path)
    place, job = atlas_house.ended("my vase", 180)
    assert place.state is State.DONE
    copied = sums(place.path / "input/my vase")
    assert {name: digest for name, digest in sums(source).items() if name != ".DS_Store"} == {
        n: d for n, d in copied.items() if n != ".DS_Store"
    }
    assert {row.path for row in job.manifest} == {"pass_0.ply", "pass_1.ply", "pass_2.ply"}
    (tmp_path / "laptop").mkdir()
    person.does(f"cd done\\{place.id}\\output; get model.glb", tmp_path / "laptop")
    assert (tmp_path / "laptop/model.glb").read_bytes() == (
        place.path / "output/model.glb"
    ).read_bytes()


def test_the_mouse_cancels_and_retries(atlas_house: House, person: Person, tmp_path: Path) -> None:
    """processing/X dragged to failed/ is a cancel; failed/X dragged to inbox/ is a retry: a drag keeps the folder's inode."""
    small_scan(tmp_path / "vase")
    person.does("prompt off; recurse on; cd inbox; mput vase", tmp_path)
    held = eventually(
        lambda: (place := atlas_house.where("vase")) and place.state is State.PROCESSING and place,
        60,
        "vase starting",
    )
    person.does(f'rename "processing\\{held.path.name}" "failed\\{held.path.name}"', tmp_path)
    place, _ = atlas_house.ended("vase", 60)
    assert place.state is State.FAILED
    eventually(lambda: (place.path / "error.txt").exists() or None, 30, "the reason")
    assert "Cancelled by a person" in (place.path / "error.txt").read_text()
    person.does(f'rename "failed\\{place.id}" "inbox\\{place.id}"', tmp_path)
    again = eventually(
        lambda: (found := atlas_house.find(place.id)) and found.state is State.DONE and found,
        180,
        "the retry",
    )
    assert again.id == place.id
