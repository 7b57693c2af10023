"""The intensity of points that have no colours arrives as grey, from every format, and says nothing to the matching."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.geometry import arrays
from tests.support.scanfiles import binary_ply, e57, las, pcd, xyz
from tests.unit.scan.conftest import Scanned, run_stages
from tests.unit.scan.test_formats import COLOURS, POINTS, Read, first, said

SHINE = np.arange(200) / 199  # of each point, 0 to 1
NUMBERS = np.arange(200)


def text(head: str, intensity: np.ndarray) -> bytes:
    rows = (
        " ".join(f"{value:.6g}" for value in (*point, shine))
        for point, shine in zip(POINTS, intensity, strict=True)
    )
    return (head + "\n".join(rows) + "\n").encode()


PTX = "20\n10\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
FILES = {
    "a.las": lambda _: las(POINTS, intensity=NUMBERS * 300),
    "a.e57": lambda at: e57(at / "x.e57", [cartesian() | {"intensity": SHINE}]),
    "a.ptx": lambda _: text(PTX, SHINE),
    "a.pts": lambda _: text("200\n", NUMBERS * 20.0 - 2048),
    "a.csv": lambda _: text("x y z reflectance\n", SHINE),
    "a.ply": lambda _: binary_ply([*xyz(POINTS), ("scalar_Intensity", "f4", SHINE)]),
    "a.pcd": lambda _: pcd([*xyz(POINTS, "f4"), ("intensity", "f4", SHINE)], "binary"),
}


def cartesian() -> dict[str, np.ndarray]:
    return {f"cartesian{axis}": POINTS[:, k] for k, axis in enumerate("XYZ")}


@pytest.mark.parametrize("name", FILES)
def test_intensity_without_colours_is_shown_as_grey(read: Read, tmp_path: Path, name: str) -> None:
    job = read({name: FILES[name](tmp_path)})
    colours = first(job)["colors"].astype(int)
    assert (colours == colours[:, :1]).all()
    assert np.abs(colours[:, 0] - 255 * np.clip((SHINE - 0.01) / 0.98, 0, 1)).max() <= 1
    assert job.scans.passes[0].grey
    assert "the intensity of its points is shown as grey" in said(job)
    assert "not read" not in said(job)


def test_colours_count_before_intensity(read: Read) -> None:
    job = read({"a.las": las(POINTS, COLOURS, intensity=NUMBERS)})
    assert np.abs(first(job)["colors"].astype(int) - COLOURS).max() <= 1
    assert not job.scans.passes[0].grey
    assert "intensity was not read" in said(job)


@pytest.mark.parametrize("name", ["a.ptx", "a.ply"])
def test_where_all_points_shine_alike_there_are_no_colours(read: Read, name: str) -> None:
    alike = np.full(200, 0.5)
    content = (
        text(PTX, alike)
        if name == "a.ptx"
        else binary_ply([*xyz(POINTS), ("intensity", "f4", alike)])
    )
    job = read({name: content})
    assert "colors" not in first(job)
    assert "intensity was not read" in said(job)


def test_what_is_marked_as_invalid_and_beams_that_met_nothing_do_not_set_the_scale(
    read: Read, tmp_path: Path
) -> None:
    wild = np.where(NUMBERS < 10, 1e9, SHINE)
    scan = {"intensity": wild, "isIntensityInvalid": (NUMBERS < 10).astype(np.int64)}
    colours = first(read({"a.e57": e57(tmp_path / "x.e57", [cartesian() | scan])}))["colors"]
    assert (colours[:10] == 128).all()
    assert np.ptp(colours[10:]) == 255


@pytest.mark.slow
def test_intensity_says_nothing_to_the_matching(scanned: Scanned, tmp_path: Path) -> None:
    """Like surfaces shine unlike from elsewhere; as colours they would clash."""
    drop = tmp_path / "drop"
    drop.mkdir()
    plain = run_stages(scanned.drop, tmp_path / "plain", "read_passes")
    for number, one in enumerate(plain.scans.passes):
        points = arrays.load(plain.ws.path(one.arrays))["points"]
        shine = points @ np.random.default_rng(number).normal(size=3)
        (drop / one.name).write_bytes(binary_ply([*xyz(points), ("intensity", "f4", shine)]))
    job = run_stages(drop, tmp_path / "work", "align")
    assert all(one.grey for one in job.scans.passes)
    assert all(one.placed for one in job.alignment.passes)
