"""A request that is wrong is refused in a person's words, naming the key."""

from __future__ import annotations

import datetime
import re
from typing import Any

import pytest

from pipeline import jobs
from pipeline.errors import SubmitRefused
from pipeline.jobs import ConvertOptions, ImagesOptions, PromptOptions, ScanOptions
from tools.jobs_page import jobs_page


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            {"kind": "teapot"},
            "kind: there is no kind 'teapot'; use scan, images, prompt or convert",
        ),
        ({"kind": 5}, "kind: there is no kind '5'; use scan, images, prompt or convert"),
        ({"unit": "mm"}, "kind: it is missing; use scan, images, prompt or convert"),
    ],
)
def test_a_wrong_kind_is_answered_with_the_right_ones(request_: dict[str, Any], words: str) -> None:
    with pytest.raises(SubmitRefused) as refused:
        jobs.parse(request_)
    assert refused.value.message == words


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_length_is_a_number(number: float) -> None:
    """An edge of infinity would have made an infinite model."""
    with pytest.raises(
        SubmitRefused, match="marker_edge: it must be a number, not infinite or nan"
    ):
        jobs.parse({"kind": "scan", "marker_edge": number})


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://host/", "https://", "host/path", "http://[::1"]
)
def test_a_webhook_url_is_a_web_address(url: str) -> None:
    with pytest.raises(SubmitRefused, match="webhook_url: it is no http or https address"):
        jobs.parse({"kind": "scan", "webhook_url": url})
    assert (
        jobs.parse({"kind": "scan", "webhook_url": "https://host/path"}).webhook_url
        == "https://host/path"
    )


def test_the_page_of_options_names_no_python_and_tells_of_listed_files() -> None:
    """What has no default says none; [[files]] stands there with its keys."""
    page = jobs_page()
    assert "| `kind` | text | none |" in page
    assert "Pydantic" not in page
    assert all(words in page for words in ("[[files]]", "`path`", "`size`", "`sha256`"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"kind": "scan", "seed": "x"}, "seed: it must be a whole number (given: 'x')"),
        ({"kind": "scan", "seed": 1.5}, "seed: it must be a whole number (given: 1.5)"),
        ({"kind": "scan", "holes": "wide"}, "holes: it must be a number (given: 'wide')"),
        (
            {"kind": "scan", "texture": "maybe"},
            "texture: it must be true or false (given: 'maybe')",
        ),
        ({"kind": "prompt", "prompt": 5}, "prompt: it must be text (given: 5)"),
        ({"kind": "scan", "output_format": []}, "output_format: it is empty (given: ())"),
        (
            {"kind": "scan", "faces": 3},
            "faces: it must be 100 or more (given: 3)",
        ),
        (
            {"kind": "scan", "camera": "500,500"},
            "camera: this option is gone: write fx, fy, cx and cy into a file intrinsics.json beside the frames",
        ),
        (
            {"kind": "images", "backend": "Tripo SR"},
            "backend: it must be a name of small letters, digits and hyphens (given: 'Tripo SR')",
        ),
        (
            {"kind": "prompt", "backend": "A"},
            "backend: it must be a name of small letters, digits and hyphens (given: 'A')",
        ),
        ({"kind": "images", "backend": ""}, "backend: it is empty (given: '')"),
        (
            {"kind": "images", "image_urls": "http://a/b"},
            "image_urls: it must be a list (given: 'http://a/b')",
        ),
        ({"kind": "scan", "skip": 5}, "skip: it must be a list (given: 5)"),
        ({"kind": "scan", "colour": "red"}, "colour: there is no such option"),
    ],
)
def test_a_wrong_option_is_told_in_plain_words(said: dict[str, Any], words: str) -> None:
    """Nobody has to know what checks them."""
    with pytest.raises(SubmitRefused) as refused:
        jobs.parse(said)
    assert refused.value.message == words


def test_no_wrong_value_of_any_option_is_answered_in_the_words_of_what_checks_it() -> None:
    """Whatever is written into whichever option of whichever kind."""
    values: list[Any] = [None, "", "x y!", -1, 1e99, 10**30, float("inf"), [], {}, [1], [{}]]
    values += [["x"] * 99, "9" * 5000, "x" * 5000, True, 3.5, "nan"]
    found: set[str] = set()
    for model in (ScanOptions, ConvertOptions, ImagesOptions, PromptOptions):
        for key in set(model.model_fields) - {"kind"}:
            for value in values:
                try:
                    jobs.parse({"kind": model.model_fields["kind"].default, key: value})
                except SubmitRefused as refused:
                    found.add(refused.message)
    assert len(found) > 100
    raw = re.compile(r"[Ii]nput|should|pattern|[Ss]tring|[Tt]uple|[Pp]arse|validat|instance")
    assert [words for words in found if raw.search(words.partition(" (given:")[0])] == []


def test_a_list_that_is_too_long_says_how_many_it_may_hold() -> None:
    with pytest.raises(SubmitRefused, match="image_urls: it holds more than 16 "):
        jobs.parse({"kind": "images", "image_urls": ["http://a/b.png"] * 17})


def test_a_line_end_counts_once_in_a_prompt() -> None:
    """Windows writes two characters for it."""
    text = "\r\n".join(["x" * 19] * 100)
    assert len(jobs.parse({"kind": "prompt", "prompt": text}).prompt) == 1999


@pytest.mark.parametrize(
    "said",
    ["outliers", "outliers,clean", "outliers, clean", ["outliers", "clean"], ("outliers",), ""],
)
def test_what_is_skipped_is_one_word_or_several(said: Any) -> None:
    """In one line or as a list, as output_format."""
    expected = () if said == "" else ("outliers", "clean") if "clean" in said else ("outliers",)
    assert jobs.parse({"kind": "scan", "skip": said}).skip == expected


def test_a_job_of_an_earlier_version_with_an_unset_camera_is_understood() -> None:
    assert jobs.parse({"kind": "scan", "camera": None}).kind == "scan"


def test_a_date_in_job_toml_is_shown_as_it_was_written() -> None:
    with pytest.raises(SubmitRefused) as refused:
        jobs.parse({"kind": "scan", "quality_tier": datetime.date(2026, 1, 31)})
    assert "(given: 2026-01-31)" in refused.value.message
