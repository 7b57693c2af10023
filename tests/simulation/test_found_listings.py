"""What simulated houses found in looks at input/ that lack what stands there: each told once more as a story of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout import accept, dropped, lifecycle, walk
from layout.accept import AcceptedRequest
from layout.disk import Disk, Entry
from layout.tree import Atlas, State
from tests.simulation import stages
from tests.support.fleet import Fleet

ALL, TWO = ("scan", "finish"), ("finish", "scan")


class Skipping(Disk):
    """Some listings of a folder lack its entries, as one may while others rename: the FIRST one and
    the OTHERS after it."""

    def __init__(self, name: str = "input", first: int = 0, others: int = 1) -> None:
        super().__init__(durable=False)
        self.name, self.skipped = name, range(first, first + others)
        self.looks = 0

    def scandir(self, path: Path) -> list[Entry]:
        listing = super().scandir(path)
        if path.name == self.name:
            self.looks += 1
            return [] if self.looks - 1 in self.skipped else listing
        return listing


def test_a_listing_that_lacks_the_drop_takes_no_job_toml_away(fleet: Fleet) -> None:
    """Whoever completes a shell looks twice before input/ is taken for empty: else the drop's own root, and its job.toml, were missed."""
    shell = lifecycle.claim_drop(fleet.atlas, "vase", "scan")
    disk = Skipping()
    assert dropped.look(disk, shell.path / "input").root == shell.path / "input/vase"
    place = accept.accept(fleet.atlas, shell, AcceptedRequest("scan", {}, frozenset(), "said"))
    assert [row.path for row in fleet.job(place).manifest] == ["READY", "a.xyz"]


@pytest.mark.parametrize(("name", "others"), [("input", 2), ("input", 9), ("vase", 1)])
@pytest.mark.parametrize("used", [frozenset[str](), frozenset({"a.xyz"})])
def test_a_drop_is_not_accepted_without_the_files_that_it_was_judged_by(
    fleet: Fleet, name: str, others: int, used: frozenset[str]
) -> None:
    """The listing for job.json lacked them: with no row, or none used, the job would have failed."""
    shell = lifecycle.claim_drop(fleet.atlas, "vase", "scan")
    blind = Atlas(fleet.atlas.root, Skipping(name, 0, others))
    with pytest.raises(lifecycle.Gone):
        accept.accept(blind, shell, AcceptedRequest("scan", {}, used, "said"))
    fleet.settle([ALL])
    (place,) = fleet.places(State.DONE)
    assert [(row.path, row.used) for row in fleet.job(place).manifest][1] == ("a.xyz", True)


@pytest.mark.parametrize(
    ("first", "others"), [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3), (3, 2), (3, 3), (4, 2), (5, 2)]
)
def test_listings_that_lack_the_drop_while_its_job_runs_change_no_name(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, first: int, others: int
) -> None:
    """Whichever of them: the files have the names under which they were copied, or the job begins anew. One whose files were not seen at all failed by a file's name."""
    fleet.look()
    worker = fleet._worker(ALL)
    blind = Skipping("input", first, others)
    monkeypatch.setattr(worker.atlas.disk, "scandir", blind.scandir)
    fleet.settle([ALL])
    (place,) = fleet.places(State.DONE)
    text, _ = stages.expected(fleet.job(place))
    assert (place.path / "output/model.glb").read_text() == text
    assert [row.path for row in fleet.job(place).manifest] == ["READY", "a.xyz"]


@pytest.mark.parametrize("where", ["New folder", "vase/New folder"])
def test_an_empty_folder_in_input_changes_no_name(fleet: Fleet, where: str) -> None:
    """The start listed vase/a.xyz where its stages looked for a.xyz, and failed by that name."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    (place.path / "input" / where).mkdir()
    fleet.settle([ALL])
    (place,) = fleet.places(State.DONE)
    assert [row.path for row in fleet.job(place).manifest] == ["READY", "a.xyz"]


def test_a_job_whose_files_were_all_taken_out_fails_with_those_words(fleet: Fleet) -> None:
    """What is left, an empty folder, is not "still changing"."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    for path in (place.path / "input/vase").iterdir():
        path.unlink()
    fleet.settle([ALL])
    (place,) = fleet.places(State.FAILED)
    assert (
        "Nothing of what was dropped is left in input/." in (place.path / "error.txt").read_text()
    )


def test_a_drop_at_the_limit_of_depth_becomes_a_job_that_runs(fleet: Fleet) -> None:
    """The copy counted the drop's own folder too, and refused what the intake had taken."""
    folder = fleet.atlas.inbox / "vase"
    deep = folder.joinpath(*["d" * 9] * (walk.DEPTH - 1))
    deep.mkdir(parents=True)
    (folder / "a.xyz").rename(deep / "a.xyz")
    fleet.settle([ALL])
    assert len(fleet.places(State.DONE)) == 1


def test_an_input_folder_that_one_look_does_not_show_was_not_deleted(fleet: Fleet) -> None:
    """A job that is taken on anew was refused with "deleted", by one stale look at its input/."""
    fleet.look()
    (place,) = fleet.places(State.CLAIMED)
    shell = place.path.with_name(f".{place.id}@{lifecycle.ANEW}.0")
    place.path.rename(shell)
    (shell / "job.json").write_text("{")
    shells = fleet.intake.shells
    shells.atlas.disk = Skipping()
    (hidden,) = fleet.places(State.CLAIMED)
    shells.complete(hidden)
    (place,) = fleet.places(*State)
    assert place.state is State.CLAIMED
    assert fleet.job(place).kind == "scan"
