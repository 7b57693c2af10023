"""A job that was run again beside the one before."""

from __future__ import annotations

import json

from flask.testing import FlaskClient

from layout.manifest import read_job, write_job
from layout.tree import Atlas, Place, State
from tests.support.web import GLB, forge

HTML = {"Accept": "text/html"}


def made(atlas: Atlas, count: int, **options: object) -> Place:
    scan = {"mesh": {"faces": count, "closed": True, "holes": []}, "alignment": None}
    output = {"model.glb": GLB, "scan.json": json.dumps(scan).encode()}
    return forge(atlas, State.DONE, "jug", kind="scan", output=output, **options)  # type: ignore[arg-type]


def test_models_and_what_differs_stand_side_by_side(client: FlaskClient, atlas: Atlas) -> None:
    """Options and numbers that are the same are left out; the job's page leads there."""
    before, after = made(atlas, 1200, unit="mm"), made(atlas, 900, faces=900, unit="mm")
    job = read_job(atlas.disk, after.path)
    assert job is not None
    write_job(atlas.disk, after.path, job.model_copy(update={"retry_of": before.id}))
    page = client.get(f"/jobs/{after.id}/compare", headers=HTML).text
    for row in (
        '<th scope="row">faces</th><td>by itself</td><td>900</td>',
        '<th scope="row">mesh: faces</th><td>1200</td><td>900</td>',
    ):
        assert row in page
    assert 'scope="row">unit' not in page and "closed" not in page
    models = [f'data-model="/3d/jobs/{place.id}/artefacts/model.glb"' for place in (before, after)]
    assert page.index(models[0]) < page.index(models[1])
    assert f"/jobs/{after.id}/compare" in client.get(f"/jobs/{after.id}", headers=HTML).text


def test_what_is_no_retry_or_lost_its_job_before_says_so(client: FlaskClient, atlas: Atlas) -> None:
    alone = made(atlas, 10)
    assert client.get(f"/jobs/{alone.id}/compare", headers=HTML).status_code == 404
    orphan = made(atlas, 10)
    job = read_job(atlas.disk, orphan.path)
    assert job is not None
    write_job(atlas.disk, orphan.path, job.model_copy(update={"retry_of": "vase-7k3f9q2mxa"}))
    gone = client.get(f"/jobs/{orphan.id}/compare", headers=HTML)
    assert gone.status_code == 404 and "vase-7k3f9q2mxa" in gone.text
