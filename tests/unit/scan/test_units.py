"""The unit of a drop: from everything that speaks of it, and said where it is a guess."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.depthcamera import frames
from tests.support.scanfiles import binary_ply, las, pcd, xyz
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
RNG = np.random.default_rng(14)
BODY = RNG.normal(size=(2000, 3))
WALL = RNG.uniform((-30, -8, 0), (30, 8, 0), (2000, 3)) + RNG.normal(0, (0, 0, 1.0), (2000, 3))


def large(places: np.ndarray, size: float) -> np.ndarray:
    low, high = np.percentile(places, (0.5, 99.5), axis=0)
    return places * size / np.linalg.norm(high - low)


def said(job: Job) -> str:
    return "\n".join(job.ws.warnings)


@pytest.mark.parametrize(
    ("places", "size", "unit", "other"),
    [
        (BODY, 0.06, "m", "inch"),
        (BODY, 2.0, "m", "mm"),
        (BODY, 61.7, "mm", "m"),
        (BODY, 800, "mm", "m"),
        (WALL, 61.7, "m", "mm"),
        (WALL, 400, "mm", "m"),
    ],
    ids=["small", "figure", "figure of 62 mm", "large", "facade of 62 m", "relief of 400 mm"],
)
def test_size_and_shape_decide_and_the_other_candidate_is_named(
    read: Read, places: np.ndarray, size: float, unit: str, other: str
) -> None:
    job = read({"a.ply": binary_ply(xyz(large(places, size)))})
    assert (job.scans.unit, job.scans.unit_guessed, job.scans.unit_other) == (unit, True, other)
    assert f"the unit is a guess: {unit}, because the passes measure about {size:.3g}" in said(job)
    assert f"with {other} they would be" in said(job)


@pytest.mark.parametrize("size", [5.0, 178.0, 20_000.0])
def test_a_las_that_names_no_unit_is_a_survey_in_metres(read: Read, size: float) -> None:
    """Whatever its size; that it was guessed, and that feet are usual, too, is said."""
    job = read({"a.las": las(large(BODY, size))})
    assert (job.scans.unit, job.scans.unit_guessed, job.scans.unit_other) == ("m", True, "ft")
    assert "LAS files hold surveys" in said(job)


@pytest.mark.parametrize(("times", "unit"), [(1.0, "m"), (1000.0, "mm"), (30.0, "m")])
def test_no_scanner_stands_closer_than_its_lens_allows(read: Read, times: float, unit: str) -> None:
    """Depth-camera grids: 1.1 away is metres, 1100 millimetres, and a scene of 60 seen from 33 is no scene of 60 mm."""
    places, _ = frames(1, 96, 72)[0]
    assert read({"a.pcd": pcd(xyz(places * times, "f4"), "binary", width=96)}).scans.unit == unit


def test_a_unit_that_one_file_names_counts_for_all(read: Read) -> None:
    """Feet among metres are converted, not compared by size."""
    content = "X (ft),Y (ft),Z (ft)\n" + "\n".join(
        ",".join(f"{value:.5f}" for value in row) for row in BODY / 0.3048
    )
    metres = "X (m),Y (m),Z (m)\n" + "\n".join(
        ",".join(f"{value:.5f}" for value in row) for row in BODY
    )
    job = read(
        {
            "a.csv": metres.encode(),
            "b.csv": metres.replace("0", "1", 5).encode(),
            "c.csv": content.encode(),
        }
    )
    assert [round(one.scale, 4) for one in job.scans.passes] == [1.0, 1.0, 0.3048]
    assert (job.scans.unit, job.scans.unit_guessed) == ("m", False)
    assert "c.csv counts in ft and was scaled by 0.3048 to m" in said(job)


def test_a_pass_without_a_unit_is_compared_with_those_that_name_one(read: Read) -> None:
    job = read({"a.las": las(BODY), "b.csv": ("X (m),Y (m),Z (m)\n" + "\n".join(",".join(map(str, row)) for row in BODY)).encode(),
                "c.ply": binary_ply(xyz(BODY * 1000))})  # fmt: skip
    assert [one.scale for one in job.scans.passes] == [1.0, 1.0, 0.001]
    assert job.scans.unit == "m"


def test_an_option_that_contradicts_the_file_is_followed_and_said(read: Read) -> None:
    content = "X (m),Y (m),Z (m)\n" + "\n".join(",".join(map(str, row)) for row in BODY)
    job = read({"a.csv": content.encode()}, unit="mm")
    assert job.scans.unit == "mm"
    assert "unit=mm was asked for, but by its own word or format the drop counts in m" in said(job)
