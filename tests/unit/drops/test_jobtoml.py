"""A job.toml outranks guessing, as every system spells and saves it, and what is wrong in it is named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.drops import jobtoml
from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import PNG, POINTS, drop, zipped


def test_job_toml_outranks_guessing(tmp_path: Path) -> None:
    """Kind and options are those of the API; everything else keeps its default."""
    toml = (
        b'\xef\xbb\xbfkind = "images"\r\nbackend = "triposr"\r\noutput_format = ["obj", "glb"]\r\n'
    )
    found = drop(tmp_path, {"job.toml": toml, "a.png": PNG, "b.png": PNG, "a.ply": POINTS})
    assert (found.kind, found.used, found.not_used) == ("images", ["a.png", "b.png"], ["a.ply"])
    assert (found.options["backend"], found.options["output_format"]) == ("triposr", ["obj", "glb"])


def test_options_without_a_kind_go_with_the_guessed_one(tmp_path: Path) -> None:
    """A person who only wants another format need not know our kinds."""
    found = drop(tmp_path, {"job.toml": b'unit = "mm"', "a.ply": POINTS})
    assert (found.kind, found.options["unit"]) == ("scan", "mm")
    with pytest.raises(InputRejected, match=r"job\.toml: unit: there is no such option"):
        drop(tmp_path / "images", {"job.toml": b'unit = "mm"', "a.png": PNG})


def test_a_prompt_may_stand_in_job_toml_alone(tmp_path: Path) -> None:
    """So may the addresses of images."""
    found = drop(tmp_path, {"job.toml": b'kind = "prompt"\nprompt = "a vase"'})
    assert (found.kind, found.options["prompt"], found.used) == ("prompt", "a vase", [])
    found = drop(
        tmp_path, {"job.toml": b'kind = "images"\nimage_urls = ["https://example.org/a.png"]'}
    )
    assert (found.kind, found.used) == ("images", [])


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            b'kind = "statue"',
            "job.toml: kind: there is no kind 'statue'; use scan, images, prompt or convert",
        ),
        (b"kind = 5", "job.toml: kind"),
        (b'kind = "scan"\ncolour = "red"', "job.toml: colour: there is no such option"),
        (b'kind = "scan"\nholes = 7', "job.toml: holes"),
        (b'[options]\nunit = "mm"', "job.toml: options: there is no such option"),
        (b"kind = [", "job.toml: it is not valid TOML"),
        (b"\xff\xfe\x00", "job.toml: it is not UTF-8 text"),
        ("kind = 'scan' # größer".encode("latin-1"), "job.toml: it is not UTF-8 text"),
        (b'[[files]]\npath = "a.ply"', "job.toml: files: entry 1 lacks size"),
        (b'[[files]]\npath = "a.ply"\nsize = -1', "job.toml: files: entry 1, size"),
        (
            b'[[files]]\npath = "a.ply"\nsize = 1\nsha256 = "beef"',
            "job.toml: files: entry 1, sha256",
        ),
        (
            b'[[files]]\npath = "a.ply"\nsize = 1\nmd5 = "x"',
            "job.toml: files: entry 1 has the key md5",
        ),
        (b"files = 3", "job.toml: files: it is no list of entries"),
        ("kind = “scan”".encode(), "it holds the quotation mark “ of a word processor"),
        (b"{\\rtf1\\ansi kind = 1}", "job.toml: it is a formatted document (RTF)"),
        (b'kind = "scan"\nkind = "convert"', "a key is given twice (at "),
        (b"a = " + b"[" * 100_000, "job.toml: it is not valid TOML"),
        (b"seed = " + b"9" * 5000, "job.toml: it is not valid TOML"),
        (b"# " + b"x" * jobtoml.LIMIT, "job.toml: it is larger than 256 KiB"),
        (b'kind = "convert"', "a.ply holds 3 points and no faces: a mesh needs faces"),
        (b'kind = "images"', "but the drop does not hold an image"),
        (b'kind = "scan"\nunit = "parsec"', "job.toml: unit"),
        (b'kind = "prompt"', "but the drop does not hold a short text"),
    ],
)
def test_a_wrong_job_toml_is_refused_by_name(tmp_path: Path, toml: bytes, words: str) -> None:
    """The person reads which key is wrong, and what to do."""
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path, {"job.toml": toml, "a.ply": POINTS})
    assert words in refused.value.message
    assert re.match("Correct|Export|Save", refused.value.remedy)


@pytest.mark.parametrize("name", ["Job.TOML", "job.toml.txt", "JOB.toml.TXT"])
@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("pack", [None, zipped])
def test_job_toml_counts_as_other_systems_spell_and_save_it(
    tmp_path: Path, name: str, form: str, pack: Any
) -> None:
    """Upper case, a second suffix that an editor adds unseen, a byte order mark."""
    files = {"a.ply": POINTS, name: 'kind = "scan"\r\nunit = "mm"\r\n'.encode(form)}
    found = drop(tmp_path, {"a.zip": pack(files)} if pack else files)
    assert (found.options["unit"], found.not_used) == ("mm", [])
    files[name] = b"colour = 1"
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path / "wrong", {"a.zip": pack(files)} if pack else files)
    assert refused.value.message.startswith(f"{name}: colour")
    assert f"Correct {name} in the drop" in refused.value.remedy


def test_two_of_job_toml_are_refused(tmp_path: Path) -> None:
    """One of them would be ignored without a word."""
    with pytest.raises(InputRejected, match=r"the drop has job\.toml and Job\.toml\.txt"):
        drop(tmp_path, {"a.ply": POINTS, "job.toml": b"", "Job.toml.txt": b'unit = "mm"'})


@given(st.binary(max_size=300))
def test_any_job_toml_is_read_or_refused(data: bytes) -> None:
    """No bytes make the reader fail otherwise."""
    try:
        jobtoml.parse(data)
    except InputRejected as refused:
        assert refused.message.startswith("job.toml: ")
