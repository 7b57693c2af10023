"""Images that are named and not sent: by address or by path, where they may lie."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout.tree import Atlas
from tests.unit.webapi.routes.test_submit import job_of


def test_image_urls_are_written_down_and_not_fetched(client: FlaskClient, atlas: Atlas) -> None:
    """Fetching belongs to a worker, behind the guard."""
    id = client.post(
        "/3d/from-image",
        json={"image_urls": ["https://pictures.example.org/a.png?x=1"], "quality_tier": "high"},
    ).json["job_id"]
    assert json.loads((atlas.inbox / id / "input" / "request.json").read_text()) == {
        "image_urls": ["https://pictures.example.org/a.png?x=1"]
    }
    assert job_of(atlas, id).options["quality_tier"] == "high"


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1"])
def test_an_address_of_this_host_is_known_in_every_spelling(client: FlaskClient, host: str) -> None:
    answer = client.post("/3d/from-image", json={"image_urls": [f"http://{host}/a.png"]})
    assert (
        answer.status_code == 422
        and "not public" in answer.json["detail"]
        and "image_lan" in answer.json["remedy"]
    )


def test_an_image_of_the_lan_may_be_named_where_the_operator_said_so(
    build: Callable[..., Flask],
) -> None:
    client = build(INBOX3D_WORKER__IMAGE_LAN="192.168.7.0/24").test_client()
    assert (
        client.post(
            "/3d/from-image", json={"image_urls": ["http://192.168.7.9:8080/a.png"]}
        ).status_code
        == 202
    )
    assert (
        client.post("/3d/from-image", json={"image_urls": ["http://192.168.8.9/a.png"]}).status_code
        == 422
    )
