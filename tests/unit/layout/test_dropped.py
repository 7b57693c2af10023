"""What a person dropped keeps its name, and its manifest lists their files."""

from __future__ import annotations

import os
import shutil

import pytest

from layout import dropped, tree
from layout.manifest import JobFile, Listed
from tests.support.crew import Intake, World
from tests.unit.layout.test_accept import job_at


# -- sealed and manifest -----------------------------------------------------------------------
def test_a_job_is_sealed_once_its_files_are_all_there(world: World) -> None:
    """A copied job folder shows its job.json long before its scans; what file managers add does not matter."""
    draft = world.draft()
    job = JobFile.load((draft / tree.JOB).read_bytes())
    (draft / tree.INPUT / ".DS_Store").touch()
    (draft / tree.INPUT / "Thumbs.db").touch()
    assert dropped.sealed(world.atlas.disk, draft, job)
    scan = draft / tree.INPUT / "scan.ply"
    half = scan.read_bytes()[:3]
    scan.write_bytes(half)
    assert not dropped.sealed(world.atlas.disk, draft, job)
    scan.unlink()
    assert not dropped.sealed(world.atlas.disk, draft, job)
    shutil.rmtree(draft / tree.INPUT)
    assert not dropped.sealed(world.atlas.disk, draft, job)
    assert not dropped.sealed(world.atlas.disk, draft, job.model_copy(update={"manifest": []}))


def test_a_manifest_lists_the_persons_files_below_the_dropped_folder(world: World) -> None:
    """Paths are relative to the drop, ignored names are left out, unused files are marked, known sums are kept."""
    place = world.claimed()
    inside = place.path / tree.INPUT
    (inside / "Vase" / "notes").mkdir()
    (inside / "Vase" / "notes" / "read me.txt").write_text("hello")
    (inside / "Vase" / "._scan.ply").touch()
    (inside / ".DS_Store").touch()
    size = (inside / "Vase" / "scan.ply").stat().st_size
    old = job_at(world, place).model_copy(
        update={"manifest": [Listed(path="scan.ply", size=size, sha256="a" * 64)]}
    )
    drop = dropped.look(world.atlas.disk, inside)
    assert (drop.root, drop.name) == (inside / "Vase", "Vase")
    rows = dropped.manifest(world.atlas.disk, drop, frozenset({"scan.ply"}), old)
    assert [(row.path, row.size, row.sha256, row.used) for row in rows] == [
        ("notes/read me.txt", 5, None, False),
        ("scan.ply", size, "a" * 64, True),
    ]


@pytest.mark.parametrize(
    ("paths", "top"),
    [
        ([], ""),
        (["a.ply"], ""),
        (["vase/a.ply", "vase/b/c.ply"], "vase/"),
        (["vase/a.ply", "b.ply"], ""),
        (["vase/a.ply", "jug/a.ply"], ""),
    ],
)
def test_the_top_of_a_drop_is_the_folder_that_holds_all_its_files(
    paths: list[str], top: str
) -> None:
    """Told from the files alone, so that everybody who saw the same files comes to the same."""
    assert dropped.top_of(paths) == top


def test_an_empty_folder_beside_the_drop_changes_no_path(world: World) -> None:
    """ "New folder", which a person made in input/ and left empty."""
    place = world.claimed()
    (place.path / tree.INPUT / "New folder").mkdir()
    drop = dropped.look(world.atlas.disk, place.path / tree.INPUT)
    assert [path for path, _ in drop.files] == ["scan.ply"] and drop.name == "Vase"


def test_a_name_that_is_no_utf_8_can_be_written_down(world: World) -> None:
    """An old client's bytes neither stop the intake nor break job.json."""
    name = os.fsdecode(b"Gr\xf6sse.ply")
    (world.atlas.inbox / name).write_text(world.token())
    place = Intake(world.atlas).take(name)
    job = job_at(world, place)
    assert job.source.name == r"Gr\xf6sse.ply" and [row.used for row in job.manifest] == [True]
    assert (place.path / tree.INPUT / name).is_file()


def test_a_drop_keeps_its_own_name_without_the_go(world: World) -> None:
    """X.go says that X is complete; it is X in input/ and in the id."""
    place = Intake(world.atlas).take(world.drop("Grosse Vase.ply.go", one_file=True))
    assert [path.name for path in (place.path / tree.INPUT).iterdir()] == ["Grosse Vase.ply"]
    assert place.id.startswith("grosse-vase-")
    assert job_at(world, place).source.name == "Grosse Vase.ply"
