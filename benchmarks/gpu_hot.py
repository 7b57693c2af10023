"""Rows of what stays on a GPU from job to job, who goes when room is short, and who is refused.

The weights lie in a folder as `inbox3d models` leaves them, and go through the pipeline's own
holding (pipeline/backends/hot.py) and tenancy (pipeline/gpu/tenancy.py).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu_measured import Row, beside, drawn, measured
from benchmarks.gpu_sizes import Sizes
from pipeline.backends import hot, memory
from pipeline.gpu import tenancy
from pipeline.networks.triposr import TripoSR
from pipeline.weights import loading

Job = Callable[[Any, Tensor], str]
SECOND = """
import sys
from pipeline.gpu import tenancy
try:
    tenancy.take("cuda:0").close()
except tenancy.GpuTaken as taken:
    sys.exit(taken.message)
"""


def held(sizes: Sizes, device: str, rounds: int, job: Job) -> list[Row]:
    """A first and a second job of one model; a third for which another model must go; engines that
    want a GPU which has one. JOB makes a mesh with a network of a picture."""
    image = torch.rand(1, 3, sizes.triposr.image, sizes.triposr.image, device=device)
    with tempfile.TemporaryDirectory() as folder:
        first, second = (Path(folder) / name for name in ("first", "second"))
        for place in (first, second):
            place.mkdir()
            loading.save(place, drawn(TripoSR, sizes.triposr, "cpu"), "triposr")
        try:
            return [
                *beside(_twice(first, image, rounds, job)),
                _evicted(first, second, image, rounds, job),
                *_refused(device),
            ]
        finally:
            hot.forget()


def _twice(folder: Path, image: Tensor, rounds: int, job: Job) -> list[Row]:
    def cold() -> str:
        hot.forget()
        return job(hot.network(folder), image)

    what = "TripoSR, a job"
    return [
        measured(what, "the first: weights from disk", cold, rounds),
        measured(what, "the second: hot", lambda: job(hot.network(folder), image), rounds),
    ]


def _evicted(first: Path, second: Path, image: Tensor, rounds: int, job: Job) -> Row:
    """Room for one of two models: what is used less goes, whichever is asked for."""

    def work() -> str:
        hot.forget()
        job(hot.network(first), image)
        room, hot.WORK = hot.WORK, memory.free()  # nothing more fits beside it
        try:
            job(hot.network(second), image)
        finally:
            hot.WORK = room
        left = [Path(name).parent.name for name in hot._held]
        return f"held then: {', '.join(left)}"

    return measured("TripoSR, two models", "room for one: the older goes", work, rounds)


def _refused(device: str) -> list[Row]:
    """This process has the GPU, as an engine has; others ask for it, with our lock and without."""
    rows = []
    with tempfile.TemporaryDirectory() as elsewhere:
        here = os.environ | {"INBOX3D_RUN": str(Path(elsewhere) / "run")}
        before, os.environ["INBOX3D_RUN"] = os.environ.get("INBOX3D_RUN"), here["INBOX3D_RUN"]
        try:
            with tenancy.take("cuda:0"):
                rows.append(_asked("a second engine of ours", here))
        except tenancy.GpuTaken as taken:  # a container may tell our process by another number
            rows.append(Row("one GPU, two engines", "the first one", note=taken.message))
        finally:
            os.environ.pop("INBOX3D_RUN")
            if before is not None:
                os.environ["INBOX3D_RUN"] = before
        if device == "cuda":
            rows.append(_asked("an engine that sees no lock of ours", here))
    return rows


def _asked(who: str, environment: dict[str, str]) -> Row:
    began = time.perf_counter()
    said = subprocess.run(
        [sys.executable, "-c", SECOND], env=environment, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    words = said.stderr.strip().splitlines()[-1] if said.returncode else "not refused"
    return Row("one GPU, two engines", who, seconds, "once", note=words)
