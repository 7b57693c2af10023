"""Files out: the asked format, ranges, tags, bundles, and nginx in front."""

from __future__ import annotations

import hashlib

from flask.testing import FlaskClient

from layout.tree import Atlas, Place, State
from tests.support.web import GLB, forge
from tests.unit.webapi.routes.conftest import FILES


def test_the_download_is_one_file_of_the_first_asked_format(
    client: FlaskClient, atlas: Atlas
) -> None:
    place = forge(
        atlas,
        State.DONE,
        output={"model.obj": b"o" * 5000, "model.glb": GLB},
        output_format="obj,glb",
    )
    with client.get(f"/3d/download/{place.id}") as answer:
        assert (answer.status_code, answer.data) == (200, FILES["model.obj"])
        assert (
            answer.headers["Content-Disposition"]
            == f"attachment; filename=\"{place.id}.obj\"; filename*=UTF-8''{place.id}.obj"
        )
        assert (answer.headers["Content-Length"], answer.headers["Accept-Ranges"]) == (
            "5000",
            "bytes",
        )
        assert answer.headers["ETag"] == f'"{hashlib.sha256(FILES["model.obj"]).hexdigest()}"'
    with client.get(f"/3d/download/{place.id}?format=glb") as answer:
        assert (answer.data, answer.content_type) == (GLB, "model/gltf-binary")


def test_the_artefacts_are_listed_with_sizes_and_checksums(
    client: FlaskClient, place: Place
) -> None:
    found = {
        file["name"]: file
        for file in client.get(f"/3d/jobs/{place.id}/artefacts").json["artefacts"]
    }
    assert found["model.glb"] == {
        "name": "model.glb", "size": 8004, "sha256": hashlib.sha256(GLB).hexdigest(), "url": f"/3d/jobs/{place.id}/artefacts/model.glb",
    }  # fmt: skip


def test_what_is_not_there_is_said(client: FlaskClient, atlas: Atlas, place: Place) -> None:
    """404 for a format that was not written, 409 before the end, 422 for a format that is none."""
    running = forge(atlas, State.PROCESSING)
    assert client.get(f"/3d/download/{place.id}?format=stl").status_code == 404
    assert client.get(f"/3d/download/{place.id}?format=exe").status_code == 422
    answer = client.get(f"/3d/download/{running.id}")
    assert answer.status_code == 409 and running.id in answer.json["remedy"]
    assert client.get(f"/3d/jobs/{running.id}/thumbnail.png").status_code == 404


def test_the_log_and_the_thumbnail_are_shown_in_place(client: FlaskClient, atlas: Atlas) -> None:
    place, running = forge(atlas, State.DONE), forge(atlas, State.PROCESSING)
    with client.get(f"/3d/jobs/{place.id}/log", headers={"Range": "bytes=21-"}) as answer:
        assert (answer.status_code, answer.content_type) == (
            206,
            "text/plain; charset=utf-8",
        ) and answer.text.startswith("start 1")
    with client.get(f"/3d/jobs/{place.id}/thumbnail.png") as answer:
        assert answer.content_type == "image/png"
    assert (
        client.get(f"/3d/jobs/{running.id}/log").status_code,
        client.get(f"/3d/jobs/{running.id}/log").data,
    ) == (200, b"")
