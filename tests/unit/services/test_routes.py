"""The services' routes: what they answer, what they refuse by name, and what they never read."""

from __future__ import annotations

import base64
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from flask.testing import FlaskClient
from PIL import Image

from layout.tree import Atlas
from pipeline import safe_fetch
from pipeline.services import answers
from tests.support.drops import stl_file
from tests.support.web import FOREIGN
from webapi.access.keys import Keys
from webapi.problems import named

Service = Callable[[str], FlaskClient]
RULES = {
    "/generate": "views", "/imagine/generate": "views", "/imagine/from-urls": "views", "/reconstruct/mesh": "mesh", "/postprocess/clean": "finish",
}  # fmt: skip


def picture(path: Path) -> Path:
    """A red square on light grey."""
    rgb = np.full((96, 96, 3), 225, np.uint8)
    rgb[24:72, 24:72] = (190, 40, 30)
    Image.fromarray(rgb).save(path)
    return path


def left_over(scratch: Path) -> list[str]:
    return sorted(
        str(path.relative_to(scratch))
        for path in scratch.rglob("*")
        if path.is_file() or path.name == answers.WORK
    )


# -- answers -----------------------------------------------------------------------------------
def test_generate_answers_with_the_missions_fields_and_says_that_it_is_a_placeholder(
    service: Service, scratch: Path
) -> None:
    body = {"prompt": "a red cube, left side view", "width": 640, "height": 384, "seed": 7}
    answer = service("views").post("/generate", json=body).get_json()
    data = base64.b64decode(answer["image_b64"], validate=True)
    assert data == Path(answer["image_path"]).read_bytes()
    assert Path(answer["image_path"]).is_relative_to(scratch)
    assert Image.open(io.BytesIO(data)).size == (640, 384)
    assert (answer["seed"], answer["azimuth"], answer["placeholder"]) == (7, 90.0, True)


def test_the_same_request_gives_the_same_picture(service: Service) -> None:
    first, again = (
        service("views").post("/generate", json={"prompt": "a mug"}).get_json() for _ in range(2)
    )
    assert first["image_b64"] == again["image_b64"]
    assert first["image_path"] != again["image_path"]


@pytest.mark.parametrize(
    ("prompts", "names"),
    [
        (["a mug, front view", "a mug, back view"], ["000.png", "180.png"]),
        (["a mug", "a mug", "a mug, left view"], ["000.png", "120.png", "240.png"]),
    ],
)
def test_imagine_makes_a_picture_per_prompt_named_by_its_side(
    service: Service, prompts: list[str], names: list[str]
) -> None:
    """Without sides in all the prompts they are evenly spaced."""
    answer = service("views").post("/imagine/generate", json={"prompts": prompts}).get_json()
    assert [Path(path).name for path in answer["image_paths"]] == names
    assert [image["image_path"] for image in answer["images"]] == answer["image_paths"]
    assert answer["placeholder"] is True


def test_pictures_at_addresses_are_fetched_cut_out_and_brought_to_one_size(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        safe_fetch, "fetch", lambda *_: iter([picture(tmp_path / "a.png").read_bytes()])
    )
    answer = (
        service("views")
        .post("/imagine/from-urls", json={"urls": ["https://pictures.example/left.png"]})
        .get_json()
    )
    assert [Path(path).name for path in answer["image_paths"]] == ["090.png"]
    with Image.open(answer["image_paths"][0]) as image:
        assert (image.mode, image.size) == ("RGBA", (512, 512))


def test_an_address_that_is_not_public_is_refused(service: Service) -> None:
    answer = service("views").post("/imagine/from-urls", json={"urls": ["http://127.0.0.1/a.png"]})
    assert (answer.status_code, "not a public address" in answer.get_json()["detail"]) == (
        422,
        True,
    )


@pytest.mark.slow
def test_a_mesh_is_made_from_what_views_answered_and_from_inputs(
    service: Service, atlas: Atlas
) -> None:
    """A service's own answers and files below inputs/, in all the spellings that a job may use."""
    made = (
        service("views")
        .post("/generate", json={"prompt": "a red cube, front view"})
        .get_json()["image_path"]
    )
    picture(atlas.inputs / "left.png")
    for paths in (
        [made],
        ["left.png"],
        ["/inputs/left.png"],
        [made, str(atlas.inputs / "left.png")],
    ):
        body = {"image_paths": paths, "output_format": "ply", "backend": "placeholder"}
        answer = service("mesh").post("/reconstruct/mesh", json=body).get_json()
        assert Path(answer["mesh_path"]).name == "model.ply"
        assert len(trimesh.load(answer["mesh_path"], force="mesh").faces) == answer["faces"] > 100
        assert (answer["placeholder"], answer["label"], answer["watertight"]) == (
            True,
            "placeholder",
            True,
        )


def test_a_mesh_is_cleaned_and_written_in_the_asked_format(service: Service, atlas: Atlas) -> None:
    stl_file(atlas.inputs / "part.stl")
    answer = (
        service("finish")
        .post("/postprocess/clean", json={"mesh_path": "part.stl", "output_format": "obj"})
        .get_json()
    )
    assert Path(answer["mesh_path"]).name == "model.obj"
    assert (answer["faces"], answer["watertight"], answer["placeholder"]) == (4, True, False)
    assert answer["mesh_path"] in answer["files"]


def test_health_and_ready_say_which_service_this_is(service: Service) -> None:
    for name in ("views", "mesh", "finish"):
        assert service(name).get("/health").get_json() | {"version": ""} == {
            "status": "ok",
            "service": name,
            "version": "",
        }
        assert service(name).get("/ready").get_json() == {
            "status": "ready",
            "service": name,
            "device": "cpu",
            "making": 0,
            "waiting": 0,
        }


# -- refusals ----------------------------------------------------------------------------------
GOOD: dict[str, dict[str, Any]] = {
    "/generate": {"prompt": "a mug"}, "/imagine/generate": {"prompts": ["a mug"]}, "/imagine/from-urls": {"urls": ["https://a.example/b.png"]},
    "/reconstruct/mesh": {"image_paths": ["a.png"]}, "/postprocess/clean": {"mesh_path": "a.stl"},
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_an_unknown_field_is_refused_by_name(service: Service, rule: str) -> None:
    answer = service(RULES[rule]).post(rule, json=GOOD[rule] | {"colour": "red"})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.get_json()["errors"] == [
        {"field": "colour", "message": "there is no such option"}
    ]
    assert answer.get_json()["remedy"]


@pytest.mark.parametrize(
    ("rule", "body", "field"),
    [
        ("/generate", {}, "prompt"), ("/generate", {"prompt": " "}, "prompt"), ("/generate", {"prompt": "x" * 2001}, "prompt"),
        ("/generate", {"prompt": "x", "width": 500}, "width"), ("/generate", {"prompt": "x", "height": 4096}, "height"),
        ("/generate", {"prompt": "x", "width": 16}, "width"), ("/generate", {"prompt": "x", "seed": -1}, "seed"),
        ("/imagine/generate", {"prompts": []}, "prompts"), ("/imagine/generate", {"prompts": ["x"] * 17}, "prompts"),
        ("/imagine/from-urls", {"urls": []}, "urls"), ("/reconstruct/mesh", {"image_paths": []}, "image_paths"),
        ("/reconstruct/mesh", {"image_paths": ["a.png"], "output_format": "step"}, "output_format"),
        ("/postprocess/clean", {"mesh_path": ""}, "mesh_path"), ("/postprocess/clean", {}, "mesh_path"),
    ],
)  # fmt: skip
def test_a_field_that_is_wrong_is_named(
    service: Service, rule: str, body: dict[str, Any], field: str
) -> None:
    answer = service(RULES[rule]).post(rule, json=body)
    assert answer.status_code == 422
    assert [row["field"].partition(".")[0] for row in answer.get_json()["errors"]] == [field]


@pytest.mark.parametrize("rule", RULES)
def test_what_is_no_json_or_too_large_is_refused(service: Service, rule: str) -> None:
    client = service(RULES[rule])
    assert client.post(rule, data="{", content_type="application/json").status_code == 400
    assert client.post(rule, data="{}", content_type="text/plain").status_code == 415
    assert (
        client.post(rule, data=b" " * (2 << 20), content_type="application/json").status_code == 413
    )


OUTSIDE = [
    "../secret.png",
    "/etc/passwd",
    "inputs/../../secret.png",
    "/inputs/link.png",
    "linked/a.png",
    ".hidden.png",
    "folder",
    "",
    "a\0b",
    "none.png",
]


@pytest.mark.parametrize("asked", OUTSIDE)
@pytest.mark.parametrize("rule", ["/reconstruct/mesh", "/postprocess/clean"])
def test_nothing_outside_its_own_folder_and_inputs_is_read(
    service: Service, atlas: Atlas, scratch: Path, rule: str, asked: str
) -> None:
    """Not by dots, not by links, not by absolute paths."""
    secret = picture(atlas.root / "secret.png")
    picture(atlas.inputs / ".hidden.png")
    (atlas.inputs / "link.png").symlink_to(secret)
    (atlas.inputs / "folder").mkdir()
    (atlas.inputs / "linked").symlink_to(atlas.root)
    picture(atlas.root / "a.png")
    answer = service(RULES[rule]).post(
        rule, json={"image_paths": [asked]} if "mesh" in rule else {"mesh_path": asked}
    )
    assert answer.status_code == 422
    assert left_over(scratch) == []


def test_no_path_below_the_services_folder_leaves_it(service: Service, scratch: Path) -> None:
    """Only what a service answered is read, not the scratch of jobs beside it."""
    job = scratch / "vase-0123456789@host-cpu-abcd.1"
    job.mkdir(parents=True)
    picture(job / "a.png")
    for asked in (
        f"{scratch}/{job.name}/a.png",
        f"{scratch}/services/../{job.name}/a.png",
        f"{scratch}/services/views/../../{job.name}/a.png",
    ):
        assert (
            service("mesh").post("/reconstruct/mesh", json={"image_paths": [asked]}).status_code
            == 422
        )


def test_a_stages_refusal_keeps_its_words_and_nothing_is_left_behind(
    service: Service, atlas: Atlas, scratch: Path
) -> None:
    Image.new("RGB", (64, 64), (200, 200, 200)).save(atlas.inputs / "empty.png")
    answer = service("mesh").post("/reconstruct/mesh", json={"image_paths": ["empty.png"]})
    problem = answer.get_json()
    assert (answer.status_code, problem["type"]) == (422, "/docs#InputRejected")
    assert "InputRejected" in named()
    assert "no object stands out" in problem["detail"] and "plain background" in problem["remedy"]
    assert left_over(scratch) == []


def test_a_backend_that_is_not_here_is_refused_before_any_work(
    service: Service, atlas: Atlas
) -> None:
    picture(atlas.inputs / "front.png")
    answer = service("mesh").post(
        "/reconstruct/mesh", json={"image_paths": ["front.png"], "backend": "triposr"}
    )
    assert (answer.status_code, answer.get_json()["detail"]) == (
        422,
        "backend: this service has no triposr.",
    )
    assert "visual-hull" in answer.get_json()["remedy"]


def test_another_services_route_names_the_ones_that_are_here(service: Service) -> None:
    assert (
        "POST /reconstruct/mesh"
        in service("mesh").post("/generate", json={"prompt": "x"}).get_json()["remedy"]
    )
    wrong = service("mesh").get("/reconstruct/mesh")
    assert (wrong.status_code, {*wrong.headers["Allow"].split(", ")}) == (405, {"POST", "OPTIONS"})


def test_other_hosts_need_a_key_and_pages_of_other_sites_get_nothing(
    service: Service, atlas: Atlas
) -> None:
    """[web] lan = read lets them look, no more."""
    client, body = service("views"), {"prompt": "x"}
    assert client.post("/generate", json=body, headers=FOREIGN).status_code == 401
    assert client.get("/ready", headers=FOREIGN).status_code == 200
    keys = {
        scope: {"Authorization": f"Bearer {Keys(atlas).add(scope, scope)}"}
        for scope in ("read", "submit")
    }  # type: ignore[arg-type]
    assert [
        client.post("/generate", json=body, headers=FOREIGN | key).status_code
        for key in keys.values()
    ] == [403, 200]
    assert (
        client.post("/generate", json=body, headers={"Origin": "https://evil.example"}).status_code
        == 403
    )
    assert client.post("/generate", json=body, headers={"Host": "evil.example"}).status_code == 403


def test_only_the_newest_answers_stay(
    service: Service, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "KEPT", 2)
    paths = [
        service("views").post("/generate", json={"prompt": "x"}).get_json()["image_path"]
        for _ in range(4)
    ]
    assert [Path(path).exists() for path in paths] == [False, False, True, True]
    shutil.rmtree(scratch)
    assert service("views").post("/generate", json={"prompt": "x"}).status_code == 200
