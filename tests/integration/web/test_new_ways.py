"""The ways in that came later, attacked at the real web process: sign-in by a proxy's header, names and tags, another export."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable

import pytest

from layout.tree import Atlas, State
from tests.support.web import FOREIGN, Server, forge

pytestmark = pytest.mark.slow
PROXY = {
    "INBOX3D_WEB__LAN": "key",
    "INBOX3D_WEB__LOGIN_HEADER": "Remote-User",
    "INBOX3D_WEB__LOGIN_FROM": "127.0.0.1",
    "INBOX3D_WEB__LOGIN_ADMINS": "root",
    "INBOX3D_WEB__LOGIN_SCOPE": "read",
}
OUTSIDE = ("%2e%2e", "..%2f..%2fconfig%2fkeys", "%2e%2e%2f%2e%2e%2fatlas", "x%00y", "a" * 300)


def asked(server: Server, *headers: tuple[str, str], path: str = "/3d/jobs") -> int:
    """The answer's status, for headers as they stand: twice, or in the spelling of another."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    line.putrequest("GET", path)
    for name, value in (*FOREIGN.items(), *headers):
        line.putheader(name, value)
    line.endheaders()
    try:
        return line.getresponse().status
    finally:
        line.close()


def test_a_header_that_only_looks_like_the_proxys_is_nobody(
    serve: Callable[..., Server],
) -> None:
    """With an underscore it would reach the application under the same name, past a proxy that takes out only its own."""
    server = serve(**PROXY)
    assert asked(server, ("Remote-User", "anna")) == 200
    for name in ("Remote_User", "REMOTE_USER", "remote_user"):
        assert asked(server, (name, "root")) == 401, name
        assert asked(server, ("Remote-User", "anna"), (name, "root")) == 200  # anna's, see below
    assert asked(server, ("Remote-User", "anna"), ("Remote-User", "root")) == 401


def test_an_underscored_header_gives_no_scope_to_who_signed_in(
    serve: Callable[..., Server], atlas: Atlas
) -> None:
    server = serve(**PROXY)
    done = forge(atlas, State.DONE)
    for headers in ({"Remote-User": "anna", "Remote_User": "root"}, {"Remote_User": "root"}):
        answer = server.http.request(
            "DELETE", f"{server.url}/3d/jobs/{done.id}", headers=FOREIGN | headers
        )
        assert answer.status in (401, 403)
    assert atlas.places(State.DONE)


@pytest.mark.parametrize("id", OUTSIDE)
def test_names_tags_and_exports_reach_no_file_but_a_jobs(
    server: Server, atlas: Atlas, id: str
) -> None:
    forge(atlas, State.DONE)
    before = {path for path in atlas.pipeline.rglob("*") if "workers" not in path.parts}
    body = json.dumps({"name": "x", "tags": ["y"]})
    json_type = {"Content-Type": "application/json"}
    for method, what, sent in (
        ("PUT", "labels", body),
        ("POST", "export", json.dumps({"output_format": ["stl"]})),
    ):
        answer = server.http.request(
            method, f"{server.url}/3d/jobs/{id}/{what}", body=sent, headers=json_type
        )
        assert answer.status in (400, 404), (method, what, answer.status)
    after = {path for path in atlas.pipeline.rglob("*") if "workers" not in path.parts}
    assert {path for path in after - before if path.name != "arrivals.json"} == set()


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 31337 * 3 }}",
        "a' OR '1'='1",
    ],
)
def test_a_given_name_is_data_in_lists_searches_and_pages(
    server: Server, atlas: Atlas, name: str
) -> None:
    done = forge(atlas, State.DONE)
    answer = server.http.request(
        "PUT",
        f"{server.url}/3d/jobs/{done.id}/labels",
        body=json.dumps({"name": name, "tags": ["iron"]}),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status == 200
    for path in ("/", "/done", f"/jobs/{done.id}"):
        page = server.get(path).data.decode()
        if "<" in name:
            assert name not in page, path
        assert "94011" not in page, path
    found = server.http.request("GET", f"{server.url}/3d/jobs", fields={"q": name})
    assert found.status == 200


@pytest.mark.parametrize(
    "preset",
    ["../../config/keys", "__class__", "", "x\r\nSet-Cookie: a=b", ["a"], {"a": 1}, None, 7],
)
def test_a_preset_is_one_of_the_operators_or_nothing(
    server: Server, atlas: Atlas, preset: object
) -> None:
    answer = server.post("/3d/generate", json={"prompt": "a red cube", "preset": preset})
    assert answer.status == (202 if preset is None else 422), answer.data
    assert "Set-Cookie" not in answer.headers
    assert len(list(atlas.entries(State.INBOX))) == (1 if preset is None else 0)
