"""A finished model in a format that nobody asked for at first."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.web import GLB, forge


def test_another_format_is_a_conversion_of_the_finished_model(
    client: FlaskClient, atlas: Atlas
) -> None:
    """A new job of the same name that says where it comes from; its input is model.glb alone, which
    is neither mended nor made again."""
    scan = forge(atlas, State.DONE, name="vase", kind="scan", quality_tier="high")
    told = client.get(f"/3d/download/{scan.id}?format=stl")
    assert told.status_code == 404 and "export" in told.json["remedy"]
    answer = client.post(f"/3d/jobs/{scan.id}/export", json={"output_format": "stl,3mf"})
    assert answer.status_code == 202 and answer.json["retry_of"] == scan.id
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    assert place.id == answer.json["job_id"] and place.id.startswith("vase-")
    assert (job.kind, job.source.name, job.retry_of) == ("convert", "vase", scan.id)
    said = ("output_format", "quality_tier", "repair")
    assert [job.options[key] for key in said] == [["stl", "3mf"], "high", False]
    assert (place.path / "input" / "model.glb").read_bytes() == GLB
    assert scan.path.is_dir()


def test_another_way_up_is_a_conversion_too(client: FlaskClient, atlas: Atlas) -> None:
    """Of the finished mesh, which is put on the ground anew; nothing is aligned again."""
    scan = forge(atlas, State.DONE, name="dragon", kind="scan")
    answer = client.post(f"/3d/jobs/{scan.id}/export", json={"up": "-z", "front": "x"})
    assert answer.status_code == 202
    (place,) = atlas.places(State.INBOX)
    job = read_job(atlas.disk, place.path)
    said = ("up", "front", "stand", "repair", "output_format")
    assert [job.options[key] for key in said] == ["-z", "x", True, False, ["glb"]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output_format": "dwg"},
        {"output_format": []},
        {"x": 1},
        {"up": "w"},
        {"up": "z", "front": "-z"},
        {"front": "y"},
    ],
)
def test_a_format_that_is_none_is_refused(
    client: FlaskClient, atlas: Atlas, body: dict[str, object]
) -> None:
    done = forge(atlas, State.DONE)
    assert client.post(f"/3d/jobs/{done.id}/export", json=body).status_code == 422
    assert not atlas.places(State.INBOX)


@pytest.mark.parametrize("formats", [[[]], [{}], [None], {}, [["stl"]], 1])
def test_a_format_that_is_not_even_a_word_is_refused(
    client: FlaskClient, atlas: Atlas, formats: Any
) -> None:
    done = forge(atlas, State.DONE)
    refused = client.post(f"/3d/jobs/{done.id}/export", json={"output_format": formats})
    assert refused.status_code == 422 and refused.json["detail"].startswith("output_format")


def test_formats_are_written_as_everywhere(client: FlaskClient, atlas: Atlas) -> None:
    done = forge(atlas, State.DONE)
    sent = client.post(f"/3d/jobs/{done.id}/export", json={"output_format": ".STL,glb"})
    assert sent.status_code == 202, sent.text


def test_what_has_no_model_or_is_a_draft_is_not_converted(
    client: FlaskClient, atlas: Atlas
) -> None:
    """A draft's model in another file would not say any more that it is one."""
    for place in (
        forge(atlas, State.FAILED),
        forge(atlas, State.PROCESSING),
        forge(atlas, State.DONE, output={"model.stl": b"solid"}),
        forge(atlas, State.DONE, label="draft"),
    ):
        answer = client.post(f"/3d/jobs/{place.id}/export", json={"output_format": "stl"})
        assert answer.status_code == 409 and answer.json["remedy"]
    assert not atlas.places(State.INBOX)


def test_the_report_opens_from_the_site_in_a_sandbox(client: FlaskClient, atlas: Atlas) -> None:
    """Its scripts run without a part in this site; the job's page leads there, and behind nginx
    the policy stays."""
    done = forge(atlas, State.DONE, output={"model.glb": GLB, "report.html": b"<p>told"})
    assert f'href="/jobs/{done.id}/output/report.html"' in client.get(f"/jobs/{done.id}").text
    for headers in ({}, {"X-Internal-Accel": "1"}):
        with client.get(f"/jobs/{done.id}/output/report.html", headers=headers) as answer:
            assert answer.data == b"<p>told" and answer.mimetype == "text/html"
            assert answer.headers["Content-Disposition"].startswith("inline")
            policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts ") and "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    beside = client.get(f"/jobs/{done.id}/output/model.glb", follow_redirects=True)
    assert beside.data == GLB, "a link of the report"
    with client.get(f"/3d/jobs/{done.id}/artefacts/report.html") as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
