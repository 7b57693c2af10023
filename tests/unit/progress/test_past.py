"""What earlier jobs took, and what is foreseen from it for another one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from layout.manifest import Accepted, JobFile, Listed, Provenance, Source, Start
from layout.tree import Atlas
from pipeline import jobs, recipes
from pipeline.progress import past as module
from pipeline.progress import weights
from pipeline.progress.likeness import Asked, device, weighted_median
from pipeline.progress.past import Past
from tests.support.trees import new_tree

AT = "2026-11-20T12:00:00+00:00"


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


def job(
    number: int = 0,
    kind: str = "convert",
    megabytes: float = 1.0,
    worker: str = "host-cpu-abcd",
    times: dict[str, float] | None = None,
    **options: Any,
) -> JobFile:
    return JobFile(
        id=f"part-{number:010}", kind=kind, options=jobs.options_of(jobs.parse({"kind": kind, **options})), source=Source(name="part", origin="cli", at=AT),
        manifest=[Listed(path="part.stl", size=int(megabytes * 1e6)), Listed(path="readme.pdf", size=10**9, used=False)],
        accepted=Accepted(at=AT, n=0), starts=[Start(n=1, worker=worker, at=AT)], provenance=Provenance(times=times or {}),
    )  # fmt: skip


def guessed(past: Past, stage: str, asked: JobFile) -> module.Guess:
    return past.guess(stage, Asked.of(asked))


def test_without_earlier_jobs_the_built_in_weights_count_and_say_that_they_are_cold(
    atlas: Atlas,
) -> None:
    guess = guessed(Past(atlas), "mesh.decimate", job(megabytes=10))
    assert guess == (weights.seconds("mesh.decimate", 10**7, 1, {}), weights.DOUBT, True)


def test_one_earlier_job_is_enough_to_know(atlas: Atlas) -> None:
    past = Past(atlas)
    past.learn(job(1, times={"mesh.decimate": 7.0}))
    guess = guessed(past, "mesh.decimate", job(2))
    assert guess.seconds == pytest.approx(7.0, rel=0.01)
    assert not guess.cold
    assert guess.doubt < weights.DOUBT


def test_sizes_are_told_apart_and_what_lies_between_is_between(atlas: Atlas) -> None:
    """Files that are not used do not count: a readme of a gigabyte lies in each drop."""
    past = Past(atlas)
    past.learn(job(1, megabytes=1, times={"mesh.decimate": 1.0}))
    past.learn(job(2, megabytes=100, times={"mesh.decimate": 80.0}))
    small, middle, large = (
        guessed(past, "mesh.decimate", job(3, megabytes=size)).seconds for size in (1, 10, 100)
    )
    assert small == pytest.approx(1.0, rel=0.2)
    assert large == pytest.approx(80.0, rel=0.2)
    assert small < middle < large


def test_one_job_far_off_moves_nothing(atlas: Atlas) -> None:
    """A laptop that slept within a stage, a host under load."""
    past = Past(atlas)
    for number, seconds in enumerate((10.0, 11.0, 3600.0, 9.0, 10.5)):
        past.learn(job(number, times={"finish.texture": seconds}))
    assert guessed(past, "finish.texture", job(9)).seconds == pytest.approx(10.5, rel=0.15)


def test_a_stage_that_the_options_leave_out_takes_nothing_whatever_it_took_before(
    atlas: Atlas,
) -> None:
    past = Past(atlas)
    past.learn(job(1, "scan", times={"mesh.clean": 20.0, "finish.texture": 30.0}))
    assert guessed(past, "mesh.clean", job(2, "scan", skip=("clean",))).seconds < 0.1
    assert guessed(past, "finish.texture", job(3, "scan", texture=False)).seconds < 0.1
    assert guessed(past, "finish.texture", job(4, "scan")).seconds == pytest.approx(30.0, rel=0.01)


def test_jobs_of_the_same_options_and_device_tell_more_than_others(atlas: Atlas) -> None:
    past = Past(atlas)
    for number in range(3):
        past.learn(job(number, "images", worker="host-cuda0-aaaa", times={"mesh.reconstruct": 4.0}))
        past.learn(
            job(
                10 + number,
                "images",
                worker="host-cpu-aaaa",
                backend="visual-hull",
                times={"mesh.reconstruct": 60.0},
            )
        )
    gpu = guessed(past, "mesh.reconstruct", job(20, "images", worker="host-cuda0-bbbb")).seconds
    cpu = guessed(
        past, "mesh.reconstruct", job(21, "images", worker="host-cpu-bbbb", backend="visual-hull")
    ).seconds
    assert gpu == pytest.approx(4.0, rel=0.3)
    assert cpu == pytest.approx(60.0, rel=0.3)


def test_a_stage_that_earlier_jobs_did_not_have_is_cold_and_theirs_are_not_asked_for(
    atlas: Atlas,
) -> None:
    """A recipe that changed: the new stage has a first estimate, the others keep what they know."""
    past = Past(atlas)
    past.learn(job(1, times={"mesh.read_mesh": 2.0, "mesh.an_old_one": 5.0}))
    assert guessed(past, "mesh.a_new_one", job(2)).cold
    assert not guessed(past, "mesh.read_mesh", job(2)).cold


def test_every_once_counts_as_one_host() -> None:
    """Its workers bear a name that is drawn each time."""
    assert device("once-7k3f-cpu-aaaa") == device("once-9q2m-cpu-bbbb") != device("host-cpu-aaaa")


def test_done_jobs_are_read_newest_first_and_only_as_many_as_tell_something(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PER_KIND", 3)
    monkeypatch.setattr(module, "READ_AT_MOST", 6)
    for number in range(10):
        place = atlas.at_done(f"part-{number:010}")
        place.path.mkdir()
        (place.path / "job.json").write_bytes(
            job(number, times={"mesh.clean": float(number)}).dump()
        )
        os.utime(place.path, (1000 + number, 1000 + number))
    (atlas.done / "a person's own folder").mkdir()
    (atlas.at_done("torn-0000000000").path).mkdir()
    (atlas.at_done("torn-0000000000").path / "job.json").write_text("{")
    past = Past(atlas)
    past.read()
    assert list(past._known) == [f"part-{number:010}" for number in (7, 8, 9)]


def test_a_job_that_ended_elsewhere_is_looked_up_by_name_without_a_listing(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker of the first leg learns what the last one took."""
    past = Past(atlas)
    handed = job(1, times={"views.generate_views": 3.0})
    past.await_end(handed)
    monkeypatch.setattr(Atlas, "names", lambda *_: pytest.fail("done/ was listed"))
    past.read(whole=False)
    assert "mesh.clean" not in past._known[handed.id][1]
    place = atlas.at_done(handed.id)
    place.path.mkdir()
    (place.path / "job.json").write_bytes(
        job(1, times={"views.generate_views": 3.0, "mesh.clean": 2.0}).dump()
    )
    past.read(whole=False)
    assert past._known[handed.id][1]["mesh.clean"] == 2.0
    assert not past._awaited


def test_a_share_that_is_away_is_no_fault_of_the_estimate(atlas: Atlas) -> None:
    atlas.done.rmdir()
    past = Past(atlas)
    past.read()
    assert guessed(past, "mesh.clean", job()).cold


def test_every_stage_of_every_recipe_has_a_weight() -> None:
    assert {stage for kind in recipes.RECIPES for stage in recipes.stages(kind)} <= set(
        weights.WEIGHTS
    )


def test_the_weighted_median_lies_between_two_and_ignores_a_light_one() -> None:
    assert weighted_median([1.0, 3.0], [1.0, 1.0]) == 2.0
    assert weighted_median([1.0, 3.0], [1.0, 0.001]) == pytest.approx(1.0, abs=0.01)
    assert weighted_median([5.0], [0.3]) == 5.0


def photographed(number: int, photos: int, **more: Any) -> JobFile:
    rows = [Listed(path=f"IMG_{k}.jpg", size=50_000) for k in range(photos)]
    rows += [Listed(path="IMG_0_mask.png", size=900), Listed(path="poses.csv", size=900)]
    return job(number, "scan", **more).model_copy(update={"manifest": rows})


def test_a_scan_of_photographs_is_foreseen_by_their_number(atlas: Atlas) -> None:
    """Most of its time goes into cameras and depths, which a scan of points does not have; neither tells much of the other."""
    past = Past(atlas)
    stages = ("photos.find_cameras", "photos.densify", "scan.mesh", "finish.texture")
    few, many = (
        sum(guessed(past, stage, photographed(1, count)).seconds for stage in stages)
        for count in (10, 40)
    )
    assert 60 < many < 600 and many > 2 * few
    depths = guessed(past, "photos.densify", photographed(1, 40)).seconds
    assert depths > 0.25 * many
    assert guessed(past, "photos.densify", job(2, "scan")).seconds < 0.1
    past.learn(job(3, "scan", times={"scan.mesh": 90.0, "photos.densify": 0.02}))
    assert guessed(past, "photos.densify", photographed(4, 40)).cold
    past.learn(photographed(5, 20, times={"photos.densify": 80.0}))
    assert guessed(past, "photos.densify", photographed(6, 40)).seconds == pytest.approx(
        160, rel=0.2
    )
