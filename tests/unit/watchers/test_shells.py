"""A job's folder that comes back to inbox/ without a job.json to go by is a job still; one that stands in done/ unfinished is named."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from layout import accept, lifecycle, tree
from layout.accept import AcceptedRequest
from layout.manifest import ErrorFile, JobFile, read_job, write_job
from layout.promote import promote
from layout.tree import Atlas, Place, State
from pipeline import config
from pipeline.cli import look
from pipeline.drops.kind import Identified
from pipeline.drops.listing import look as seen
from pipeline.drops.request import TAKEN_OUT
from pipeline.runner import due, input_copy, input_list
from pipeline.watchers import shells, taking
from pipeline.watchers.intake import Intake
from pipeline.watchers.shells import MENDED
from tests.support.hostile import immutable
from tests.support.trees import new_tree
from tests.unit.layout.test_attention import QUICK, rounds, said
from tests.unit.watchers.test_status import STL
from webapi.index import rows as rows_of

ERROR = ErrorFile(
    error="StageFailed", who="pipeline", message="It did not work.", remedy="Try again.", n=1
)
DAMAGES = {
    "missing": None,
    "torn": b'{"id": "vase-0',
    "empty": b"",
    "another's": b'{"name": "my own"}',
}


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return new_tree(tmp_path / "atlas")


@pytest.fixture
def intake(atlas: Atlas) -> Iterator[Intake]:
    made = Intake(
        atlas,
        config.load(environ={f"INBOX3D_{key}": value for key, value in QUICK.items()}),
        "host-intake-0000",
        threading.Event(),
    )
    made.beat.beat()
    yield made
    made._hints.stop()
    made.beat.end()


def held(atlas: Atlas, name: str = "vase") -> Place:
    (atlas.inbox / name).mkdir()
    (atlas.inbox / name / "box.stl").write_text(STL)
    place = accept.accept(
        atlas,
        lifecycle.claim_drop(atlas, name, "finish"),
        AcceptedRequest("convert", {}, frozenset(), "quiet"),
    )
    place = lifecycle.start(atlas, place, "host-cpu-aaaa")
    lifecycle.record_start(atlas, place)
    (place.path / tree.LOG).write_text("log")
    return place


def done(atlas: Atlas) -> Place:
    place = held(atlas)
    made = atlas.root / "made"
    made.mkdir()
    (made / "model.stl").write_text(STL)
    promote(atlas, place, made, "output", "")
    return lifecycle.finish(atlas, place)


def failed(atlas: Atlas) -> Place:
    return lifecycle.fail(atlas, held(atlas), ERROR)


def harm(folder: Path, damage: bytes | None) -> None:
    (folder / tree.JOB).unlink() if damage is None else (folder / tree.JOB).write_bytes(damage)


def back(atlas: Atlas, intake: Intake, folder: Path, name: str) -> tuple[Place, JobFile]:
    folder.rename(atlas.inbox / name)
    rounds(intake, lambda: [place for place in atlas.places(State.CLAIMED) if not place.hidden])
    (place,) = atlas.places(State.CLAIMED)
    job = read_job(atlas.disk, place.path)
    assert job is not None
    return place, job


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("ended", [done, failed])
def test_an_ended_job_with_a_damaged_job_json_is_run_again_from_its_input_alone(
    atlas: Atlas, intake: Intake, ended: Callable[[Atlas], Place], damage: bytes | None
) -> None:
    """Its id stays, its result and what is left of job.json are set aside, and a note says it."""
    old = ended(atlas)
    harm(old.path, damage)
    place, job = back(atlas, intake, old.path, old.path.name)
    assert (place.id, job.kind, [row.path for row in job.manifest]) == (
        old.id,
        "convert",
        ["box.stl"],
    )
    assert MENDED in job.notes and place.n == 1
    assert not (place.path / tree.OUTPUT).exists() and not (place.path / tree.ERROR).exists()
    aside = {path.name for path in (place.path / tree.EARLIER / "1").iterdir()}
    assert aside >= {tree.OUTPUT if ended is done else tree.ERROR, tree.LOG} and (
        damage is None or tree.JOB in aside
    )


def test_the_number_of_starts_that_a_name_bears_is_not_used_again(
    atlas: Atlas, intake: Intake
) -> None:
    """A folder dragged out of processing/ under its working name, without job.json."""
    place = held(atlas)
    harm(place.path, None)
    (place.path / tree.WORK).mkdir()
    (place.path / tree.WORK / "old.stl").write_text(STL)
    name = f"{place.id}@host-cpu-aaaa.7"
    again, job = back(atlas, intake, place.path, name)
    assert (again.id, again.n, [row.path for row in job.manifest]) == (place.id, 7, ["box.stl"])


def test_a_result_under_a_name_of_the_persons_own_is_a_job_still(
    atlas: Atlas, intake: Intake
) -> None:
    """Its checksums tell whose it is; where that id stands elsewhere the folder is a copy and gets a new one."""
    old = done(atlas)
    harm(old.path, None)
    (atlas.failed / old.id).mkdir()
    place, job = back(atlas, intake, old.path, "once more")
    assert place.id != old.id and job.copy_of == old.id
    assert [row.path for row in job.manifest] == ["box.stl"]


def test_a_job_toml_beside_counts_for_a_job_without_job_json(atlas: Atlas, intake: Intake) -> None:
    old = failed(atlas)
    harm(old.path, b"")
    (old.path / "job.toml").write_text('quality_tier = "high"\n')
    _, job = back(atlas, intake, old.path, old.id)
    assert (job.kind, job.options["quality_tier"]) == ("convert", "high")


def test_a_refused_one_is_not_wrapped_in_another_input(atlas: Atlas, intake: Intake) -> None:
    """The person finds the scans in input/, as before."""
    old = failed(atlas)
    harm(old.path, None)
    (old.path / tree.INPUT / "vase" / "box.stl").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 99)
    old.path.rename(atlas.inbox / old.id)
    rounds(intake, lambda: atlas.places(State.FAILED))
    (refused,) = atlas.places(State.FAILED)
    assert refused.id == old.id and (refused.path / tree.INPUT / "vase" / "box.stl").is_file()


def test_a_result_whose_input_was_taken_away_is_never_read_as_a_scan(
    atlas: Atlas, intake: Intake
) -> None:
    old = done(atlas)
    harm(old.path, None)
    (old.path / tree.INPUT / "vase" / "box.stl").unlink()
    (old.path / tree.INPUT / "vase").rmdir()
    (old.path / tree.INPUT).rmdir()
    old.path.rename(atlas.inbox / old.id)
    rounds(intake, lambda: "input/ is empty or gone" in said(atlas))
    assert (
        not atlas.places(State.CLAIMED)
        and (atlas.inbox / old.id / tree.OUTPUT / "model.stl").is_file()
    )


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("vase", ["input/a.ply", "input/b.ply"]),
        ("vase", ["input/a.ply", "output/b.ply"]),
        ("vase", ["input/a.ply", "reference/b.ply", "log.txt"]),
        ("vase", ["input/a.ply", "b.ply", "error.txt"]),
        ("vase", ["output/a.ply", "work/b.ply", "earlier/c.ply"]),
        ("vase-2026113012", ["a.ply", "b.ply"]),
        ("vase-2026113012", ["input/a.ply", "b.ply"]),
    ],
)
def test_a_persons_own_folder_stays_a_plain_drop(
    tmp_path: Path, name: str, files: list[str]
) -> None:
    """Whatever its folders are called."""
    for file in files:
        (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name / file).write_text(STL)
    assert not seen(tmp_path / name).is_job


def test_an_unfinished_job_in_done_is_named_and_no_result(atlas: Atlas, intake: Intake) -> None:
    """Dragged there while it ran or after it failed; a finished one is not named, and back in inbox/ the first one runs."""
    finished, place = done(atlas), held(atlas, "mug")
    lost = atlas.done / place.path.name
    place.path.rename(lost)
    rounds(intake, lambda: f"done/{lost.name}: it is not finished" in said(atlas))
    assert f"done/{finished.id}" not in said(atlas) and "drag the folder to inbox/" in said(atlas)
    shown = CliRunner().invoke(look.jobs, ["--atlas", str(atlas.root)]).output.splitlines()
    assert [line.endswith("nobody works on it here") for line in shown] == [
        place.id in line for line in shown
    ]
    again, _ = back(atlas, intake, lost, lost.name)
    assert again.id == place.id
    rounds(intake, lambda: not intake.attention.lines())


def test_a_failed_job_in_done_is_named_too(atlas: Atlas, intake: Intake) -> None:
    place = failed(atlas)
    place.path.rename(atlas.done / place.id)
    rounds(intake, lambda: f"done/{place.id}: it is not finished" in said(atlas))


def test_the_web_layer_does_not_call_an_unfinished_job_in_done_completed(atlas: Atlas) -> None:
    """It failed, with the remedy; one that has its result is completed."""
    finished = done(atlas)
    place = failed(atlas)
    place.path.rename(atlas.done / place.id)
    rows = {found.id: rows_of.read(atlas, found) or {} for found in atlas.places(State.DONE)}
    assert (rows[finished.id]["state"], rows[finished.id]["message"]) == ("completed", "done")
    assert rows[place.id]["state"] == "failed"
    assert rows[place.id]["remedy"] == "Run it again, or delete it."


# -- copies and other hands on job.toml --------------------------------------------------------
def waiting(atlas: Atlas, toml: str | None = None) -> Place:
    (atlas.inbox / "vase").mkdir()
    (atlas.inbox / "vase" / "box.stl").write_text(STL)
    if toml is not None:
        (atlas.inbox / "vase" / "job.toml").write_text(toml)
    return atlas.at_inbox("vase")


@pytest.mark.parametrize("ended", [done, failed, held])
def test_a_copy_of_a_job_that_is_dragged_into_claimed_becomes_a_job_of_its_own(
    atlas: Atlas, intake: Intake, ended: Callable[[Atlas], Place]
) -> None:
    """Two folders of one id would give two results of one job."""
    old = ended(atlas)
    shutil.copytree(old.path, atlas.claimed / f"{old.id}@finish.1")
    rounds(intake, lambda: any(place.id != old.id for place in atlas.places(State.CLAIMED)))
    rounds(intake, lambda: not any(place.hidden for place in atlas.places(State.CLAIMED)))
    (place,) = [place for place in atlas.places(State.CLAIMED) if place.id != old.id]
    job = read_job(atlas.disk, place.path)
    assert job is not None and (job.id, job.copy_of, job.starts) == (place.id, old.id, [])
    assert place.id != old.id and place.n == 0 and not (place.path / tree.OUTPUT).exists()
    assert lifecycle.find(atlas, old.id) is not None


def test_a_worker_that_starts_a_copy_first_gives_it_back_under_an_id_of_its_own(
    atlas: Atlas,
) -> None:
    """Even where the copy holds a whole result: it is never taken for that of this start."""
    old = done(atlas)
    shutil.copytree(old.path, atlas.claimed / f"{old.id}@finish.0")
    (copy,) = atlas.places(State.CLAIMED)
    copy = lifecycle.start(atlas, copy, "host-cpu-aaaa")
    verdict, job = due.verdict(atlas, copy, 3, ended=False)
    assert verdict is lifecycle.Due.ANEW
    shell = due.settle(atlas, copy, verdict, job)
    assert shell.hidden and shell.id != old.id and not atlas.places(State.PROCESSING)


def test_the_only_folder_left_of_a_job_keeps_its_id_though_it_is_a_copy(atlas: Atlas) -> None:
    """Of a tree that was copied to a new disk, say."""
    old = held(atlas)
    aside = atlas.root / "aside"
    old.path.rename(aside)
    shutil.copytree(aside, old.path)
    assert due.verdict(atlas, old, 3, ended=False)[0] is lifecycle.Due.RELEASE


@pytest.mark.parametrize("when", ["waiting", "failed"])
def test_options_of_a_job_toml_that_was_taken_out_no_longer_count(
    atlas: Atlas, intake: Intake, when: str
) -> None:
    """What counts is what lies there; the job says so."""
    waiting(atlas, 'quality_tier = "high"\n')
    rounds(intake, lambda: [place for place in atlas.places(State.CLAIMED) if not place.hidden])
    (place,) = atlas.places(State.CLAIMED)
    job = read_job(atlas.disk, place.path)
    assert job is not None and job.options["quality_tier"] == "high"
    (place.path / "input/vase/job.toml").unlink()
    place = lifecycle.start(atlas, place, "host-cpu-aaaa")
    if when == "failed":
        lifecycle.fail(atlas, place, ERROR).path.rename(atlas.inbox / place.id)
    else:
        job = lifecycle.record_start(atlas, place)
        seen, sums = input_copy.copy(atlas.disk, place, atlas.root / "scratch")
        assert input_list.enlist(job, seen, sums)
        write_job(atlas.disk, place.path, job)
        lifecycle.accept_anew(atlas, place)
    rounds(intake, lambda: [place for place in atlas.places(State.CLAIMED) if not place.hidden])
    (place,) = atlas.places(State.CLAIMED)
    job = read_job(atlas.disk, place.path)
    assert job is not None and job.options["quality_tier"] != "high" and TAKEN_OUT in job.notes


def test_a_job_toml_that_changes_while_it_is_read_is_read_again(
    atlas: Atlas, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """job.json lists it as it was read, so that the start that copies the other one notices."""
    folder = waiting(atlas, 'quality_tier = "high"\n').path
    real = taking.identify

    def edited(*asked: Any, **more: Any) -> Identified:
        found = real(*asked, **more)
        (folder / "job.toml").write_text('quality_tier = "fast"\n')
        return found

    monkeypatch.setattr(taking, "identify", edited)
    rounds(intake, lambda: [place for place in atlas.places(State.CLAIMED) if not place.hidden])
    (place,) = atlas.places(State.CLAIMED)
    place = lifecycle.start(atlas, place, "host-cpu-aaaa")
    job = lifecycle.record_start(atlas, place)
    assert job.options["quality_tier"] == "high"
    seen, sums = input_copy.copy(atlas.disk, place, atlas.root / "scratch")
    assert input_list.enlist(job, seen, sums)


@pytest.mark.parametrize("put", [os.mkfifo, lambda path: path.symlink_to("/etc/hostname")])
def test_a_job_toml_that_is_no_file_is_refused_and_holds_up_nobody(
    atlas: Atlas, intake: Intake, put: Callable[[Path], object]
) -> None:
    """A pipe of that name would be waited for by every intake, for ever."""
    put(waiting(atlas).path / "job.toml")
    rounds(intake, lambda: atlas.places(State.FAILED))
    (place,) = atlas.places(State.FAILED)
    assert "job.toml is a" in (place.path / tree.ERROR_TEXT).read_text()


def test_a_trash_that_may_not_be_written_holds_up_no_result(atlas: Atlas) -> None:
    """What earlier legs made is kept in the job's own earlier/ instead."""
    place = held(atlas)
    (place.path / tree.WORK / "prepare").mkdir(parents=True)
    (atlas.root / "made").mkdir()
    (atlas.root / "made/model.stl").write_text(STL)
    with immutable(atlas.trash):
        promote(atlas, place, atlas.root / "made", "output", "")
        finished = lifecycle.finish(atlas, place)
    assert finished.state is State.DONE
    assert (finished.path / tree.EARLIER / "1" / tree.WORK / "prepare").is_dir()
    assert not (finished.path / tree.WORK).exists()


def test_a_trash_that_may_not_be_written_is_named(
    atlas: Atlas, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody wants to delete something, and until it is mended."""
    closed = True
    monkeypatch.setattr(
        "layout.rights._may", lambda path, how: not (closed and path == atlas.trash)
    )
    intake.reaper.round()
    assert any(
        line.startswith(".pipeline/trash: ") and "nothing can be deleted" in line
        for line in intake.attention.lines()
    )
    closed = False
    intake.reaper.round()
    assert intake.attention.lines() == ()


def test_a_job_json_that_another_intake_has_just_written_stays(
    atlas: Atlas, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both complete one shell; the slower one took it for a damaged one's rest and moved it away,
    and the job waited for a worker without any."""
    (atlas.inbox / "vase").mkdir()
    (atlas.inbox / "vase/part.stl").write_text(STL)
    shell = lifecycle.claim_drop(atlas, "vase", "finish")
    real, stands = shells.facts_anew, []

    def meanwhile(*args: Any) -> AcceptedRequest:
        facts = real(*args)
        write_job(atlas.disk, shell.path, accept.job_of(atlas, shell, facts))
        return facts

    monkeypatch.setattr(shells, "facts_anew", meanwhile)
    monkeypatch.setattr(
        shells.accept, "accept", lambda *_: stands.append(read_job(atlas.disk, shell.path))
    )
    intake.shells.complete(shell)
    assert [job and job.id for job in stands] == [shell.id]
