"""A drop larger than memory should hold: read pass by pass, with the same result."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from pipeline.stages.scan import _parked
from tests.support.scanfiles import e57
from tests.unit.scan.conftest import run_stages

ROWS, SCANS = 100_000, 12


def scans(seed: int) -> list[dict[str, np.ndarray]]:
    """Passes of a bumpy sheet, coloured, each with a place of its own."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(SCANS):
        x, y = rng.uniform(-1, 1, (2, ROWS))
        places = {"cartesianX": x, "cartesianY": y, "cartesianZ": 3 + 0.1 * np.sin(9 * x * y)}
        found.append(
            places | {f"color{c}": rng.integers(0, 255, ROWS) for c in ("Red", "Green", "Blue")}
        )
    return found


@pytest.mark.slow
def test_a_large_survey_is_read_pass_by_pass_with_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "site.e57").write_bytes(e57(tmp_path / "site.e57", scans(3)))
    plain = run_stages(drop, tmp_path / "plain", "read_passes", unit="m")
    monkeypatch.setattr(_parked, "MOST", 0)
    tracemalloc.start()
    parked = run_stages(drop, tmp_path / "parked", "read_passes", unit="m")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.6 * SCANS * ROWS * 27, "it does not hold all passes at once"
    files = sorted(path.name for path in (plain.ws.path("read_passes")).iterdir())
    assert files == sorted(path.name for path in (parked.ws.path("read_passes")).iterdir())
    assert len(files) == SCANS
    for name in files:
        one, other = (job.ws.path(f"read_passes/{name}").read_bytes() for job in (plain, parked))
        assert one == other
