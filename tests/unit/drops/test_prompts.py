"""A text is a prompt, a request, or somebody's note, and a doubt is told with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import drop


@pytest.mark.parametrize("name", ["idea.txt", "idea.md", "idea.json"])
def test_a_lone_short_text_is_a_prompt(tmp_path: Path, name: str) -> None:
    """Its words become the option prompt, whatever the file is called."""
    found = drop(tmp_path, {name: "\ufeffa blue vase, Größe 3\n".encode()})
    assert (found.kind, found.used, found.options["prompt"]) == (
        "prompt",
        [name],
        "a blue vase, Größe 3",
    )


def test_a_request_may_come_as_json(tmp_path: Path) -> None:
    """request.json holds what an API body would; wrong keys are refused by name."""
    found = drop(
        tmp_path / "a",
        {
            "request.json": json.dumps(
                {"image_urls": ["https://example.org/a.png"], "seed": 3}
            ).encode()
        },
    )
    assert (found.kind, found.options["image_urls"], found.options["seed"]) == (
        "images",
        ["https://example.org/a.png"],
        3,
    )
    found = drop(
        tmp_path / "b",
        {"request.json": json.dumps({"prompt": "a cup", "quality_tier": "high"}).encode()},
    )
    assert (found.kind, found.options["prompt"], found.options["quality_tier"]) == (
        "prompt",
        "a cup",
        "high",
    )
    with pytest.raises(InputRejected, match=r"request\.json: colour: there is no such option"):
        drop(
            tmp_path / "c",
            {"request.json": json.dumps({"prompt": "a cup", "colour": "red"}).encode()},
        )


def test_a_text_that_asks_for_another_kind_is_refused(tmp_path: Path) -> None:
    """job.toml says prompt, the only text is a request for images: somebody must decide."""
    request = json.dumps({"image_urls": ["https://example.org/a.png"]}).encode()
    with pytest.raises(InputRejected, match="does not hold a short text"):
        drop(tmp_path, {"job.toml": b'kind = "prompt"', "request.json": request})


@pytest.mark.parametrize(
    "data", ["ein grüner Würfel".encode(form) for form in ("utf-8", "utf-8-sig", "utf-16")]
)
def test_a_prompt_is_read_as_editors_save_it(tmp_path: Path, data: bytes) -> None:
    assert drop(tmp_path, {"Prompt.TXT": data}).options["prompt"] == "ein grüner Würfel"


def test_line_ends_of_other_systems_count_once(tmp_path: Path) -> None:
    text = "\r\n".join(["x" * 19] * 100)
    assert len(drop(tmp_path, {"prompt.txt": text.encode()}).options["prompt"]) == 1999


@pytest.mark.parametrize(
    ("data", "words", "remedy"),
    [
        ("ein grüner Würfel".encode("latin-1"), "prompt.txt is not UTF-8 text", "Save it as UTF-8"),
        (b"  \n", "prompt.txt is empty", "Write into it what to make"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_told_so(
    tmp_path: Path, data: bytes, words: str, remedy: str
) -> None:
    with pytest.raises(InputRejected, match=words) as refused:
        drop(tmp_path, {"prompt.txt": data})
    assert refused.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    "name",
    ["Notes (1)", "notes - Copy", "my notes", "todo list", "ReadMeFirst", "README_2", "LICENSE-MIT", "credits", "leggimi",
     "Lisez-moi", "error", "log 2"],
)  # fmt: skip
def test_a_note_by_any_name_is_asked_about(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="may be a note"):
        drop(tmp_path, {f"{name}.txt": b"call mum"})


@pytest.mark.parametrize("name", ["prompt", "chair", "log cabin", "a note stand", "Untitled"])
def test_other_names_are_those_of_prompts(name: str, tmp_path: Path) -> None:
    assert drop(tmp_path, {f"{name}.txt": b"a red chair"}).kind == "prompt"


def test_a_prompt_that_is_too_long_is_told_by_its_length(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match=r"prompt\.txt is 3000 bytes long.* 2000 characters"):
        drop(tmp_path, {"prompt.txt": b"word " * 600})


def test_a_note_is_a_prompt_where_job_toml_says_so(tmp_path: Path) -> None:
    found = drop(tmp_path, {"notes.txt": b"a vase", "job.toml": b'kind = "prompt"'})
    assert (found.kind, found.options["prompt"]) == ("prompt", "a vase")
