"""A client that a generator wrote from /openapi.json calls every route of a real service."""

from __future__ import annotations

import importlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from layout import lifecycle
from layout.manifest import read_job
from layout.signs import Progress
from layout.tree import Atlas, State
from tests.conftest import ROOT, missing
from tests.support.web import GLB, PLY, Server, forge, zip_with
from webapi.routes.table import ROUTES

pytestmark = pytest.mark.slow
GENERATOR = ROOT / ".venv" / "generator"
# what the generator does not know by itself: such answers are bytes
SETTINGS = "content_type_overrides:\n  image/png: application/octet-stream\n  application/zip: application/octet-stream\n"


@pytest.fixture
def package(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the generated package, which can be imported."""
    if not (GENERATOR / "openapi_python_client").is_dir():
        missing("openapi-python-client", "run make setup")
    (tmp_path / "settings.yml").write_text(SETTINGS)
    (tmp_path / "openapi.json").write_bytes(server.get("/openapi.json").data)
    name = f"client_{os.getpid()}"
    command = [sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"]
    command += ["--path", "openapi.json", "--output-path", name, "--config", "settings.yml"]
    made = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(GENERATOR)}, capture_output=True, text=True, timeout=120
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    told = made.stdout + made.stderr
    assert "WARNING parsing" not in told and "ERROR" not in told, told
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_generated_client_calls_every_route(package: str, server: Server, atlas: Atlas) -> None:
    """Bodies, files, options and queries go out as they are declared; what comes back is what the
    document says: objects of its models, or bytes."""
    part = {
        name: importlib.import_module(f"{package}.{name}") for name in ("client", "types", "models")
    }
    client, models = part["client"].Client(base_url=server.url), part["models"]

    def file(data: bytes, name: str) -> Any:
        return part["types"].File(io.BytesIO(data), name, "application/octet-stream")

    places = {
        state: forge(
            atlas, state, progress=Progress(stage="finish.export", fraction=0.5, message="x")
        )
        for state in State
    }
    done, again, away, deleted = (
        forge(atlas, State.DONE, output={"model.glb": GLB, "thumbnail.png": b"\x89PNG"}).id
        for _ in range(4)
    )
    lifecycle.delete(atlas, atlas.at_done(away))
    picture = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(picture, "PNG")
    by_id: dict[str, dict[str, Any]] = {
        "cancel": {"id": places[State.CLAIMED].id}, "retry": {"id": places[State.FAILED].id}, "delete": {"id": deleted},
        "again": {"id": again, "body": models.Again(faces=900)}, "restore": {"id": away},
        "export": {"id": done, "body": models.Export(output_format=models.ExportOutputFormatType0.STL)},
        "label": {"id": done, "body": models.Labelled(name="Grandma's jug", tags=["kitchen"])},
        "artefact": {"id": done, "name": "model.glb"},
    }  # fmt: skip
    whole: dict[str, dict[str, Any]] = {
        "generate": {"body": models.Generate(prompt="a red cube", seed=7)},
        "from_image": {"body": models.FromImageFilesBody(files=[file(picture.getvalue(), "front.png")])},
        "from_scan": {"body": models.FromScanFilesBody(files=[file(PLY, "a.ply"), file(PLY, "b.ply")], name="jug", urgent=True)},
        "jobs": {"state": models.JobsState.COMPLETED, "page_size": 2}, "download_many": {"job": [done]},
        "many": {"body": models.Many(do=models.ManyDo.CANCEL, jobs=[places[State.PROCESSING].id])},
    }  # fmt: skip
    told = {}
    for route in ROUTES:
        module = importlib.import_module(f"{package}.api.default.{route.name}")
        if route.name == "events":  # it does not end
            with client.get_httpx_client().stream(**module._get_kwargs()) as stream:
                told[route.name] = stream.status_code
            continue
        facts = by_id.get(route.name) or (
            {"id": done} if "{id}" in route.rule else whole.get(route.name, {})
        )
        answer = module.sync_detailed(client=client, **facts)
        told[route.name] = answer.status_code
        for status, model in route.answers.items():
            if status == answer.status_code and isinstance(model, type):
                assert type(answer.parsed).__name__ == model.__name__, route
        if route.name in ("download", "artefact"):
            assert answer.parsed.payload.read() == GLB
        if route.name == "from_scan":
            job = read_job(atlas.disk, atlas.inbox / answer.parsed.job_id)
            assert job is not None and job.source.name == "jug" and job.options == {"urgent": True}
    assert told == {route.name: min(route.answers) for route in ROUTES}


def test_a_generated_client_sends_one_file_with_its_options_in_the_query(
    package: str, server: Server, atlas: Atlas
) -> None:
    """Nothing that was not said goes along: no kind has every option."""
    part = {
        name: importlib.import_module(f"{package}.{name}") for name in ("client", "types", "models")
    }
    module = importlib.import_module(f"{package}.api.default.from_scan")
    data = part["types"].File(io.BytesIO(zip_with(("cube.ply", PLY))))
    client = part["client"].Client(base_url=server.url)
    answer = module.sync_detailed(client=client, body=data, name="Vase", faces=900)
    assert answer.status_code == 202, answer.content
    job = read_job(atlas.disk, atlas.inbox / answer.parsed.job_id)
    assert job is not None and (job.source.name, job.options) == ("Vase", {"faces": 900})
