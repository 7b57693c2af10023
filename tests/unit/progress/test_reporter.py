"""progress.json as the worker writes it and as everybody reads it: one figure everywhere, also between legs, starts and versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layout import lifecycle
from layout.manifest import Accepted, ErrorFile, JobFile, Listed, Provenance, Source, Start
from layout.signs import Progress
from layout.tree import Atlas, Place, State
from pipeline import jobs, recipes
from pipeline.progress import COPY, reporter, words
from pipeline.progress.past import Past
from pipeline.progress.reporter import Reporter
from pipeline.submission import job_view
from tests.support.trees import new_tree
from webapi.index import rows

AT = "2026-11-20T12:00:00+00:00"


@pytest.fixture
def atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Atlas:
    monkeypatch.setattr(reporter, "INTERVAL", 0.0)
    return new_tree(tmp_path / "atlas")


def running(
    atlas: Atlas, kind: str = "prompt", n: int = 1, starts: tuple[Start, ...] = ()
) -> tuple[Place, JobFile]:
    """A job of KIND that a worker has just started for the N-th time."""
    place = atlas.at_processing("vase-0000000000", "host-cpu-aaaa", n)
    (place.path / "input").mkdir(parents=True)
    (place.path / "input" / "prompt.txt").write_text("a vase")
    job = JobFile(
        id=place.id, kind=kind, options=jobs.options_of(jobs.parse({"kind": kind})), source=Source(name="vase", origin="cli", at=AT),
        manifest=[Listed(path="prompt.txt", size=6)], accepted=Accepted(at=AT, n=0), starts=[*starts, Start(n=n, worker="host-cpu-aaaa", at=AT)],
    )  # fmt: skip
    (place.path / "job.json").write_bytes(job.dump())
    return place, job


def written(place: Place) -> Progress:
    return Progress.load((place.path / "progress.json").read_bytes())


def test_the_same_figure_stands_in_both_files_the_terminal_the_status_and_the_api(
    atlas: Atlas,
) -> None:
    place, job = running(atlas)
    told = Reporter(atlas, place, job, Past(atlas))
    told.at(COPY, 0.0, "copying")
    told.at("views.generate_views", 0.1, "generating 4 views")
    told.tick()
    progress, row = written(place), rows.read(atlas, place)
    assert row is not None
    line = (place.path / "PROGRESS.txt").read_text().strip()
    assert line == words.line(progress)
    assert (
        f"{words.percent(progress.fraction)}%" in line and "first estimate" in line and "±" in line
    )
    answer = rows.summary(row)
    assert (answer["progress"], answer["eta"], answer["eta_error"]) == (
        progress.fraction,
        progress.eta,
        progress.eta_error,
    )
    assert answer["left"] in line
    assert job_view.progress_of(atlas, place) == progress


def test_a_job_that_a_worker_knows_the_like_of_is_no_first_estimate(atlas: Atlas) -> None:
    place, job = running(atlas)
    past = Past(atlas)
    times = dict.fromkeys(recipes.stages("prompt"), 2.0)
    past.learn(
        job.model_copy(update={"id": "bowl-0000000000", "provenance": Provenance(times=times)})
    )
    told = Reporter(atlas, place, job, past)
    told.tick()
    assert not written(place).cold
    assert written(place).eta == pytest.approx(2.0 * len(times), rel=0.15)


def test_between_two_legs_the_share_stays_and_the_job_says_what_it_waits_for(atlas: Atlas) -> None:
    """In claimed/, on the page and in STATUS.txt; the next worker goes on from there, and says nothing of a repetition."""
    place, job = running(atlas)
    told = Reporter(atlas, place, job, Past(atlas))
    told.at("views.generate_views", 0.0, "")
    told.keep(["views.generate_views"])
    told.hand_on("mesh")
    share = written(place).fraction
    waiting = lifecycle.hand_on(atlas, place, "mesh")
    row = rows.read(atlas, waiting)
    assert row is not None
    assert (row["progress"], row["message"], row["state"]) == (
        share,
        "waits for a worker of queue mesh",
        "reconstructing_3d",
    )
    assert share > 0.1 and row["eta"] > 0
    held = lifecycle.start(atlas, waiting, "other-cuda0-bbbb")
    between = job_view.progress_of(atlas, held)
    assert between is not None and between.fraction == share
    second = Reporter(atlas, held, lifecycle.record_start(atlas, held), Past(atlas))
    second.keep(["views.generate_views"])
    second.at("views.normalize_views", 0.0, "cutting out")
    second.tick()
    assert written(held).fraction >= share
    assert written(held).message == "cutting out"


@pytest.mark.parametrize(
    "kept, said",
    [
        ((), "start 2, the views leg is done again"),
        (("views.generate_views",), "start 2, the mesh leg is done again"),
        (
            ("views.generate_views", "views.normalize_views"),
            "start 2, goes on with mesh.reconstruct",
        ),
    ],
)
def test_a_start_after_one_that_did_not_hand_on_says_what_it_repeats(
    atlas: Atlas, kept: tuple[str, ...], said: str
) -> None:
    """Only there may the share be lower than before. Kept stages count as done at once."""
    place, job = running(atlas, n=2, starts=(Start(n=1, worker="host-cpu-bbbb", at=AT),))
    (place.path / "progress.json").write_bytes(
        Progress(stage="finish.export", fraction=0.89, message="writing", eta=8.0, n=1).dump()
    )
    assert (
        job_view.progress_of(atlas, place) is None
    )  # the dead start's word is none about this one
    told = Reporter(atlas, place, job, Past(atlas))
    told.tick()
    assert written(place).message == "start 2"
    assert written(place).fraction < 0.1
    told.keep(kept)
    told.at(recipes.stages("prompt")[len(kept)], 0.0, "some words")
    told.tick()
    assert written(place).message == f"{said}: some words"
    assert bool(kept) == (written(place).fraction > 0.1)


def test_a_retry_is_a_run_of_its_own_and_no_second_start(atlas: Atlas) -> None:
    place, job = running(
        atlas,
        n=3,
        starts=(
            Start(n=1, worker="host-cpu-bbbb", at=AT),
            Start(n=2, worker="host-cpu-cccc", at=AT),
        ),
    )
    told = Reporter(
        atlas, place, job.model_copy(update={"accepted": Accepted(at=AT, n=2)}), Past(atlas)
    )
    told.at("views.generate_views", 0.0, "words")
    told.tick()
    assert written(place).message == "words"


def test_what_a_dead_worker_left_says_nothing_once_the_job_waits_again(atlas: Atlas) -> None:
    """A reaper gave it back: neither its old share nor its old end are true."""
    place, job = running(atlas)
    told = Reporter(atlas, place, job, Past(atlas))
    told.at("mesh.reconstruct", 0.5, "")
    told.tick()
    waiting = lifecycle.release(atlas, place, "views", None)
    row = rows.read(atlas, waiting)
    assert row is not None
    assert (row["progress"], row["eta"], row["message"]) == (
        0.0,
        None,
        "waits for a worker of queue views",
    )


@pytest.mark.parametrize("edge", ["finish", "fail", "release", "cancel"])
def test_no_edge_leaves_the_progress_of_a_start_that_is_over_for_people_to_read(
    atlas: Atlas, edge: str
) -> None:
    """Whoever takes the edge: a reaper finds what a dead worker wrote last, and a person drags it away with the folder."""
    place, job = running(atlas)
    Reporter(atlas, place, job, Past(atlas)).tick()
    assert (place.path / "PROGRESS.txt").exists()
    error = ErrorFile(error="NoOverlap", who="submitter", message="m", remedy="r")
    after = {
        "finish": lambda: lifecycle.finish(atlas, place),
        "fail": lambda: lifecycle.fail(atlas, place, error),
        "release": lambda: lifecycle.release(atlas, place, "views", None),
        "cancel": lambda: lifecycle.tidy(atlas, lifecycle.cancel(atlas, place)),
    }[edge]()
    assert after is not None
    assert not {"progress.json", "PROGRESS.txt"} & {path.name for path in after.path.iterdir()}


def test_progress_of_other_versions_is_read(atlas: Atlas) -> None:
    """An older worker writes fewer fields, a newer one more; neither is a crash nor an empty page."""
    place, _ = running(atlas)
    old = {
        "format": 1,
        "stage": "mesh.reconstruct",
        "fraction": 0.4,
        "message": "carving",
        "eta": 9.0,
    }
    for found in (old, old | {"confidence": "high", "n": 1}):
        (place.path / "progress.json").write_text(json.dumps(found))
        row = rows.read(atlas, place)
        assert row is not None
        assert (row["progress"], row["eta"], row["message"]) == (0.4, 9.0, "carving")
        assert job_view.progress_of(atlas, place) is not None
        assert rows.summary(row)["left"] == "about 9 s left"


def test_an_unknown_kind_and_an_unknown_stage_are_told_too(atlas: Atlas) -> None:
    """A plug-in's recipe on one host, a reader without it on another."""
    place, job = running(atlas)
    told = Reporter(atlas, place, job.model_copy(update={"kind": "hologram"}), Past(atlas))
    told.at("holo.project", 0.5, "projecting")
    told.tick()
    assert 0 <= written(place).fraction < 1
    assert words.line(written(place))


@pytest.mark.parametrize(
    "eta, error, cold, said",
    [
        (None, None, False, ""),
        (0.2, 1.0, False, "about 1 s left (±1 s)"),
        (48.7, 14.6, False, "about 50 s left (±15 s)"),
        (48.7, 29.0, True, "about 50 s left (±30 s, first estimate)"),
        (30.0, None, False, "about 30 s left"),
        (600.0, 95.0, False, "about 10 min left (±2 min)"),
        (9000.0, 5400.0, True, "about 2.5 h left (±1.5 h, first estimate)"),
    ],
)
def test_time_left_in_words(eta: float | None, error: float | None, cold: bool, said: str) -> None:
    assert words.left(eta, error, cold) == said


def test_a_running_job_never_says_100_per_cent() -> None:
    assert [words.percent(share) for share in (0.0, 0.29, 0.575, 0.999, 1.0)] == [
        0,
        29,
        57,
        99,
        100,
    ]


def test_states_at_rest_have_no_progress(atlas: Atlas) -> None:
    place, _ = running(atlas)
    (place.path / "progress.json").write_bytes(Progress(stage="x", fraction=0.5, message="").dump())
    assert job_view.progress_of(atlas, place._replace(state=State.DONE)) is None
