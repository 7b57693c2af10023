"""What is measured of engines and GPUs, and shown beside their workers."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from layout.signs import Gpu, Heartbeat
from webapi.context import Web
from webapi.notify import metrics

GIB = 2**30
H200 = Gpu(model="NVIDIA H200", memory=140 * GIB, used=35 * GIB, busy=0.87)
PART = Gpu(model="NVIDIA H200 MIG", memory=16 * GIB, used=0, busy=None)


def beat(worker: str, used: int, gpu: Gpu | None = None) -> Heartbeat:
    return Heartbeat(
        worker=worker,
        role="worker",
        counter=1,
        boot="x",
        pid=1,
        queues=("mesh",),
        memory=64 * GIB,
        used=used,
        gpu=gpu,
    )


@pytest.fixture(autouse=True)
def _workers(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    beats = [
        beat("host-gpu4-abcd", 12 * GIB, H200),
        beat("host-gpu5-abcd", GIB, PART),
        beat("host-cpu-abcd", 2 * GIB),
        beat("host-cpu-efgh", 3 * GIB),
    ]
    monkeypatch.setattr(web.follower, "workers", lambda: beats)


def test_engines_and_gpus_are_measured_under_names_that_stay(web: Web) -> None:
    """Host and device, not the name of a process; CPU workers of a host together; what is not told is not made up."""
    text = metrics.exposition(web)[0].decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if line[0] != "#")
    told = {name: float(value) for name, _, value in lines}
    assert told['inbox3d_engine_memory_bytes{worker="host-cpu"}'] == 5 * GIB
    assert told['inbox3d_engine_memory_bytes{worker="host-gpu4"}'] == 12 * GIB
    assert told['inbox3d_gpu_busy_ratio{worker="host-gpu4"}'] == 0.87
    assert told['inbox3d_gpu_memory_used_bytes{worker="host-gpu4"}'] == 35 * GIB
    assert 'inbox3d_gpu_busy_ratio{worker="host-gpu5"}' not in text
    assert 'inbox3d_gpu_memory_bytes{worker="host-gpu5"}' in text
    assert 'gpu_memory_bytes{worker="host-cpu"}' not in text


def test_the_page_shows_them_beside_each_worker(client: FlaskClient, web: Web) -> None:
    web.follower.look()
    page = client.get("/", headers={"Accept": "text/html"}).text
    assert "12.0 of 64 GiB · NVIDIA H200: 35.0 of 140 GiB, 87% busy" in page
    assert "NVIDIA H200 MIG: 0.0 of 16 GiB" in page and "2.0 of 64 GiB" in page
