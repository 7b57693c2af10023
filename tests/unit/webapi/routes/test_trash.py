"""A deleted job comes back to where it was, once, and only for an admin."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas, State
from tests.support.web import FOREIGN, forge


@pytest.mark.parametrize("state", [State.DONE, State.FAILED])
def test_a_deleted_job_comes_back_to_where_it_was(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None], state: State
) -> None:
    place = forge(atlas, state)
    look()
    assert client.delete(f"/3d/jobs/{place.id}").status_code == 204
    assert client.get("/3d/jobs").json["jobs"] == []
    (deleted,) = client.get("/3d/trash").json["jobs"]
    assert deleted["job_id"] == place.id
    answer = client.post(f"/3d/jobs/{place.id}/restore")
    word = {State.DONE: "completed", State.FAILED: "failed"}[state]
    assert (answer.status_code, answer.json["state"]) == (200, word)
    assert place.path.is_dir()
    assert [job["job_id"] for job in client.get("/3d/jobs").json["jobs"]] == [place.id]
    assert client.get("/3d/trash").json["jobs"] == []
    assert client.post(f"/3d/jobs/{place.id}/restore").status_code == 404


def test_nothing_is_restored_onto_a_job_that_stands_there(
    client: FlaskClient, atlas: Atlas, look: Callable[[], None]
) -> None:
    place = forge(atlas, State.DONE)
    look()
    client.delete(f"/3d/jobs/{place.id}")
    forge(atlas, State.DONE, id=place.id)
    refused = client.post(f"/3d/jobs/{place.id}/restore")
    assert (refused.status_code, refused.json["type"]) == (409, "/docs#wrong-state")
    assert len(list(atlas.trash.iterdir())) == 1


def test_whoever_may_only_look_or_send_restores_nothing(client: FlaskClient) -> None:
    for answer in (
        client.post("/3d/jobs/vase-7k3f9q2mxa/restore", headers=FOREIGN),
        client.get("/3d/trash", headers=FOREIGN),
    ):
        assert answer.status_code == 401
