"""Options under the operator's names: checked when they are read, written out when a job is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from layout.init import init
from pipeline import config
from pipeline.config import SettingsRefused
from pipeline.drops.kind import identify
from pipeline.drops.request import facts_of_job
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.jobs.presets import expanded
from pipeline.submission import job_view
from pipeline.submission.preflight import completed
from pipeline.submission.submit import submit_path
from tests.support.drops import stl_file

PRINT = {"print": {"output_format": ["stl", "3mf"], "faces": 300_000}}


def test_what_a_job_says_itself_outranks_its_preset() -> None:
    assert expanded({"kind": "convert", "preset": "print", "faces": 500}, PRINT) == {
        "kind": "convert",
        "preset": "print",
        "faces": 500,
        "output_format": ["stl", "3mf"],
    }
    assert expanded({"kind": "convert"}, PRINT) == {"kind": "convert"}


@pytest.mark.parametrize(("presets", "words"), [(PRINT, "there are print"), ({}, "there are none")])
def test_a_preset_that_is_not_there_is_refused_with_those_that_are(
    presets: dict[str, dict[str, object]], words: str
) -> None:
    with pytest.raises(SubmitRefused, match=f"no preset 'web' here; {words}") as refused:
        expanded({"preset": "web"}, presets)
    assert ("Choose one" in refused.value.remedy) == bool(presets)


def test_settings_take_presets_from_the_file_on_atlas(tmp_path: Path) -> None:
    shared = tmp_path / "inbox3d.toml"
    shared.write_text('[presets.print]\noutput_format = ["stl", "3mf"]\nfaces = 300000\n')
    assert config.load(shared, {}).presets == PRINT


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[presets.print]\nformat = "stl"', "print: format: "),
        ('[presets.print]\nfaces = "many"', "print: faces: "),
        ('[presets.print]\nkind = "scan"\nbackend = "triposr"', "print: backend: "),
        ('[presets.print]\nprompt = "a cube"', "print: prompt belongs to one job"),
        ("[presets.Print]\nfaces = 1000", "Print: a preset's name is lower-case"),
    ],
)
def test_a_preset_that_makes_no_job_is_refused_when_it_is_read(
    tmp_path: Path, text: str, words: str
) -> None:
    shared = tmp_path / "inbox3d.toml"
    shared.write_text(text)
    with pytest.raises(SettingsRefused, match=words):
        config.load(shared, {})


def test_a_job_toml_chooses_a_preset(tmp_path: Path) -> None:
    """In a drop and beside error.txt; where there is none of that name it is refused under the file's name."""
    drop = tmp_path / "drop"
    drop.mkdir()
    stl_file(drop / "part.stl")
    (drop / "job.toml").write_text('preset = "print"\nfaces = 500\n')
    found = identify(drop, ["job.toml", "part.stl"], PRINT)
    assert (found.options["output_format"], found.options["faces"]) == (["stl", "3mf"], 500)
    assert found.options["preset"] == "print"
    with pytest.raises(InputRejected, match=r"job.toml: preset: there is no preset 'print' here"):
        identify(drop, ["job.toml", "part.stl"], {})
    atlas, _ = init(tmp_path / "atlas")
    place = submit_path(atlas, stl_file(tmp_path / "part.stl"), {"kind": "convert"})
    job = job_view.job_at(atlas, place)
    assert job is not None
    (place.path / "job.toml").write_text('preset = "print"')
    assert facts_of_job(atlas, place.path, job, "sealed", PRINT).options["faces"] == 300_000


def test_the_command_line_chooses_a_preset(tmp_path: Path) -> None:
    atlas, _ = init(tmp_path / "atlas")
    settings = config.load(None, {}).model_copy(update={"presets": PRINT})
    full = completed(atlas, settings, stl_file(tmp_path / "part.stl"), {"preset": "print"})
    assert full["output_format"] == ["stl", "3mf"]
