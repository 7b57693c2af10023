"""What stages need of memory: declared for every one, growing with what is asked, set right by done jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout.tree import Atlas
from pipeline import recipes
from pipeline.kept import declared
from pipeline.progress import needs
from pipeline.progress.likeness import Asked
from pipeline.progress.past import Past
from tests.support.trees import new_tree
from tests.unit.progress.test_past import job

GB = 1e9


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


def asked(kind: str, megabytes: float = 1.0, files: int = 1, **options: object) -> Asked:
    return Asked(kind, int(megabytes * 1e6), files, tuple(options.items()), frozenset())


def test_every_stage_is_declared() -> None:
    assert set(needs.NEEDS) == set(declared.STAGES)


@pytest.mark.parametrize(
    ("smaller", "larger", "times"),
    [
        (asked("convert", 10), asked("convert", 1000), 15),
        (asked("scan", 10), asked("scan", 5000), 5),
        (asked("scan"), asked("scan", quality_tier="high"), 1.5),
        (asked("scan"), asked("scan", texture_size=16384), 10),
        (asked("images"), asked("images", backend="instantmesh"), 5),
    ],
    ids=["a larger mesh", "larger passes", "the tier", "the texture", "the backend"],
)
def test_it_grows_with_what_is_asked(smaller: Asked, larger: Asked, times: float) -> None:
    stages = recipes.stages(smaller.kind)
    assert needs.declared(stages, larger) > times * needs.declared(stages, smaller)


def test_what_options_skip_counts_nothing() -> None:
    stages = ["scan.read_passes", "mesh.decimate"]
    left_out = asked("scan", skip=("decimate",), quality_tier="high")
    assert needs.declared(stages, left_out) == needs.declared(["scan.read_passes"], left_out)


def test_a_queue_needs_what_is_done_in_one_go_from_there_on() -> None:
    """A worker that serves the next queue too goes straight on."""
    recipe = recipes.RECIPES["images"]
    alone, both = recipe.straight("mesh", ("mesh",)), recipe.straight("mesh", ("mesh", "finish"))
    assert alone == ("mesh.reconstruct", "mesh.draw_sides")
    assert both == (*alone, *recipe.legs[2].stages)
    assert recipe.straight("mesh", ("mesh", "prepare")) == alone
    assert recipe.straight("scan", ("scan",)) == ()


@pytest.mark.parametrize("factor", [0.25, 3.0], ids=["less", "more"])
def test_done_jobs_set_the_declared_right(atlas: Atlas, factor: float) -> None:
    """In both directions, the more so the more there are, and for other sizes in proportion."""
    stages, past = recipes.stages("convert"), Past(atlas)
    done, larger = job(1, megabytes=100), Asked.of(job(9, megabytes=200))
    first = past.memory(stages, larger)
    assert first == int(needs.ENGINE + needs.declared(stages, larger))
    done.provenance.peak_rss = int(factor * needs.declared(stages, Asked.of(done)))
    done.provenance.times = {"mesh.clean": 1.0}
    found = []
    for number in range(4):
        past.learn(done.model_copy(update={"id": f"part-{number:010}"}))
        found.append(past.memory(stages, larger))
    truth = needs.ENGINE + factor * needs.declared(stages, larger)
    assert found[-1] == pytest.approx(truth, rel=0.1)
    assert abs(found[-1] - truth) <= abs(found[0] - truth) < abs(first - truth)


def test_jobs_of_another_kind_say_next_to_nothing(atlas: Atlas) -> None:
    past, stages = Past(atlas), recipes.stages("scan")
    before = past.memory(stages, asked("scan"))
    other = job(1, times={"mesh.clean": 1.0})
    other.provenance.peak_rss = int(50 * GB)
    past.learn(other)
    assert past.memory(stages, asked("scan")) == pytest.approx(before, rel=0.35)


def test_it_is_on_the_careful_side_of_jobs_that_differ() -> None:
    """Of jobs alike that took once and twice as much, more than the mean is kept free."""
    assert needs.corrected(1.0, [1.0, 2.0, 1.0, 2.0], [1.0] * 4) > 1.5
