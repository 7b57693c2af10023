"""Services as processes: a worker's views come from one, FLUX itself runs in one, and its engine may die without it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import urllib3

from layout.tree import State
from pipeline.backends import generators
from pipeline.backends.generator_protocol import shots
from pipeline.backends.remote import RemoteViews
from tests.support import tinyflux
from tests.support.live import House, eventually, house
from tests.support.web import free_port

pytestmark = pytest.mark.slow


class Service:
    """`inbox3d serve NAME` on loopback."""

    def __init__(self, house: House, name: str, **variables: str) -> None:
        self.port, self.log = free_port(), house.root / f"{name}.log"
        self.url, self.http = (
            f"http://127.0.0.1:{self.port}",
            urllib3.PoolManager(retries=False, timeout=120),
        )
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "serve",
            name,
            "--atlas",
            str(house.atlas.root),
            "--device",
            "cpu",
        ]
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{self.port}"],
                env=house.environment | variables,
                stdout=file,
                stderr=file,
            )
        eventually(self._ready, 60, f"{name} is ready ({self.log.read_text()})")

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return bool(self.http.request("GET", f"{self.url}/ready").status == 200)
        return False

    def post(self, rule: str, **body: Any) -> Any:
        return self.http.request("POST", self.url + rule, json=body)

    def engines(self) -> list[int]:
        """Its engines' process ids; they are children of a thread, which a look at the main thread does not show."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        return [
            one.pid
            for one in family
            if one.status() != psutil.STATUS_ZOMBIE and "pipeline.gpu.child" in one.cmdline()
        ]

    def close(self) -> None:
        self.http.clear()
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            House.kill_group(self.process)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    for name in ("USE_IMAGE_STUB", "FLUX_MODEL", "FLUX_BACKEND_URL", "FLUX_BACKEND_KEY"):
        monkeypatch.delenv(name, raising=False)
    with house(tmp_path, {"INBOX3D_HOST__MODELS": str(tmp_path / "models")}) as one:
        yield one


@pytest.fixture
def serve(home: House) -> Iterator[Callable[..., Service]]:
    running: list[Service] = []

    def go(name: str, **variables: str) -> Service:
        running.append(Service(home, name, **variables))
        return running[-1]

    yield go
    for service in running:
        service.close()


def test_a_prompt_job_of_a_worker_that_knows_the_service_ends_in_done_with_its_views(
    home: House, serve: Callable[..., Service]
) -> None:
    """Also where the service itself is started with FLUX_BACKEND_URL set: it does not ask itself."""
    service = serve("views", FLUX_BACKEND_URL="http://127.0.0.1:9")
    home.environment["FLUX_BACKEND_URL"] = service.url
    home.up()
    folder = home.atlas.inbox / "cube"
    folder.mkdir()
    (folder / "job.toml").write_text(
        'kind = "prompt"\nprompt = "a red cube"\nbackend = "placeholder"\ntexture = false\n'
    )
    place, job = home.ended("cube", 120)
    assert place.state is State.DONE, (place.path / "error.txt").read_text()
    assert job.provenance.label == "placeholder"
    assert any(warning.startswith("Placeholder: the views") for warning in job.provenance.warnings)
    assert service.log.read_text().count("service.answered rule=/generate") == 4
    assert (place.path / "output/model.glb").read_bytes()[:4] == b"glTF"


def test_views_of_a_service_are_those_that_the_worker_would_make_itself(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    service, wanted = serve("views"), shots("a blue mug", 8, 3)
    made, own = (
        RemoteViews(service.url).generate(wanted, 4),
        generators.choose(tmp_path / "models", {}).generate(wanted, 4),
    )
    assert (made.label, made.source) == ("placeholder", service.url)
    np.testing.assert_array_equal(made.pictures, own.pictures)


def test_flux_runs_in_the_service_and_gives_the_pictures_that_it_gives_here(
    serve: Callable[..., Service], tmp_path: Path
) -> None:
    """A tiny FLUX with random weights, loaded once and held; the same seeds give the same pictures in both processes."""
    tinyflux.save(tmp_path / "models" / "flux-schnell")
    service, wanted = (
        serve("views", FLUX_MODEL="black-forest-labs/FLUX.1-schnell"),
        shots("a red cube", 2, 7),
    )
    made = RemoteViews(service.url, size=(80, 64)).generate(wanted, 4)
    own = generators.choose(tmp_path / "models", {}, size=(80, 64)).generate(wanted, 4)
    assert made.label is None
    assert made.pictures[0].shape == (64, 80, 3)
    assert np.abs(np.subtract(made.pictures, own.pictures, dtype=int)).max() <= 1
    assert np.abs(np.subtract(*made.pictures, dtype=int)).mean() > 1


def test_a_service_outlives_its_engine_and_takes_it_along_at_the_end(
    serve: Callable[..., Service],
) -> None:
    service = serve("views")
    assert service.post("/generate", prompt="a mug").status == 200
    (engine,) = service.engines()
    os.kill(engine, signal.SIGKILL)
    eventually(lambda: engine not in service.engines(), 20, "the engine is gone")
    assert service.post("/generate", prompt="a mug").status == 200
    (another,) = service.engines()
    assert another != engine
    service.close()
    eventually(lambda: not psutil.pid_exists(another), 20, "the new engine is gone too")


def test_a_key_is_what_lets_a_worker_of_another_host_in(
    home: House, serve: Callable[..., Service]
) -> None:
    """Requests through a proxy count as another host's; FLUX_BACKEND_KEY is sent along."""
    from webapi.access.keys import Keys

    service, key = serve("views"), Keys(home.atlas).add("gpu", "submit")
    foreign = {"X-Forwarded-For": "10.0.0.9"}
    answers = [
        service.http.request(
            "POST", f"{service.url}/generate", json={"prompt": "x"}, headers=foreign | more
        )
        for more in ({}, {"Authorization": f"Bearer {key}"})
    ]
    assert [answer.status for answer in answers] == [401, 200]
    views = generators.choose(None, {"FLUX_BACKEND_URL": service.url, "FLUX_BACKEND_KEY": key})
    assert len(views.generate(shots("x", 1, 0), 4).pictures) == 1
    wrong = generators.choose(
        None, {"FLUX_BACKEND_URL": service.url, "FLUX_BACKEND_KEY": "i3d_wrong_key"}
    )
    with pytest.raises(generators.BackendUnavailable, match="it answered 401"):
        wrong.generate(shots("x", 1, 0), 4)
