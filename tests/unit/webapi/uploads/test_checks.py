"""What no live worker can do is refused, or told, at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout import lifecycle
from layout.signs import Heartbeat
from webapi.context import Web


@pytest.fixture
def live(web: Web, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def have(**facts: Any) -> None:
        who = {"worker": "h-cpu-abcd"} | facts
        beat = Heartbeat(role="worker", counter=1, boot="x", pid=1, **who)
        monkeypatch.setattr(web.follower, "workers", lambda: [beat])

    return have


def test_a_format_that_no_live_worker_writes_is_refused_at_once(
    client: FlaskClient, live: Callable[..., None]
) -> None:
    live(queues=("finish",), formats=("glb", "obj"))
    answer = client.post("/3d/generate", json={"prompt": "a", "output_format": "fbx"})
    assert (
        answer.status_code == 422
        and "fbx" in answer.json["detail"]
        and "glb, obj" in answer.json["remedy"]
    )
    assert (
        client.post("/3d/generate", json={"prompt": "a", "output_format": "obj"}).status_code == 202
    )


def test_a_backend_that_no_live_worker_has_is_refused_at_once(
    client: FlaskClient, live: Callable[..., None]
) -> None:
    live(queues=("mesh",), backends=("visual-hull",))
    assert (
        client.post("/3d/generate", json={"prompt": "a", "backend": "triposr"}).status_code == 422
    )
    assert (
        client.post("/3d/generate", json={"prompt": "a", "backend": "visual-hull"}).status_code
        == 202
    )


def test_a_model_that_the_serving_host_finds_broken_is_told_at_once(
    client: FlaskClient, live: Callable[..., None]
) -> None:
    """A refusal where it was asked for by name, its file named; where the choice is the worker's,
    what the job is made without; and what a prompt waits for."""
    broken = {"triposr": "model.safetensors is a git-LFS pointer, not the file itself"}
    live(queues=("mesh",), backends=("visual-hull",), broken=broken)
    refused = client.post("/3d/generate", json={"prompt": "a", "backend": "triposr"})
    assert refused.status_code == 422 and "models pull" in refused.json["remedy"]
    assert f"on h-cpu-abcd, the model triposr: {broken['triposr']}" in refused.json["detail"]
    told = client.post("/3d/generate", json={"prompt": "a"}).json
    assert broken["triposr"] in told["made_without"] and "waits_for" not in told
    named = {"prompt": "a", "backend": "visual-hull"}
    assert "made_without" not in client.post("/3d/generate", json=named).json
    live(queues=("views",), broken={"views": "Model flux-schnell: tokenizer/ is missing."})
    told = client.post("/3d/generate", json={"prompt": "a"}).json
    assert told["waits_for"] == "h-cpu-abcd: Model flux-schnell: tokenizer/ is missing."


def test_a_backend_that_only_cpus_serve_is_told_to_wait_perhaps_and_for_whom(
    client: FlaskClient, live: Callable[..., None]
) -> None:
    """TripoSG takes hours there; how long, only the worker that tries it knows."""
    named = {"prompt": "a", "backend": "triposg"}
    live(queues=("views", "mesh"), backends=("triposg", "visual-hull"))
    words = client.post("/3d/generate", json=named).json["waits_for"]
    assert "h-cpu-abcd" in words and "on a host with a GPU" in words and "backend=auto" in words
    assert "waits_for" not in client.post("/3d/generate", json=named | {"backend": "auto"}).json
    live(queues=("views", "mesh"), backends=("triposg",), worker="h-cuda0-abcd")
    assert "waits_for" not in client.post("/3d/generate", json=named).json


def test_a_queue_that_nobody_serves_is_accepted(client: FlaskClient) -> None:
    """The job waits, and the page says for what."""
    assert (
        client.post("/3d/generate", json={"prompt": "a", "output_format": "fbx"}).status_code == 202
    )


def test_a_job_that_no_worker_has_the_memory_for_is_told_at_once(
    client: FlaskClient, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the answer; it is a job all the same, and its status says it as soon as a worker does."""
    small = Heartbeat(
        worker="host-cuda0-abcd", role="worker", counter=1, boot="x", pid=1, queues=("views",)
    )
    asked = {"prompt": "a red cube"}
    monkeypatch.setattr(web.follower, "workers", lambda: [small])
    assert "waits_for" not in client.post("/3d/generate", json=asked).json
    tight = small.model_copy(update={"memory": 2**20})
    monkeypatch.setattr(web.follower, "workers", lambda: [tight])
    said = client.post("/3d/generate", json=asked).json
    assert "it needs about" in said["waits_for"] and tight.worker in said["waits_for"]
    web.follower.look()
    folder = client.get(f"/3d/jobs/{said['job_id']}").json
    assert folder["state"] == "queued"
    place = lifecycle.find(web.atlas, said["job_id"])
    assert place is not None
    line = f"{place.path.relative_to(web.atlas.root)}: {said['waits_for']}"
    monkeypatch.setattr(web.follower.observer, "needs", lambda: [line])
    status = client.get(f"/3d/status/{said['job_id']}").json
    assert status["message"] == f"waits: {said['waits_for']}"
