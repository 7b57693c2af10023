"""What a job's folder asks for: its job.json, and what a person adds to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout import dropped
from layout.init import init
from layout.manifest import write_job
from pipeline.drops.request import ASTRAY, facts_of_job
from pipeline.errors import InputRejected
from pipeline.submission import job_view
from pipeline.submission.submit import submit_path
from tests.support.drops import stl_file


@pytest.mark.parametrize("name", ["job.toml", "Job.TOML", "job.toml.txt"])
def test_a_job_toml_beside_error_txt_outranks_job_json(tmp_path: Path, name: str) -> None:
    """Under every spelling; what is wrong with it is told under the person's own."""
    atlas, _ = init(tmp_path / "atlas")
    place = submit_path(atlas, stl_file(tmp_path / "part.stl"), {"kind": "convert"})
    job = job_view.job_at(atlas, place)
    assert job is not None
    assert facts_of_job(atlas, place.path, job, "sealed").options["unit"] == "auto"
    (place.path / name).write_text('unit = "mm"')
    facts = facts_of_job(atlas, place.path, job, "sealed")
    assert (facts.kind, facts.options["unit"], facts.used) == ("convert", "mm", {"part.stl"})
    (place.path / name).write_text('unit = "')
    with pytest.raises(InputRejected, match=f"{name}: it is not valid TOML"):
        facts_of_job(atlas, place.path, job, "sealed")


def test_what_lies_beside_input_instead_of_in_it_is_told_until_it_is_moved(tmp_path: Path) -> None:
    """A pass for the retry, put beside error.txt: not lost without a word, and read by nobody."""
    atlas, _ = init(tmp_path / "atlas")
    place = submit_path(atlas, stl_file(tmp_path / "part.stl"), {"kind": "convert"})
    stl_file(place.path / "more.stl", 1)
    (place.path / "pass 2").mkdir()
    for quiet in ("READY", "Thumbs.db", ".DS_Store", "error.txt", "log.txt"):
        (place.path / quiet).touch()
    for _ in range(2):
        job = job_view.job_at(atlas, place)
        assert job is not None
        facts = facts_of_job(atlas, place.path, job, "sealed")
        assert facts.notes == (f"{ASTRAY}: more.stl, pass 2",) and facts.used == {"part.stl"}
        write_job(atlas.disk, place.path, job.model_copy(update={"notes": list(facts.notes)}))
    (place.path / "more.stl").unlink()
    (place.path / "pass 2").rmdir()
    job = job_view.job_at(atlas, place)
    assert job is not None and job.notes
    assert facts_of_job(atlas, place.path, job, "sealed").notes == ()


@pytest.mark.parametrize("says", [True, False])
def test_a_text_that_was_sent_as_a_scan_is_asked_about_and_not_made(
    tmp_path: Path, says: bool
) -> None:
    """Whatever its name, unless a job.toml says that it is a prompt."""
    atlas, _ = init(tmp_path / "atlas")
    folder = tmp_path / "sent"
    folder.mkdir()
    (folder / "vase.txt").write_text("a vase")
    if says:
        (folder / "job.toml").write_text('kind = "prompt"')
    place = submit_path(atlas, folder, {}, origin="api")
    job = job_view.job_at(atlas, place)
    assert job is not None
    if says:
        assert facts_of_job(atlas, place.path, job, "sealed").kind == "prompt"
        return
    with pytest.raises(InputRejected, match="sent as a scan and holds only a text") as refused:
        facts_of_job(atlas, place.path, job, "sealed")
    assert "job.toml" in refused.value.remedy


def test_what_a_job_of_a_named_kind_does_not_use_is_noted(tmp_path: Path) -> None:
    atlas, _ = init(tmp_path / "atlas")
    folder = tmp_path / "part"
    folder.mkdir()
    stl_file(folder / "part.stl")
    (folder / "info.md").write_text("bought in May")
    place = submit_path(atlas, folder, {"kind": "convert"})
    job = job_view.job_at(atlas, place)
    assert job is not None
    assert facts_of_job(atlas, place.path, job, "sealed").notes == ("not used: info.md",)


@pytest.mark.parametrize("beside", [False, True])
def test_a_job_toml_that_came_after_the_look_is_listed_as_never_read(
    tmp_path: Path, beside: bool
) -> None:
    """Else no start would find that its options count; one beside error.txt outranks it."""
    atlas, _ = init(tmp_path / "atlas")
    place = submit_path(atlas, stl_file(tmp_path / "part.stl"), {"kind": "convert"})
    job = job_view.job_at(atlas, place)
    assert job is not None
    if beside:
        (place.path / "job.toml").write_text('unit = "mm"')
    facts = facts_of_job(atlas, place.path, job, "sealed")
    late = place.path / "input/job.toml"
    late.write_text('unit = "cm"')
    drop = dropped.look(atlas.disk, place.path / "input")
    rows = dropped.manifest(atlas.disk, drop, facts.used, job, facts.asked)
    (row,) = [row for row in rows if row.path == "job.toml"]
    assert row.sha256 == (atlas.disk.sha256(late) if beside else dropped.NEVER_READ)
