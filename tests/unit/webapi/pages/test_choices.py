"""The page's forms: every option of the kind, and the operator's presets."""

from __future__ import annotations

import io
import re
from typing import Literal

import pytest
from flask.testing import FlaskClient
from pydantic import BaseModel

from layout.manifest import read_job
from layout.tree import Atlas, State
from pipeline.jobs import OPTIONS
from tests.support.web import PLY
from webapi.context import Web
from webapi.pages.choices import ELSEWHERE, choices

PRESETS = {"print": {"output_format": ["stl", "3mf"], "faces": 300_000}}


def asked(atlas: Atlas) -> dict[str, object]:
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert job is not None
    return dict(job.options)


def test_every_option_of_a_kind_is_a_field_of_the_form(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)
    for form, kinds in (("upload", ("scan", "convert", "images")), ("prompt", ("prompt",))):
        wanted = {name for kind in kinds for name in OPTIONS[kind].model_fields} - {*ELSEWHERE}
        assert set(re.findall(rf'id="{form}-(\w+)"', text)) == wanted


def test_limits_and_values_are_those_of_the_model() -> None:
    found = {one.name: one for one in choices("scan", "convert", "images")}
    assert found["faces"][3:6] == ("1", 100, 20_000_000)
    assert found["plane"].values == ("auto", "keep", "remove") and found["plane"].kinds == ("scan",)
    assert found["texture"].values == ("true", "false") and len(found["texture"].kinds) == 3
    assert found["skip"].many
    for name in ("up", "front"):  # auto, or one of the axes
        assert found[name].values == ("auto", "x", "y", "z", "-x", "-y", "-z")


def test_a_union_is_a_list_only_where_each_of_its_forms_is(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a number may be written too, a list of the words alone would hide it."""

    class Odd(BaseModel):
        side: Literal["auto"] | Literal["left", "right"] | None = None
        size: Literal["auto"] | int = "auto"

    monkeypatch.setitem(OPTIONS, "odd", Odd)
    side, size = choices("odd")
    assert (side.values, size.values) == (("auto", "left", "right"), ())
    text = client.get("/").get_data(as_text=True)
    for name in ("up", "front"):
        assert f'<select name="{name}" id="upload-{name}"' in text


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf" content="([^"]+)"', client.get("/").get_data(as_text=True))
    assert found
    return found[1]


def test_a_form_sends_what_was_chosen_and_leaves_the_rest_to_the_preset(
    client: FlaskClient, web: Web, atlas: Atlas
) -> None:
    web.settings = web.settings.model_copy(update={"presets": PRESETS})
    assert "<option>print</option>" in client.get("/").get_data(as_text=True)
    fields = {"csrf": token(client), "preset": "print", "output_format": "", "faces": "", "up": "z"}
    answer = client.post(
        "/do/upload",
        data={**fields, "kind": "convert", "files": (io.BytesIO(PLY), "part.ply")},
        content_type="multipart/form-data",
        headers={"Origin": "http://localhost"},
    )
    assert answer.status_code == 303, answer.get_data(as_text=True)
    options = asked(atlas)
    assert (options["output_format"], options["faces"]) == (["stl", "3mf"], 300_000)
    assert (options["up"], options["preset"]) == ("z", "print")


def test_the_api_takes_a_preset_by_its_name(client: FlaskClient, web: Web, atlas: Atlas) -> None:
    web.settings = web.settings.model_copy(update={"presets": PRESETS})
    body = {"prompt": "a cube", "preset": "print", "faces": 900}
    assert client.post("/3d/generate", json=body).status_code == 202
    options = asked(atlas)
    assert (options["output_format"], options["faces"]) == (["stl", "3mf"], 900)
    refused = client.post("/3d/generate", json={"prompt": "a cube", "preset": "web"})
    assert refused.status_code == 422
    assert refused.json["errors"][0]["field"] == "preset"
    assert "there are print" in refused.json["detail"]
