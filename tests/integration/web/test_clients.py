"""Programs that people have: downloads go on where they broke off, events are followed, metrics are read."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import httpx_sse
import pytest
import sseclient

from layout.signs import Progress
from layout.tree import Atlas, Place, State
from tests.support.web import Server, forge

pytestmark = pytest.mark.slow
Program = Callable[[str], Path]
LARGE = os.urandom(3_000_000)


@pytest.fixture
def bundle(server: Server, atlas: Atlas) -> str:
    """The address of a finished job's zip."""
    place = forge(atlas, State.DONE, output={"model.glb": LARGE, "report.html": b"<p>"})
    return f"{server.url}/3d/download/{place.id}?bundle=zip"


def run(*command: object) -> None:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def whole(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if name.endswith("model.glb"))
        return archive.testzip() is None and archive.read(name) == LARGE


def test_curl_goes_on_where_a_download_broke_off(
    bundle: str, program: Program, tmp_path: Path
) -> None:
    path, curl = tmp_path / "a.zip", program("curl")
    run(curl, "-sSf", "-o", path, bundle)
    data = path.read_bytes()
    path.write_bytes(data[:1_234_567])
    run(curl, "-sSf", "-C", "-", "-o", path, bundle)
    assert path.read_bytes() == data and whole(path)


def test_aria2_fetches_in_parts_and_goes_on(bundle: str, program: Program, tmp_path: Path) -> None:
    """Four connections at once; then from the first third."""
    aria, parts = program("aria2c"), ["-x4", "-s4", "-k1M", "--no-conf", "--console-log-level=warn"]
    run(aria, *parts, "-d", tmp_path, "-o", "a.zip", bundle)
    assert whole(tmp_path / "a.zip")
    shutil.copy(tmp_path / "a.zip", tmp_path / "b.zip")
    os.truncate(tmp_path / "b.zip", 1_000_000)
    run(aria, "-c", "--no-conf", "-d", tmp_path, "-o", "b.zip", bundle)
    assert (tmp_path / "b.zip").read_bytes() == (tmp_path / "a.zip").read_bytes()


def ends_soon(place: Place, atlas: Atlas) -> threading.Timer:
    """The job at PLACE goes on, then ends."""
    step = Progress(stage="finish.export", fraction=0.7, message="writing")

    def end() -> None:
        (place.path / "progress.json").write_bytes(step.dump())
        threading.Event().wait(1.0)
        (place.path / "output").mkdir()
        place.path.rename(atlas.done / place.id)

    timer = threading.Timer(0.7, end)
    timer.start()
    return timer


def heard_by_httpx(url: str) -> Iterator[tuple[str, str, Any]]:
    with httpx.Client(timeout=30) as http, httpx_sse.connect_sse(http, "GET", url) as source:
        for event in source.iter_sse():
            yield event.event, event.id, event.json()


def heard_by_sseclient(url: str) -> Iterator[tuple[str, str, Any]]:
    import json

    with httpx.stream("GET", url, timeout=30) as answer:
        for event in sseclient.SSEClient(answer.iter_bytes()).events():
            yield event.event, event.id, json.loads(event.data)


@pytest.mark.parametrize("listen", [heard_by_httpx, heard_by_sseclient])
def test_clients_of_events_follow_a_job_to_its_end(
    server: Server, atlas: Atlas, listen: Callable[[str], Iterator[tuple[str, str, Any]]]
) -> None:
    """Every event has a type, an id and data, the first one too; the stream ends with the job."""
    begun = Progress(stage="finish.export", fraction=0.2, message="begins")
    place = forge(atlas, State.PROCESSING, progress=begun)
    timer = ends_soon(place, atlas)
    heard = list(listen(f"{server.url}/3d/jobs/{place.id}/events"))
    timer.join()
    assert {what for what, _, _ in heard} == {"job"} and all(id for _, id, _ in heard)
    shares = [data["progress"] for _, _, data in heard]
    assert shares[0] == 0.2 and shares == sorted(shares) and 0.7 in shares
    assert heard[-1][2]["state"] == "completed"


def test_promtool_finds_nothing_to_say_against_the_metrics(
    server: Server, atlas: Atlas, program: Program
) -> None:
    forge(atlas, State.DONE)
    server.get("/3d/jobs")
    text = server.get("/metrics").data
    done = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, timeout=30
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
