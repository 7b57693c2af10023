"""Files out: the asked format, ranges, tags, bundles, and nginx in front."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

import pytest
from flask.testing import FlaskClient

from layout.tree import Atlas, Place, State
from tests.support.web import GLB, forge

FILES = {
    "model.obj": b"o" * 5000,
    "model.mtl": b"newmtl a",
    "model.png": b"\x89PNG",
    "model.glb": GLB,
    "report.html": b"<p>",
    "extra.bin": b"1",
}


@pytest.fixture
def place(atlas: Atlas) -> Place:
    return forge(atlas, State.DONE, name="Grandma's vase", output=FILES, output_format="obj,glb")


def test_the_download_is_one_file_of_the_first_asked_format(
    client: FlaskClient, place: Place
) -> None:
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


@pytest.mark.parametrize(
    ("asked", "expected", "content_range"),
    [
        ("bytes=0-3", b"glTF", "bytes 0-3/8004"),
        ("bytes=8000-", GLB[8000:], "bytes 8000-8003/8004"),
        ("bytes=-5", GLB[-5:], "bytes 7999-8003/8004"),
    ],
)
def test_a_part_of_a_file_can_be_asked_for(
    client: FlaskClient, place: Place, asked: str, expected: bytes, content_range: str
) -> None:
    with client.get(f"/3d/jobs/{place.id}/artefacts/model.glb", headers={"Range": asked}) as answer:
        assert (answer.status_code, answer.data, answer.headers["Content-Range"]) == (
            206,
            expected,
            content_range,
        )


def test_a_range_outside_the_file_is_a_416_and_an_old_tag_gives_the_whole(
    client: FlaskClient, place: Place
) -> None:
    url = f"/3d/jobs/{place.id}/artefacts/model.glb"
    answer = client.get(url, headers={"Range": "bytes=9000-"})
    assert (answer.status_code, answer.headers["Content-Range"], answer.content_type) == (
        416,
        "bytes */8004",
        "application/problem+json",
    )
    with client.get(url, headers={"Range": "bytes=0-3", "If-Range": '"old"'}) as answer:
        assert (answer.status_code, answer.data) == (200, GLB)


@pytest.mark.parametrize("asked", ["bytes=0-3,8-9", "bytes=x-", "lines=1-2", "bytes=", "bytes=3"])
def test_a_range_that_is_none_or_several_gives_the_whole(
    client: FlaskClient, place: Place, asked: str
) -> None:
    """RFC 9110, 14.2."""
    with client.get(f"/3d/jobs/{place.id}/artefacts/model.glb", headers={"Range": asked}) as answer:
        assert (answer.status_code, answer.data) == (200, GLB)


def test_a_condition_that_fails_is_a_problem_and_no_file(client: FlaskClient, place: Place) -> None:
    answer = client.get(f"/3d/download/{place.id}?format=glb", headers={"If-Match": '"another"'})
    assert (answer.status_code, answer.content_type, answer.json["type"]) == (
        412,
        "application/problem+json",
        "/docs#precondition-failed",
    )


def test_who_has_the_file_already_gets_a_304(client: FlaskClient, place: Place) -> None:
    url = f"/3d/jobs/{place.id}/artefacts/model.glb"
    with client.get(url) as answer:
        tag = answer.headers["ETag"]
    with client.get(url, headers={"If-None-Match": tag}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")


def test_the_bundle_holds_the_model_and_what_belongs_to_it(
    client: FlaskClient, place: Place
) -> None:
    """An OBJ needs its material and its texture; other formats stay out."""
    answer = client.get(f"/3d/download/{place.id}?bundle=zip")
    assert answer.content_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {
            f"{place.id}/{name}"
            for name in ("model.obj", "model.mtl", "model.png", "report.html", "checksums.sha256")
        }
        assert archive.read(f"{place.id}/model.obj") == FILES["model.obj"]
        sums = dict(
            reversed(line.split("  "))
            for line in archive.read(f"{place.id}/checksums.sha256").decode().splitlines()
        )
        held = set(archive.namelist()) - {f"{place.id}/checksums.sha256"}
        assert {f"{place.id}/{name}": digest for name, digest in sums.items()} == {
            name: hashlib.sha256(archive.read(name)).hexdigest() for name in held
        }


def test_a_download_has_a_name_that_curl_understands(client: FlaskClient, place: Place) -> None:
    """curl -OJ knows filename= only."""
    for query, suffix in (("", "obj"), ("?bundle=zip", "zip")):
        with client.get(f"/3d/download/{place.id}{query}") as answer:
            assert re.search(
                rf'; filename="[\w-]+\.{suffix}"; filename\*=',
                answer.headers["Content-Disposition"],
            )


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


def test_behind_nginx_the_file_is_left_to_nginx(client: FlaskClient, place: Place) -> None:
    """Percent-encoded, below the internal location; a failed job's files are still sent from here."""
    answer = client.get(f"/3d/download/{place.id}?format=glb", headers={"X-Internal-Accel": "1"})
    assert (answer.headers["X-Accel-Redirect"], answer.data) == (
        f"/_done/{place.id}/output/model.glb",
        b"",
    )
