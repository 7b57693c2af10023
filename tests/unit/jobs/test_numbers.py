"""A number is a number wherever one is asked for: true is not 1, and no length is infinite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import config, jobs
from pipeline.config.groups import Settings
from pipeline.drops import jobtoml
from pipeline.errors import InputRejected, SubmitRefused


def numbers_of(kind: str) -> list[str]:
    fields = jobs.OPTIONS[kind].model_fields
    return [
        name
        for name, field in fields.items()
        if any(word in str(field.annotation) for word in ("int", "float"))
    ]


@pytest.mark.parametrize("kind", jobs.OPTIONS)
@pytest.mark.parametrize("value", [True, False])
def test_no_number_of_any_kind_is_true_or_false(kind: str, value: bool) -> None:
    """marker_edge = true made a sheet of 1 mm, and holes = true closed every hole."""
    names = numbers_of(kind)
    assert {"seed", "faces", "texture_size"} <= set(names)
    for name in names:
        with pytest.raises(SubmitRefused) as refused:
            jobs.parse({"kind": kind, name: value})
        assert f"{name}: it must be a " in refused.value.message
        assert f"number (given: '{str(value).lower()}')" in refused.value.message


@pytest.mark.parametrize("text", ["30mm", "30 mm", "0,5 cm", "nan", "inf", "1e999", "", "0x10"])
def test_no_number_has_a_unit_or_none(text: str) -> None:
    for name in numbers_of("scan"):
        with pytest.raises(SubmitRefused, match=f"{name}: it must be a "):
            jobs.parse({"kind": "scan", name: text})


def test_what_may_be_true_or_false_still_may() -> None:
    assert jobs.parse({"kind": "scan", "texture": False, "urgent": True}).urgent
    assert jobs.parse({"kind": "prompt", "draw_sides": True}).kind == "prompt"


def test_a_size_in_a_list_of_files_and_a_setting_are_numbers_too(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="size: it must be a whole number"):
        jobtoml.parse(b'[[files]]\npath = "a.ply"\nsize = true\n')
    for value in ("true", "nan", "inf"):
        settings = tmp_path / "inbox3d.toml"
        settings.write_text(f"[intake]\nquiet_local = {value}\n")
        with pytest.raises(Exception, match="quiet_local"):
            config.load(settings, {})
    assert Settings().intake.quiet_local == 5


@pytest.mark.parametrize("edge", [0, -1, 0.03, 1e300])
def test_the_edge_of_a_marker_is_in_millimetres(edge: Any) -> None:
    """Three hundredths are metres, and would make a model of a thousandth of its size."""
    with pytest.raises(SubmitRefused, match="marker_edge: it must be"):
        jobs.parse({"kind": "scan", "marker_edge": edge})


@pytest.mark.parametrize("name", ["up", "front"])
def test_all_axes_are_named_where_one_is_wrong(name: str) -> None:
    with pytest.raises(SubmitRefused, match=rf"^{name}: it must be 'auto', 'x', .* or '-z'"):
        jobs.parse({"kind": "scan", name: "up"})
