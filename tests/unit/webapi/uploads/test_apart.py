"""A form's upload without JavaScript: what was chosen together becomes the jobs that it would in inbox/."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.web import PLY, zip_with

ZIP, OUTSIDE = zip_with(("a.ply", PLY)), zip_with(("../a.ply", PLY))


def send(client: FlaskClient, *names: str, **fields: str) -> Any:
    """Send the page's form with files of these NAMES, as a browser does."""
    page = client.get("/", headers={"Accept": "text/html"}).text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    data = {"cup.zip": ZIP, "outside.zip": OUTSIDE}
    files = [(io.BytesIO(data.get(name, PLY)), name) for name in names]
    form = {"csrf": token, "output_format": "stl", **fields, "files": files}
    return client.post("/do/upload", data=form, headers={"Accept": "text/html"})


def jobs(atlas: Atlas) -> dict[str, list[str]]:
    """What stands in inbox/: each job's name and the files of its manifest."""
    found = {}
    for place in atlas.places(State.INBOX):
        job = read_job(atlas.disk, place.path)
        assert job is not None and job.options["output_format"] == ["stl"]
        found[job.source.name] = sorted(row.path for row in job.manifest)
    return found


def test_every_folder_and_archive_is_a_job_and_loose_files_are_one(
    client: FlaskClient, atlas: Atlas
) -> None:
    """Rubbish of file managers is left out; a name is given to none of several; no draft stays."""
    answer = send(
        client, "jug/a.ply", "c.ply", "bowl/deep/a.ply", "jug/b.ply", "d.ply", "cup.zip",
        "jug/.DS_Store", "Thumbs.db", "bowl/@eaDir/a.ply", name="Grandma's",
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert jobs(atlas) == {
        "jug": ["a.ply", "b.ply"],
        "bowl": ["deep/a.ply"],
        "c": ["c.ply", "d.ply"],
        "cup.zip": ["cup.zip"],
    }
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    "names", [("jug/a.ply", "jug/.DS_Store"), ("a.ply", "b.ply"), ("cup.zip",)]
)
def test_one_thing_is_one_job_with_its_given_name(
    client: FlaskClient, atlas: Atlas, names: tuple[str, ...]
) -> None:
    answer = send(client, *names, name="Grandma's")
    assert "/jobs/grandma-s-" in answer.headers["Location"] and list(jobs(atlas)) == ["Grandma's"]


def test_what_is_nothing_but_rubbish_is_refused(client: FlaskClient, atlas: Atlas) -> None:
    answer = send(client, "jug/.DS_Store", "Thumbs.db")
    assert answer.status_code == 422 and "no files" in answer.text and jobs(atlas) == {}


def test_where_one_of_them_may_not_be_taken_none_is(client: FlaskClient, atlas: Atlas) -> None:
    answer = send(client, "jug/a.ply", "outside.zip")
    assert answer.status_code == 422 and jobs(atlas) == {} and list(atlas.drafts.iterdir()) == []


def test_where_one_finds_no_place_any_more_it_is_told_which_were_sent(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    answer = send(build(INBOX3D_WEB__MAX_WAITING="1").test_client(), "jug/a.ply", "bowl/a.ply")
    assert answer.status_code == 429 and list(jobs(atlas)) == ["jug"]
    assert "jug-" in answer.text and "bowl is not." in answer.text
    assert list(atlas.drafts.iterdir()) == []
