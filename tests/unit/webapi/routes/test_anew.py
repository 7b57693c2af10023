"""An ended job's files, once more: as they were, or with other options."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.web import FOREIGN, forge
from webapi.context import Web


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_other_options_make_a_new_job_of_the_same_files(
    client: FlaskClient, atlas: Atlas, state: State
) -> None:
    """What is named changes, null goes back to the default, the rest stays; the old job stands."""
    old = forge(atlas, state, name="vase", kind="scan", unit="mm", faces=5000, up="x", by="anna")
    body = {"up": "y", "faces": None, "output_format": "stl"}
    answer = client.post(f"/3d/jobs/{old.id}/again", json=body)
    assert answer.status_code == 202 and answer.json["retry_of"] == old.id, answer.json
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    said = [job.options[key] for key in ("up", "faces", "output_format", "unit")]
    assert said == ["y", None, ["stl"], "mm"]
    assert (job.id, job.retry_of) == (answer.json["job_id"], old.id)
    assert (job.source.name, job.source.by) == ("vase", "local")
    assert [row.path for row in job.manifest] == ["part.ply"] and old.path.is_dir()


def test_another_kind_begins_from_its_own_defaults(client: FlaskClient, atlas: Atlas) -> None:
    old = forge(atlas, State.DONE, kind="convert", unit="mm", repair=False)
    assert client.post(f"/3d/jobs/{old.id}/again", json={"kind": "scan"}).status_code == 202
    job = read_job(atlas.disk, atlas.places(State.INBOX)[0].path)
    assert (job.kind, job.options["unit"]) == ("scan", "auto") and "repair" not in job.options


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"up": "w"}, "up"),
        ({"faces": "many"}, "faces"),
        ({"faces": True}, "faces"),
        ({"align": "off"}, "align"),
        ({"kind": "cake"}, "cake"),
        ({"kind": 7}, "kind"),
        ({"kind": []}, "kind"),
        ({"prompt": "a jug"}, "input"),
        ({"preset": "print"}, "preset"),
        ({"webhook_url": "http://10.0.0.1/x"}, "webhook_url"),
        ([], "object"),
    ],
)
def test_what_is_no_option_of_the_kind_is_refused_by_name(
    client: FlaskClient, atlas: Atlas, body: Any, word: str
) -> None:
    old = forge(atlas, State.DONE, kind="convert")
    answer = client.post(f"/3d/jobs/{old.id}/again", json=body)
    assert answer.status_code == 422 and word in answer.json["detail"], answer.json
    assert not atlas.places(State.INBOX)


def test_a_preset_counts_as_if_its_options_had_been_named(
    client: FlaskClient, web: Web, atlas: Atlas
) -> None:
    presets = {"print": {"output_format": "3mf", "faces": 900}}
    web.settings = web.settings.model_copy(update={"presets": presets})
    old = forge(atlas, State.DONE, kind="convert", faces=5000)
    sent = client.post(f"/3d/jobs/{old.id}/again", json={"preset": "print", "faces": 700})
    assert sent.status_code == 202, sent.json
    job = read_job(atlas.disk, atlas.places(State.INBOX)[0].path)
    assert (job.options["output_format"], job.options["faces"]) == (["3mf"], 700)


def test_what_has_not_ended_or_who_may_not_is_refused(client: FlaskClient, atlas: Atlas) -> None:
    running, done = forge(atlas, State.PROCESSING), forge(atlas, State.DONE)
    assert client.post(f"/3d/jobs/{running.id}/again", json={}).status_code == 409
    refused = client.post(f"/3d/jobs/{done.id}/again", json={}, headers=FOREIGN)
    assert refused.status_code == 401
    assert client.post("/3d/jobs/vase-7k3f9q2mxa/again", json={}).status_code == 404


def test_the_page_runs_a_job_again_with_what_was_changed_there(
    client: FlaskClient, atlas: Atlas
) -> None:
    """A plain form: what is left empty is as it was, and shows what that is."""
    old = forge(atlas, State.DONE, kind="convert", name="jug", faces=5000)
    page = client.get(f"/jobs/{old.id}", headers={"Accept": "text/html"}).text
    field = re.search(r'<input type="number" name="faces"[^>]*>', page)
    assert field and 'placeholder="5000"' in field[0]
    token = re.search(r'name="csrf" value="([^"]+)"', page)[1]  # type: ignore[index]
    form = {"csrf": token, "unit": "cm", "faces": "", "texture": "false", "output_format": ""}
    sent = client.post(f"/do/again/{old.id}", data=form)
    assert sent.status_code == 303
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert sent.headers["Location"] == f"/jobs/{job.id}" and job.retry_of == old.id
    assert [job.options[key] for key in ("unit", "faces", "texture")] == ["cm", 5000, False]
    wrong = client.post(f"/do/again/{old.id}", data={"csrf": token, "faces": "few"})
    assert wrong.status_code == 422
