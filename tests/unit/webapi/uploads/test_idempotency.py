"""The same key and request give the same job, whatever happened in between."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout.disk import Disk
from layout.tree import Atlas, State
from tests.support.web import PLY
from tests.unit.webapi.routes.test_submit import job_of, upload
from webapi.context import Web


def test_the_same_key_and_request_give_the_same_job(client: FlaskClient, atlas: Atlas) -> None:
    key = {"Idempotency-Key": "order-17"}
    first = client.post("/3d/generate", json={"prompt": "a red cube"}, headers=key)
    again = client.post("/3d/generate", json={"prompt": "a red cube"}, headers=key)
    assert (first.status_code, again.status_code, first.json) == (202, 202, again.json)
    assert len(atlas.places(State.INBOX)) == 1 and list(atlas.drafts.iterdir()) == []


def test_the_same_key_and_the_same_upload_give_the_same_job(
    client: FlaskClient, atlas: Atlas
) -> None:
    """The files' names and bytes count, not the way they are cut into packets."""
    key = {"Idempotency-Key": "k"}
    ids = {
        client.post("/3d/from-scan", data=upload(("a.ply", PLY), ("b.ply", PLY)), headers=key).json[
            "job_id"
        ]
        for _ in range(2)
    }
    other = client.post(
        "/3d/from-scan", data=upload(("a.ply", PLY), ("b.ply", PLY + b"\n")), headers=key
    )
    assert len(ids) == 1 and (other.status_code, other.json["type"]) == (
        422,
        "/docs#idempotency-key",
    )


def test_a_key_whose_job_is_nowhere_submits_under_the_same_id(
    client: FlaskClient, atlas: Atlas, web: Web
) -> None:
    """The process died between the key's file and the rename."""
    key = {"Idempotency-Key": "k"}
    id = client.post("/3d/generate", json={"prompt": "a"}, headers=key).json["job_id"]
    atlas.disk.remove_tree(atlas.inbox / id)
    assert client.post("/3d/generate", json={"prompt": "a"}, headers=key).json["job_id"] == id
    assert [place.id for place in atlas.places(State.INBOX)] == [id]
    assert job_of(atlas, id).id == id


def test_a_key_whose_first_request_is_still_running_is_told_so(
    client: FlaskClient, atlas: Atlas
) -> None:
    key = {"Idempotency-Key": "k"}
    id = client.post("/3d/generate", json={"prompt": "a"}, headers=key).json["job_id"]
    os.rename(atlas.inbox / id, atlas.draft(id))
    assert client.post("/3d/generate", json={"prompt": "a"}, headers=key).status_code == 409


@pytest.mark.parametrize("inside", [b"{", b"[1]", b'{"format": 99}'])
def test_a_damaged_key_file_is_named_with_the_way_out(
    client: FlaskClient, atlas: Atlas, inside: bytes
) -> None:
    """Nobody is told for ever that the first request is still running."""
    key = {"Idempotency-Key": "k"}
    client.post("/3d/generate", json={"prompt": "a"}, headers=key)
    (kept,) = atlas.idem.iterdir()
    kept.write_bytes(inside)
    answer = client.post("/3d/generate", json={"prompt": "a"}, headers=key)
    assert (answer.status_code, answer.json["type"]) == (503, "/docs#key-file")
    assert str(kept) in answer.json["detail"] and "new key" in answer.json["remedy"]
    assert len(atlas.places(State.INBOX)) == 1


@pytest.mark.parametrize("call", ["read", "write_new"])
def test_a_file_of_the_tree_that_may_not_be_used_is_named_with_the_right_to_grant(
    client: FlaskClient, atlas: Atlas, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """The key's file, or the folder it belongs in: a 503 that names it, and no fault of the
    program."""
    key = {"Idempotency-Key": "k"}
    if call == "read":
        client.post("/3d/generate", json={"prompt": "a"}, headers=key)
    real = getattr(Disk, call)

    def denied(self: Disk, path: Path, *more: Any) -> Any:
        if path.parent == atlas.idem:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(self, path, *more)

    monkeypatch.setattr(Disk, call, denied)
    answer = client.post("/3d/generate", json={"prompt": "a"}, headers=key)
    assert (answer.status_code, answer.json["type"]) == (503, "/docs#denied")
    assert str(atlas.idem) in answer.json["detail"] and "grants" in answer.json["remedy"]
