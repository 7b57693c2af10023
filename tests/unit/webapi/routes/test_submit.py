"""Submitting over HTTP: the mission's routes word for word, and what is added to them."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from layout import lifecycle
from layout.disk import Disk
from layout.manifest import read_job
from layout.signs import Heartbeat
from layout.tree import Atlas, State
from tests.support.web import PLY, forge, zip_with
from webapi.access.keys import Keys
from webapi.context import Web
from webapi.problems import Problem
from webapi.uploads import quota


def job_of(atlas: Atlas, id: str) -> Any:
    place = lifecycle.find(atlas, id)
    assert place is not None
    return read_job(atlas.disk, place.path)


def upload(*files: tuple[str, bytes], **fields: str) -> dict[str, Any]:
    return {**fields, "files": [(io.BytesIO(data), name) for name, data in files]}


def test_the_missions_prompt_line_is_accepted(client: FlaskClient, atlas: Atlas) -> None:
    """202, the two promised keys, a sealed job in inbox/ with the sentence in prompt.txt."""
    answer = client.post("/3d/generate", json={"prompt": "a red cube", "output_format": "glb"})
    assert answer.status_code == 202
    id = answer.json["job_id"]
    assert answer.json == {"job_id": id, "status_url": f"/3d/status/{id}"}
    assert answer.headers["Location"] == f"/3d/status/{id}"
    job = job_of(atlas, id)
    assert (job.kind, job.options["prompt"], job.options["output_format"], job.source.origin) == (
        "prompt",
        "a red cube",
        ["glb"],
        "api",
    )
    assert (atlas.inbox / id / "input" / "prompt.txt").read_text() == "a red cube\n"
    assert [row.path for row in job.manifest] == ["prompt.txt"] and job.manifest[0].sha256


def test_an_image_is_named_in_three_ways_and_means_the_same(
    client: FlaskClient, atlas: Atlas
) -> None:
    """/inputs/a.png, inputs/a.png and a.png give the same request.json and options, and the image as it stood there."""
    (atlas.inputs / "a.png").write_bytes(b"\x89PNG")
    found = []
    for path in ("/inputs/a.png", "inputs/a.png", "a.png"):
        id = client.post("/3d/from-image", json={"image_paths": [path]}).json["job_id"]
        found.append(
            (
                job_of(atlas, id).options["image_paths"],
                json.loads((atlas.inbox / id / "input" / "request.json").read_text()),
            )
        )
        assert (atlas.inbox / id / "input" / "a.png").read_bytes() == b"\x89PNG"
    assert found == [(["a.png"], {"image_paths": ["a.png"]})] * 3


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


def test_images_can_be_uploaded_to_from_image(client: FlaskClient, atlas: Atlas) -> None:
    id = client.post(
        "/3d/from-image",
        data=upload(("front.png", b"\x89PNG1"), ("left.png", b"\x89PNG2"), output_format="glb,stl"),
    ).json["job_id"]
    job = job_of(atlas, id)
    assert (job.kind, job.options["output_format"], [row.path for row in job.manifest]) == (
        "images",
        ["glb", "stl"],
        ["front.png", "left.png"],
    )


def test_scan_passes_are_laid_as_a_drop_would_lay_them(client: FlaskClient, atlas: Atlas) -> None:
    """Several files stand in a folder of the drop's name, one file stands by itself; the kind is left to the content."""
    several = client.post(
        "/3d/from-scan", data=upload(("a.ply", PLY), ("b.ply", PLY), name="Grandma's vase")
    ).json["job_id"]
    one = client.post(
        "/3d/from-scan", data=upload(("part.stl", b"solid"), output_format="3mf")
    ).json["job_id"]
    folder = client.post(
        "/3d/from-scan", data=upload(("vase/deep/a.ply", PLY), ("vase/b.ply", PLY))
    ).json["job_id"]
    assert sorted(
        p.relative_to(atlas.inbox / several / "input").as_posix()
        for p in (atlas.inbox / several / "input").rglob("*.ply")
    ) == [
        "Grandma's vase/a.ply",
        "Grandma's vase/b.ply",
    ]
    assert (
        several.startswith("grandma-s-vase-")
        and job_of(atlas, several).source.name == "Grandma's vase"
    )
    assert (
        os.listdir(atlas.inbox / one / "input") == ["part.stl"]
        and job_of(atlas, one).source.name == "part.stl"
    )
    assert [row.path for row in job_of(atlas, folder).manifest] == [
        "b.ply",
        "deep/a.ply",
    ] and job_of(atlas, folder).source.name == "vase"
    assert (job_of(atlas, one).kind, job_of(atlas, one).options) == (
        None,
        {"output_format": ["3mf"]},
    )


def test_a_zip_is_taken_whole_as_a_body_of_its_own(client: FlaskClient, atlas: Atlas) -> None:
    """The web process unpacks nothing: the archive stands in input/ as it came."""
    data = zip_with(("a.ply", PLY), ("b.ply", PLY))
    id = client.post(
        "/3d/from-scan?name=vase.zip&unit=mm", data=data, content_type="application/zip"
    ).json["job_id"]
    assert (atlas.inbox / id / "input" / "vase.zip").read_bytes() == data
    assert job_of(atlas, id).options == {"unit": "mm"}


@pytest.mark.parametrize(
    ("name", "media", "data", "file", "called"),
    [
        ("Vase", "application/zip", zip_with(("a.ply", PLY)), "Vase.zip", "Vase"),
        (
            "Vase 1.2",
            "application/octet-stream",
            zip_with(("a.ply", PLY)),
            "Vase 1.2.zip",
            "Vase 1.2",
        ),
        ("Vase", "application/octet-stream", PLY, "Vase.ply", "Vase"),
        ("Vase: red?", "application/zip", zip_with(("a.ply", PLY)), "upload.zip", "Vase: red?"),
        ("vase.PLY", "application/octet-stream", PLY, "vase.PLY", "vase.PLY"),
        ("", "application/zip", zip_with(("a.ply", PLY)), "upload.zip", "upload.zip"),
    ],
)
def test_name_is_what_the_object_is_called_where_the_body_is_one_file(
    client: FlaskClient, atlas: Atlas, name: str, media: str, data: bytes, file: str, called: str
) -> None:
    """A file that is called after it says what it is by its suffix, so that the job can be read."""
    query = {"name": name} if name else {}
    answer = client.post("/3d/from-scan", query_string=query, data=data, content_type=media)
    id = answer.json["job_id"]
    assert os.listdir(atlas.inbox / id / "input") == [file]
    assert job_of(atlas, id).source.name == called


def test_name_means_the_same_in_the_query_and_as_a_field(client: FlaskClient, atlas: Atlas) -> None:
    """With several files it names their folder, with one it leaves the file alone; two different
    names are refused, and so is a body that neither name nor content tell."""
    several = client.post("/3d/from-scan?name=Vase", data=upload(("a.ply", PLY), ("b.ply", PLY)))
    single = client.post("/3d/from-scan?name=Vase", data=upload(("a.ply", PLY)))
    for answer, held in ((several, "Vase"), (single, "a.ply")):
        id = answer.json["job_id"]
        assert job_of(atlas, id).source.name == "Vase" and id.startswith("vase-")
        assert os.listdir(atlas.inbox / id / "input") == [held]
    two = client.post("/3d/from-scan?name=Vase", data=upload(("a.ply", PLY), name="Jug"))
    untold = client.post(
        "/3d/from-scan?name=Vase", data=b"solid", content_type="application/octet-stream"
    )
    assert two.status_code == untold.status_code == 422
    assert "twice" in two.json["detail"] and "suffix" in untold.json["remedy"]


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("/3d/generate", {"prompt": "x", "outputformat": "glb"}, "outputformat"),
        ("/3d/generate", {"prompt": "x", "output_format": "dwg"}, "output_format"),
        ("/3d/generate", {"prompt": "x", "quality_tier": "best"}, "quality_tier"),
        ("/3d/generate", {"output_format": "glb"}, "prompt"),
        ("/3d/generate", {"prompt": " "}, "prompt"),
        ("/3d/generate", {"prompt": "x" * 2001}, "prompt"),
        ("/3d/from-image", {}, "image_urls"),
        (
            "/3d/from-image",
            {"image_paths": ["a.png"], "image_urls": ["https://example.org/a.png"]},
            "image_urls",
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_submitted(
    client: FlaskClient, atlas: Atlas, route: str, body: dict[str, Any], field: str
) -> None:
    """422 problem+json with the key, a sentence and a remedy."""
    answer = client.post(route, json=body)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert field in answer.json["detail"] and answer.json["remedy"] and answer.json["status"] == 422
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


def test_the_upload_of_a_wrong_option_leaves_no_draft(client: FlaskClient, atlas: Atlas) -> None:
    answer = client.post("/3d/from-scan", data=upload(("a.ply", PLY), unit="furlong"))
    assert answer.status_code == 422 and "unit" in answer.json["detail"]
    assert list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[1]", 422),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b'{"prompt":"' + b"x" * (1 << 20) + b'"}', 413),
        ("application/json", b'{"prompt": NaN}', 422),
    ],
)
def test_a_body_that_is_no_request_is_refused_with_its_own_status(
    client: FlaskClient, content_type: str, body: bytes, status: int
) -> None:
    answer = client.post("/3d/generate", data=body, content_type=content_type)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("route", "content_type", "way_out"),
    [
        ("/3d/from-scan", "application/json", "multipart/form-data, application/zip"),
        ("/3d/from-image", "application/zip", "application/json, or the files"),
        ("/3d/generate", "text/plain", "application/json"),
    ],
)
def test_a_media_type_that_is_not_taken_is_refused_with_those_that_are(
    client: FlaskClient, route: str, content_type: str, way_out: str
) -> None:
    answer = client.post(route, data=b"{}", content_type=content_type)
    assert answer.status_code == 415 and way_out in answer.json["remedy"]


def test_every_wrong_key_is_told_once(client: FlaskClient) -> None:
    answer = client.post("/3d/generate", json={"prompt": 5, "seed": "x", "output_format": "exe"})
    assert answer.json["errors"] == [
        {
            "field": "output_format.0",
            "message": "it must be 'glb', 'obj', 'stl', 'ply', '3mf', 'usdz' or 'fbx'",
        },
        {"field": "seed", "message": "it must be a whole number"},
        {"field": "prompt", "message": "it must be text"},
    ]


def test_a_field_that_says_two_things_is_refused(client: FlaskClient, atlas: Atlas) -> None:
    """Sent twice with one value it is taken."""
    answer = client.post("/3d/from-scan", data={**upload(("a.ply", PLY)), "seed": ["1", "2"]})
    assert answer.status_code == 422 and "seed: it was sent twice" in answer.json["detail"]
    assert (
        client.post(
            "/3d/from-scan", data={**upload(("a.ply", PLY)), "seed": ["1", "1"]}
        ).status_code
        == 202
    )


@pytest.mark.parametrize("prompt", ["", "   ", "a\0b", "a\x1bb"])
def test_a_prompt_is_a_text(client: FlaskClient, prompt: str) -> None:
    answer = client.post("/3d/generate", json={"prompt": prompt})
    assert answer.status_code == 422
    assert answer.json["detail"] in ("prompt: it is empty", "prompt: it holds control characters")


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


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data; name=files; filename=a\r\n\r\nabc",
        b"nonsense" * 100,
    ],
)
def test_a_multipart_body_that_is_cut_off_leaves_nothing(
    client: FlaskClient, atlas: Atlas, body: bytes
) -> None:
    answer = client.post("/3d/from-scan", data=body, content_type="multipart/form-data; boundary=x")
    assert answer.status_code in (400, 422)
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


# -- Idempotency-Key ---------------------------------------------------------------------------
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


# -- what can be done --------------------------------------------------------------------------
@pytest.fixture
def live(web: Web, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def have(**facts: Any) -> None:
        beat = Heartbeat(worker="h-cpu-abcd", role="worker", counter=1, boot="x", pid=1, **facts)
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


def test_a_queue_that_nobody_serves_is_accepted(client: FlaskClient) -> None:
    """The job waits, and the page says for what."""
    assert (
        client.post("/3d/generate", json={"prompt": "a", "output_format": "fbx"}).status_code == 202
    )


def test_jobs_of_one_submitter_are_limited(build: Callable[..., Flask], atlas: Atlas) -> None:
    """429 with Retry-After once so many are waiting or running."""
    client = build(INBOX3D_WEB__MAX_WAITING="2").test_client()
    forge(atlas, State.DONE, by="local")
    statuses = [client.post("/3d/generate", json={"prompt": "a"}).status_code for _ in range(3)]
    refused = client.post("/3d/generate", json={"prompt": "a"})
    assert statuses == [202, 202, 429] and int(refused.headers["Retry-After"]) > 0


def test_an_upload_that_is_too_large_is_refused_before_and_while_it_is_read(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """By its Content-Length, and by counting where none is announced."""
    client = build(INBOX3D_WEB__MAX_UPLOAD_GB="0.000001").test_client()
    announced = client.post("/3d/from-scan", data=upload(("a.ply", b"x" * 3000)))
    body = (
        b"--x\r\nContent-Disposition: form-data; name=files; filename=a.ply\r\n\r\n" + b"y" * 3000
    )
    chunked = client.post(
        "/3d/from-scan",
        input_stream=io.BytesIO(body),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (announced.status_code, chunked.status_code) == (413, 413)
    assert list(atlas.drafts.iterdir()) == []


def test_no_upload_is_taken_where_atlas_has_too_little_room(build: Callable[..., Flask]) -> None:
    client = build(INBOX3D_WEB__FREE_GB="1e9").test_client()
    answer = client.post("/3d/from-scan", data=upload(("a.ply", PLY)))
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_the_bytes_of_one_submitter_are_limited_over_all_its_jobs(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """Waiting, running and arriving together; ended ones, and those of others, do not count."""
    key = Keys(atlas).add("anna", "submit")
    client = build(INBOX3D_WEB__MAX_WAITING_GB="0.000005").test_client()
    forge(atlas, State.DONE, by="anna")
    anna = {"Authorization": f"Bearer {key}"}
    first = client.post("/3d/from-scan", data=upload(("a.ply", b"x" * 3000)), headers=anna)
    second = client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)), headers=anna)
    other = client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)))
    assert (first.status_code, second.status_code, other.status_code) == (202, 429, 202)
    assert (
        "0" in second.headers["Retry-After"]
        and "GB" in second.json["detail"]
        and list(atlas.drafts.iterdir()) == []
    )
    os.rename(atlas.inbox / first.json["job_id"], atlas.failed / first.json["job_id"])
    client.application.extensions["inbox3d"].follower.look()
    assert (
        client.post("/3d/from-scan", data=upload(("b.ply", b"x" * 3000)), headers=anna).status_code
        == 202
    )


def test_uploads_that_arrive_at_once_share_the_quota(build: Callable[..., Flask]) -> None:
    """Each alone would fit; the second is refused while the first is still on its way, and what broke off is given back."""
    web: Web = build(INBOX3D_WEB__MAX_WAITING_GB="0.000005").extensions["inbox3d"]
    with quota.arriving(web, "anna", 3000):
        with pytest.raises(Problem) as refusal, quota.arriving(web, "anna", 3000):
            raise AssertionError("never reached")
        with quota.arriving(web, "anna", 0) as count, pytest.raises(Problem):
            for _ in range(3):
                count(1000)
    assert refusal.value.status == 429
    with quota.arriving(web, "anna", 5000):
        pass


def test_the_room_is_watched_while_an_upload_arrives(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The share fills up meanwhile: the upload ends before the floor is reached."""
    room = [10**15]
    monkeypatch.setattr(quota.shutil, "disk_usage", lambda path: SimpleNamespace(free=room[0]))
    with quota.arriving(web, "anna", 1 << 30) as count, pytest.raises(Problem) as refusal:
        count(1 << 20)
        room[0] = -1
        count(quota.LOOK_EVERY)
    assert (refusal.value.status, "Retry-After" in refusal.value.headers) == (503, True)


def test_of_many_at_once_only_as_many_pass_as_may(
    build: Callable[..., Flask], atlas: Atlas
) -> None:
    """Submissions and retries in threads; what is not listed yet counts too."""
    app, done = build(INBOX3D_WEB__MAX_WAITING="2"), forge(atlas, State.DONE)

    def send(number: int) -> int:
        client = app.test_client()
        return (
            client.post("/3d/generate", json={"prompt": "x"})
            if number % 2
            else client.post(f"/3d/jobs/{done.id}/retry")
        ).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(send, range(8)))
    assert statuses == [202] * 2 + [429] * 6
    assert len(atlas.places(State.INBOX)) == 2 and list(atlas.drafts.iterdir()) == []


def test_files_and_names_of_images_do_not_go_together(client: FlaskClient, atlas: Atlas) -> None:
    (atlas.inputs / "a.png").write_bytes(b"\x89PNG")
    answer = client.post("/3d/from-image", data=upload(("b.png", b"\x89PNG"), image_paths="a.png"))
    assert answer.status_code == 422 and "one of them" in answer.json["detail"]
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize("views", [True, "4", 4.5])
def test_what_is_no_number_in_json_is_none(client: FlaskClient, views: Any) -> None:
    answer = client.post("/3d/generate", json={"prompt": "x", "views": views})
    assert answer.status_code == 422 and answer.json["detail"] == "views: it must be a whole number"


def test_a_retry_counts_like_a_submission(build: Callable[..., Flask], atlas: Atlas) -> None:
    """A done job's copy belongs to who asked for it: no way around the quota."""
    client, done = build(INBOX3D_WEB__MAX_WAITING="1").test_client(), forge(atlas, State.DONE)
    statuses = [client.post(f"/3d/jobs/{done.id}/retry").status_code for _ in range(2)]
    assert statuses == [202, 429] and len(atlas.places(State.INBOX)) == 1


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
