"""PLY, PCD, E57 and LAS as other programs write them: everything that a file declares arrives, or is spoken of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.geometry import arrays
from tests.support.scanfiles import binary_ply, xyz
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
RNG = np.random.default_rng(12)
POINTS = np.round(RNG.normal((3, 1, 0), 1.0, (200, 3)), 4)
COLOURS = RNG.integers(0, 256, (200, 3))


def first(job: Job, number: int = 0) -> dict[str, np.ndarray]:
    return arrays.load(job.ws.path(job.scans.passes[number].arrays))


def said(job: Job) -> str:
    return "\n".join(job.ws.warnings)


def is_coloured(stored: dict[str, np.ndarray], colours: np.ndarray = COLOURS) -> bool:
    return bool(np.abs(stored["colors"].astype(int) - colours).max() <= 1)


def test_splats_are_told_from_points(read: Read) -> None:
    harmonic = (COLOURS / 255 - 0.5) / 0.28209479177387814
    columns = [
        *xyz(POINTS, "f4"),
        *((f"f_dc_{k}", "f4", harmonic[:, k]) for k in range(3)),
        ("opacity", "f4", POINTS[:, 0]),
    ]
    job = read({"a.ply": binary_ply(columns)})
    assert is_coloured(first(job))
    assert "Gaussian splats" in said(job)
