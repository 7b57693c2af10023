"""cloud.e57 holds every placed pass with the pose of its scanner, and reads back as a drop of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.artefacts import Mesh
from pipeline.geometry import arrays, rigid
from pipeline.stages.finish import _stations, export
from pipeline.stages.finish.writers import e57
from tests.support.scanfiles import binary_ply, xyz
from tests.support.scanfiles import e57 as e57_file
from tests.unit.finish.shapes import ball, stored
from tests.unit.scan.conftest import Job, run_stages

COUNT = 900
RNG = np.random.default_rng(57)
TURNED = (0.70710678118, 0.0, 0.0, 0.70710678118)
UTM = np.array([636_000.0, 848_000.0, 12.0])


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(e57, "_BLOCK", 400)


def scan(pose: tuple[Any, Any]) -> dict[str, Any]:
    places = {f"cartesian{axis}": RNG.uniform(-6, 6, COUNT) for axis in "XYZ"}
    colours = {f"color{name}": RNG.integers(0, 256, COUNT) for name in ("Red", "Green", "Blue")}
    return {**places, **colours, "pose": pose}


def in_their_places(job: Job) -> list[tuple[np.ndarray, np.ndarray, np.ndarray | None]]:
    """Of each pass its points, colours and scanner, by the poses of the files, survey origin included."""
    found = []
    for one in job.scans.passes:
        data, pose = arrays.load(job.ws.path(one.whole or one.arrays)), np.asarray(one.pose)
        eye = None if one.scanner is None else rigid.apply(pose, np.asarray(one.scanner)[None])
        points = rigid.apply(pose, data["points"]) + job.scans.origin
        found.append((points, data["colors"], None if eye is None else eye + job.scans.origin))
    return found


@pytest.mark.slow
def test_passes_come_back_with_their_scanners_colours_and_survey_coordinates(
    tmp_path: Path,
) -> None:
    (tmp_path / "drop").mkdir()
    scans = [scan((TURNED, tuple(UTM))), scan(((1.0, 0, 0, 0), tuple(UTM + np.array([4, 1, 0]))))]
    e57_file(tmp_path / "drop" / "site.e57", scans)
    job = run_stages(tmp_path / "drop", tmp_path / "work", "align", align="given", cloud="e57")
    (tmp_path / "again").mkdir()
    for name in ("a.e57", "b.e57"):
        e57.write(_stations.of_passes(job.scans, job.alignment, job.ws), tmp_path / name)
    assert (tmp_path / "a.e57").read_bytes() == (tmp_path / "b.e57").read_bytes()
    (tmp_path / "a.e57").rename(tmp_path / "again" / "a.e57")
    again = run_stages(tmp_path / "again", tmp_path / "more", "read_passes", align="given")
    for before, after in zip(in_their_places(job), in_their_places(again), strict=True):
        assert np.abs(before[0] - after[0]).max() < 1e-6
        assert np.array_equal(before[1], after[1])
        assert before[2] is not None
        assert after[2] is not None
        assert np.abs(before[2] - after[2]).max() < 1e-6


def test_a_pass_of_unknown_scanner_stands_in_the_common_frame_and_claims_none(
    tmp_path: Path,
) -> None:
    """Programs, ours too, take the origin of a posed scan for its scanner: normals would face the wrong way."""
    (tmp_path / "drop").mkdir()
    places = RNG.uniform(0, 80, (COUNT, 3))
    for name in "ab":
        (tmp_path / "drop" / f"{name}.ply").write_bytes(
            binary_ply(xyz(places[:, ::-1] if name == "b" else places))
        )
    job = run_stages(
        tmp_path / "drop", tmp_path / "work", "align", align="off", unit="mm", cloud="e57"
    )
    stations = list(_stations.of_passes(job.scans, job.alignment, job.ws))
    assert [one.pose for one in stations] == [None, None]
    assert np.abs(stations[0].points - 0.001 * places).max() < 1e-6


def test_the_option_brings_the_file_and_the_list_of_files_names_it(tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    e57_file(tmp_path / "drop" / "site.e57", [scan((TURNED, (1.0, 2.0, 3.0)))])
    job = run_stages(tmp_path / "drop", tmp_path / "work", "align", cloud="e57", texture=False)
    mesh = stored(job.ws, ball(2))
    assert isinstance(mesh, Mesh)
    made = export.run(mesh, None, job.scans, job.ws, None, job.alignment)
    assert made.files_written == ("model.glb", "cloud.e57")
    plain = run_stages(tmp_path / "drop", tmp_path / "plain", "align", texture=False)
    made = export.run(stored(plain.ws, ball(2)), None, plain.scans, plain.ws, None, plain.alignment)
    assert made.files_written == ("model.glb",)
    assert not (plain.ws.root / "output" / "cloud.e57").exists()
