"""Under which names and addresses this service answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from webapi.access.addresses import host_of


# -- hosts and origins -------------------------------------------------------------------------
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "a b",
    ],
)
def test_a_name_that_was_rebound_to_this_host_is_not_answered(
    client: FlaskClient, host: str
) -> None:
    """DNS rebinding: the attacker's page talks to loopback under the attacker's name."""
    assert client.get("/3d/jobs", headers={"Host": host}).status_code in (400, 403)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "[::1]:8000", "10.0.20.5"]
)
def test_addresses_and_localhost_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/health", headers={"Host": host}).status_code == 200


def test_a_configured_name_is_answered(build: Callable[..., Flask]) -> None:
    client = build(INBOX3D_WEB__HOSTS="models.example.org").test_client()
    assert client.get("/health", headers={"Host": "Models.example.org"}).status_code == 200
    assert host_of("models.example.org:443") == "models.example.org"
