"""A file is sent whole or in part, once."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from layout.tree import Place
from tests.support.web import GLB


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


def test_a_download_has_a_name_that_curl_understands(client: FlaskClient, place: Place) -> None:
    """curl -OJ knows filename= only."""
    for query, suffix in (("?format=glb", "glb"), ("", "zip"), ("?bundle=zip", "zip")):
        with client.get(f"/3d/download/{place.id}{query}") as answer:
            assert re.search(
                rf'; filename="[\w-]+\.{suffix}"; filename\*=',
                answer.headers["Content-Disposition"],
            )


def test_behind_nginx_the_file_is_left_to_nginx(client: FlaskClient, place: Place) -> None:
    """Percent-encoded, below the internal location; a failed job's files are still sent from here."""
    answer = client.get(f"/3d/download/{place.id}?format=glb", headers={"X-Internal-Accel": "1"})
    assert (answer.headers["X-Accel-Redirect"], answer.data) == (
        f"/_done/{place.id}/output/model.glb",
        b"",
    )
