"""One engine on a GPU, bound to it from its birth; whoever comes second is refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline import config
from pipeline.gpu import tenancy
from pipeline.gpu.device import engine_environment
from pipeline.gpu.engine import Engine
from pipeline.services import server
from tests.support.live import eventually
from tests.support.nvml import GIB, Card, install


@pytest.fixture(autouse=True)
def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INBOX3D_RUN", str(tmp_path / "run"))


def test_a_gpu_that_another_of_ours_has_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the number that the driver gives it, whatever either calls it."""
    install(monkeypatch, Card(0), Card(1), Card(3))
    held = tenancy.take("cuda:1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    with pytest.raises(tenancy.GpuTaken, match="cuda:1 is used by another"):
        tenancy.take("cuda:1")
    tenancy.take("cuda:0").close()
    held.close()
    tenancy.take("cuda:1").close()


def test_a_gpu_that_somebody_else_computes_on_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the process, its program and what it holds; the lock is given back."""
    install(monkeypatch, Card(0, tenants={os.getppid(): 3 * GIB, 4_000_000: 0}), Card(1))
    with pytest.raises(tenancy.GpuTaken) as refused:
        tenancy.take("cuda:0")
    name = Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    assert f"process {os.getppid()} ({name}, 3.0 GiB)" in refused.value.message
    assert "process 4000000 (a program of another user or container)" in refused.value.message
    assert "--devices" in refused.value.remedy
    install(monkeypatch, Card(0, tenants={os.getpid(): GIB}))
    tenancy.take("cuda:0").close()


def test_a_service_is_a_tenant_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it listens, and before it loads anything."""
    install(monkeypatch, Card(0))
    held = tenancy.take("cuda:0")
    with pytest.raises(tenancy.GpuTaken):
        server.serve(None, config.Settings(), "mesh", "cuda:0", "127.0.0.1", 0)  # type: ignore[arg-type]
    held.close()


def test_an_engine_is_bound_from_its_birth() -> None:
    """By its environment: torch, which comes later, finds one GPU."""
    engine = Engine((), engine_environment("cuda:5"), 60, 2**33)
    engine.start()
    try:
        environment = Path(f"/proc/{engine.pid}/environ")  # empty until its program is there
        born = eventually(environment.read_bytes, 10, "an engine's environment").split(b"\0")
    finally:
        engine.stop()
    assert b"CUDA_VISIBLE_DEVICES=5" in born and b"CUDA_DEVICE_ORDER=PCI_BUS_ID" in born
