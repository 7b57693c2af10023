"""A survey keeps every point: cloud.ply counts what the file counts, to the digit of its coordinates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import Mesh
from pipeline.stages.finish import export
from tests.support.scanfiles import binary_ply, e57, las, xyz
from tests.unit.scan.conftest import Job, run_stages

RNG = np.random.default_rng(15)
COUNT = 6000
SITE = np.column_stack(
    [RNG.uniform(0, 30, COUNT), RNG.uniform(0, 12, COUNT), np.sin(RNG.uniform(0, 3, COUNT))]
)
SITE[:20] += RNG.uniform(-4, 4, (20, 3))  # birds
SITE = SITE.round(3)
UTM = np.array([636_000.0, 848_000.0, 0.0])
COLOURS = RNG.integers(0, 256, (COUNT, 3))


def delivered(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """Places and colours of the cloud.ply that export writes."""
    mesh = Mesh(
        arrays="", vertices=0, faces=0, watertight=False, manifold=False, origin=job.scans.origin
    )
    export._cloud(job.cloud, mesh, job.ws)
    head, _, body = (job.ws.root / "output" / "cloud.ply").read_bytes().partition(b"end_header\n")
    fields: list[Any] = [
        ("p", "<f8", 3),
        *([("n", "<f4", 3)] if b" nx" in head else []),
        *([("c", "u1", 3)] if b" red" in head else []),
    ]
    rows = np.frombuffer(body, np.dtype(fields))
    return rows["p"], rows["c"] if b" red" in head else np.zeros((len(rows), 0))


def fused(tmp_path: Path, name: str, content: bytes, **options: Any) -> Job:
    (tmp_path / "drop").mkdir(exist_ok=True)
    (tmp_path / "drop" / name).write_bytes(content)
    return run_stages(tmp_path / "drop", tmp_path / "work", "fuse", **options)


def test_every_point_of_a_las_comes_back_where_it_was(tmp_path: Path) -> None:
    job = fused(tmp_path, "site.las", las(SITE + UTM, COLOURS))
    places, colours = delivered(job)
    assert np.abs(places - (SITE + UTM)).max() < 1e-7
    assert np.array_equal(colours, COLOURS)
    assert job.cloud.points < COUNT == job.cloud.whole_points


def test_every_point_of_an_e57_stands_in_the_frame_of_its_pose(tmp_path: Path) -> None:
    fields = {f"cartesian{axis}": SITE[:, k] for k, axis in enumerate("XYZ")}
    scans = [fields | {"pose": ((0.70710678118, 0, 0, 0.70710678118), (10.0, 20.0, 0.0))}]
    job = fused(tmp_path, "site.e57", e57(tmp_path / "site.e57", scans), align="given")
    places, _ = delivered(job)
    assert np.allclose(
        places, np.column_stack([10 - SITE[:, 1], 20 + SITE[:, 0], SITE[:, 2]]), atol=1e-6
    )


@pytest.mark.parametrize("suffix", ["las", "ply"])
def test_a_cell_that_was_asked_for_and_what_is_no_survey_thin_the_cloud(
    tmp_path: Path, suffix: str
) -> None:
    content = las(SITE) if suffix == "las" else binary_ply(xyz(SITE / 100))
    job = fused(tmp_path, f"a.{suffix}", content, **({"cell": 0.5} if suffix == "las" else {}))
    assert job.cloud.whole is None
    assert len(delivered(job)[0]) == job.cloud.points < COUNT


@pytest.mark.parametrize("shift", [UTM, np.zeros(3)], ids=["survey coordinates", "thirty metres"])
def test_a_survey_in_a_plain_format_keeps_every_point_too(
    tmp_path: Path, shift: np.ndarray
) -> None:
    """Nobody needs to know an option: two passes as PLY, counts and millimetres as they were."""
    (tmp_path / "drop").mkdir()
    parts = {"a.ply": SITE[:4000] + shift, "b.ply": SITE[2000:] + shift}
    for name, part in parts.items():
        (tmp_path / "drop" / name).write_bytes(binary_ply(xyz(part)))
    job = run_stages(tmp_path / "drop", tmp_path / "work", "fuse", align="off")
    places, _ = delivered(job)
    assert np.abs(places - np.concatenate(list(parts.values()))).max() < 1e-7


def test_a_survey_too_large_to_open_is_thinned_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.stages.scan._whole.MOST", 5000)
    job = fused(tmp_path, "site.las", las(SITE))
    assert job.cloud.whole is None
    assert any("cloud.ply is thinned: all 6000 points" in text for text in job.ws.warnings)
