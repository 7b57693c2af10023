"""Pictures and prompts as people drop them: the same jobs as the API makes of them, and the same models."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from flask.testing import FlaskClient
from PIL import Image

from layout.manifest import JobFile, read_job
from layout.tree import Place, State
from tests.support import solids
from tests.support.live import House, eventually, house
from tests.support.web import make_settings
from webapi import create_app

pytestmark = pytest.mark.slow
SIDES = {"front": 0, "left": 90, "back": 180, "right": 270}
STRANGERS = ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL")
EIGHT = tuple(range(0, 360, 45))


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in STRANGERS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(atlas_house: House, tmp_path: Path) -> House:
    """A host without weights."""
    atlas_house.environment["INBOX3D_HOST__MODELS"] = str(tmp_path / "models")
    return atlas_house


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A tree with a running ``up`` without weights, for all that is made into models."""
    folder = tmp_path_factory.mktemp("fleet")
    with pytest.MonkeyPatch.context() as patch:
        for name in STRANGERS:
            patch.delenv(name, raising=False)
        with house(folder, {"INBOX3D_HOST__MODELS": str(folder / "models")}) as one:
            one.up()
            yield one


@contextmanager
def client_of(home: House, folder: Path) -> Iterator[FlaskClient]:
    app = create_app(home.atlas, make_settings(folder))
    yield app.test_client()
    app.extensions["inbox3d"].index.engine.dispose()


@pytest.fixture
def client(home: House, tmp_path: Path) -> Iterator[FlaskClient]:
    with client_of(home, tmp_path) as one:
        yield one


def pngs(names: dict[str, int], size: int = 256) -> dict[str, bytes]:
    """Photos of the arrow by name and azimuth, as PNG."""
    found = {}
    for (name, _), (rgb, _) in zip(
        names.items(), solids.photos(solids.ARROW, tuple(names.values()), size=size), strict=True
    ):
        out = io.BytesIO()
        Image.fromarray(rgb).save(out, "PNG")
        found[f"{name}.png"] = out.getvalue()
    return found


def drop(home: House, name: str, files: dict[str, bytes], **options: Any) -> None:
    (home.atlas.inbox / name).mkdir()
    for file, data in files.items():
        (home.atlas.inbox / name / file).write_bytes(data)
    if options:
        lines = (f"{key} = {json.dumps(value)}\n" for key, value in options.items())
        (home.atlas.inbox / name / "job.toml").write_text("".join(lines))


def upload(client: FlaskClient, name: str, files: dict[str, bytes], **options: Any) -> None:
    parts = [(io.BytesIO(data), file) for file, data in files.items()]
    answer = client.post(
        "/3d/from-image",
        data={"files": parts, "name": name, **options},
        content_type="multipart/form-data",
    )
    assert answer.status_code == 202, answer.get_data(as_text=True)


def accepted(home: House, name: str) -> tuple[Place, JobFile]:
    def look() -> Place | None:
        place = home.where(name)
        return place if place and place.state is State.CLAIMED and not place.hidden else None

    place = eventually(look, 30, f"{name} being accepted ({home.tail()})")
    job = read_job(home.atlas.disk, place.path)
    assert job is not None
    return place, job


def test_pictures_and_prompts_become_the_jobs_that_the_api_makes_of_them(
    home: House, client: FlaskClient
) -> None:
    """Kind, options, first queue and the files that are used; no host here works on them."""
    home.up("--queues", "scan")
    one, four, eight = (
        pngs({"shoe": 0}),
        pngs(SIDES),
        pngs({f"{azimuth:03}": azimuth for azimuth in EIGHT}),
    )
    (home.atlas.inbox / "shoe.png").write_bytes(one["shoe.png"])
    drop(home, "four", four)
    drop(home, "eight", eight, quality_tier="high")
    (home.atlas.inbox / "prompt.txt").write_text("a red cube\n")
    upload(client, "shoe-api", one)
    upload(client, "four-api", four)
    upload(client, "eight-api", eight, quality_tier="high")
    assert client.post("/3d/generate", json={"prompt": "a red cube"}).status_code == 202
    for dropped, asked, kind, queue in (
        ("shoe.png", "shoe-api", "images", "prepare"), ("four", "four-api", "images", "prepare"), ("eight", "eight-api", "images", "prepare"),
        ("prompt.txt", "a red cube", "prompt", "views"),
    ):  # fmt: skip
        (place, job), (other_place, other) = accepted(home, dropped), accepted(home, asked)
        assert (job.kind, place.queue, other.kind, other_place.queue) == (kind, queue, kind, queue)
        assert job.options == other.options
        assert [row.path for row in job.manifest if row.used] == [
            row.path for row in other.manifest if row.used
        ]


def test_one_dropped_picture_and_a_prompt_end_in_done_with_the_models_that_the_api_gives(
    fleet: House, tmp_path: Path
) -> None:
    """Byte for byte; without weights the one is a draft, the other a placeholder."""
    small = {"texture_size": 256, "faces": 2000}
    drop(fleet, "shoe", pngs({"shoe": 0}), **small)
    drop(fleet, "cube", {"prompt.txt": b"a red cube"}, **small)
    with client_of(fleet, tmp_path) as client:
        upload(client, "shoe-api", pngs({"shoe": 0}), **small)
        asked_for = client.post("/3d/generate", json={"prompt": "a red cube", **small})
    assert asked_for.status_code == 202
    for dropped, asked, label in (
        ("shoe", "shoe-api", "draft"),
        ("cube", "a red cube", "placeholder"),
    ):
        made = [fleet.ended(name, 240) for name in (dropped, asked)]
        assert [place.state for place, _ in made] == [State.DONE] * 2, fleet.tail()
        assert [job.provenance.label for _, job in made] == [label] * 2
        first, second = (
            hashlib.sha256((place.path / "output/model.glb").read_bytes()).hexdigest()
            for place, _ in made
        )
        assert first == second


def test_eight_photos_dropped_as_a_folder_end_as_a_textured_upright_draft(fleet: House) -> None:
    """000 … 315: stripes for texture, shading and noise on a plain background."""
    drop(
        fleet,
        "arrow",
        pngs({f"{azimuth:03}": azimuth for azimuth in EIGHT}, size=512),
        texture_size=1024,
        faces=20_000,
    )
    place, job = fleet.ended("arrow", 280)
    assert place.state is State.DONE, (place.path / "error.txt").read_text()
    assert (job.kind, job.provenance.label) == ("images", "draft")
    model = trimesh.load(place.path / "output/model.glb", force="mesh")
    assert solids.stands_upright_and_faces_front(np.asarray(model.vertices))
    texture = np.asarray(model.visual.material.baseColorTexture.convert("RGB"))
    assert texture.shape[:2] == (1024, 1024) and texture.std() > 20
    with Image.open(place.path / "output/preview.png") as preview:
        assert np.asarray(preview.convert("RGB")).std() > 10
    report = (place.path / "output/report.html").read_text()
    agreed = re.search(
        r"Draft by visual-hull from 8 views, which its views confirm to (\d+)%", report
    )
    assert agreed and int(agreed[1]) >= 95
