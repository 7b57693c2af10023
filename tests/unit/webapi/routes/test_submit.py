"""Submitting over HTTP: the mission's routes word for word, and what is added to them."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest
from flask.testing import FlaskClient

from layout import lifecycle
from layout.manifest import read_job
from layout.tree import Atlas, State
from tests.support.web import PLY, zip_with


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


def test_a_submission_lists_no_folder(
    client: FlaskClient, atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait, the next one costs the same; each listed them all, and paid for each."""
    listed, entries = list[State](), Atlas.entries

    def told(self: Atlas, state: State) -> Any:
        listed.append(state)
        return entries(self, state)

    monkeypatch.setattr(Atlas, "entries", told)
    assert client.post("/3d/generate", json={"prompt": "a red cube"}).status_code == 202
    assert listed == []


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


# -- what can be done --------------------------------------------------------------------------


def test_files_and_names_of_images_do_not_go_together(client: FlaskClient, atlas: Atlas) -> None:
    (atlas.inputs / "a.png").write_bytes(b"\x89PNG")
    answer = client.post("/3d/from-image", data=upload(("b.png", b"\x89PNG"), image_paths="a.png"))
    assert answer.status_code == 422 and "one of them" in answer.json["detail"]
    assert atlas.places(State.INBOX) == [] and list(atlas.drafts.iterdir()) == []


@pytest.mark.parametrize("views", [True, "4", 4.5])
def test_what_is_no_number_in_json_is_none(client: FlaskClient, views: Any) -> None:
    answer = client.post("/3d/generate", json={"prompt": "x", "views": views})
    assert answer.status_code == 422 and answer.json["detail"] == "views: it must be a whole number"
