"""Passes whose files say where they stand: kept where the surfaces agree, placed with a word where they hardly meet, never where another scanner looked through them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import NoOverlap
from pipeline.geometry import rigid
from tests.support import rooms
from tests.support.scanfiles import binary_ply, e57, las, xyz
from tests.unit.scan.conftest import Job, run_stages

UTM = np.array([636_000.0, 5_848_000.0, 0.0])
UNCONFIRMED = "placed by the coordinates in the files"
# of a house front, metres: three passes, each from a place further along the street
LEFT, MIDDLE, RIGHT = (points / 1000 for points, _ in rooms.facade(1, 3, np.random.default_rng(3)))
STATION = rigid.exponential(np.array([0.0, 0.0, 1.1, 4.0, -5.0, 1.6]))
HERE = rigid.exponential(np.array([0.0, 0.0, -0.4, 9.0, -5.0, 1.6]))


def between(points: np.ndarray, low: float, high: float) -> np.ndarray:
    return points[(points[:, 0] > low) & (points[:, 0] < high)]


def aligned(folder: Path, files: dict[str, bytes]) -> Job:
    (folder / "drop").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / "drop" / name).write_bytes(content)
    return run_stages(folder / "drop", folder / "work", "align")


def poses(job: Job) -> list[np.ndarray]:
    return [np.asarray(one.pose, float) for one in job.alignment.passes]


def as_e57(folder: Path, stations: list[np.ndarray], parts: list[np.ndarray]) -> bytes:
    scans = []
    for pose, part in zip(stations, parts, strict=True):
        own = rigid.apply(rigid.invert(pose), part)
        half = np.arctan2(pose[1, 0], pose[0, 0]) / 2
        fields = {f"cartesian{axis}": own[:, k] for k, axis in enumerate("XYZ")}
        turn = ((np.cos(half), 0.0, 0.0, np.sin(half)), tuple(pose[:3, 3]))
        scans.append({**fields, "pose": turn})
    return e57(folder / "made.e57", scans)


def as_ptx(stations: list[np.ndarray], parts: list[np.ndarray]) -> bytes:
    text = []
    for pose, part in zip(stations, parts, strict=True):
        own = rigid.apply(rigid.invert(pose), part)[: len(part) // 10 * 10]
        text += [str(len(own) // 10), "10", " ".join(map(str, pose[:3, 3]))]
        text += [" ".join(map(str, pose[:3, k])) for k in range(3)]
        text += [" ".join(map(str, row)) for row in pose.T]
        text += [f"{x:.4f} {y:.4f} {z:.4f} 0.5" for x, y, z in own]
    return "\n".join([*text, ""]).encode()


@pytest.mark.slow
@pytest.mark.parametrize("overlap", [0.3, -0.5])
def test_survey_coordinates_place_what_hardly_overlaps_and_say_so(
    tmp_path: Path, overlap: float
) -> None:
    parts = between(MIDDLE, 0, 6 + overlap), between(RIGHT, 6, 12)
    job = aligned(tmp_path, {f"{k}.las": las(part + UTM) for k, part in enumerate(parts)})
    assert all(np.allclose(pose, np.eye(4), atol=1e-9) for pose in poses(job))
    for one in job.alignment.passes:
        assert (one.warning or "").startswith(UNCONFIRMED)
        assert ("overlap by 0 %" in str(one.warning)) == (overlap < 0)
    assert any(text.startswith("2 of 2 placed passes") for text in job.ws.warnings)


@pytest.mark.slow
def test_survey_coordinates_that_the_overlap_confirms_stay_to_the_digit(tmp_path: Path) -> None:
    """Like windows would fit a window further too. Only the pass that meets no other has its word."""
    parts = between(MIDDLE, 0, 6), between(RIGHT, 6.5, 12), between(LEFT, 0, 12)
    job = aligned(tmp_path, {f"{k}.las": las(part + UTM) for k, part in enumerate(parts)})
    assert all(np.allclose(pose, np.eye(4), atol=1e-9) for pose in poses(job))
    said = [(one.warning or "").startswith(UNCONFIRMED) for one in job.alignment.passes]
    assert said == [False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["e57", "ptx"])
def test_poses_of_stations_place_what_hardly_overlaps(tmp_path: Path, form: str) -> None:
    parts, stations = [between(MIDDLE, 0, 6.1), between(RIGHT, 6, 12)], [STATION, HERE]
    made = as_ptx(stations, parts) if form == "ptx" else as_e57(tmp_path, stations, parts)
    job = aligned(tmp_path, {f"site.{form}": made})
    for pose, station in zip(poses(job), stations, strict=True):
        assert np.abs(pose - station).max() < 1e-6
    assert all((one.warning or "").startswith(UNCONFIRMED) for one in job.alignment.passes)


@pytest.mark.slow
def test_a_front_that_goes_on_from_one_file_into_the_next_is_placed_without_any_frame_named(
    tmp_path: Path,
) -> None:
    parts = between(MIDDLE, 0, 7), between(RIGHT, 6, 12)
    job = aligned(tmp_path, {f"{k}.las": las(part) for k, part in enumerate(parts)})
    assert all(np.allclose(pose, np.eye(4), atol=1e-9) for pose in poses(job))
    assert all((one.warning or "").startswith(UNCONFIRMED) for one in job.alignment.passes)


@pytest.mark.slow
def test_raw_passes_that_show_other_parts_are_not_forced_together(tmp_path: Path) -> None:
    """Each in the frame of its own scanner: near each other, but nobody says that the frames are one."""
    parts = between(MIDDLE, 0, 5.5), between(RIGHT, 6.5, 12)
    own = [part - part.mean(0) + (0, 5.0, 0) for part in parts]
    with pytest.raises(NoOverlap):
        aligned(tmp_path, {f"{k}.ply": binary_ply(xyz(part)) for k, part in enumerate(own)})


@pytest.mark.slow
def test_poses_that_put_a_pass_where_the_other_scanner_looked_through_are_not_believed(
    tmp_path: Path,
) -> None:
    parts = [between(MIDDLE, 0, 6.3), between(RIGHT, 6, 12)]
    own = [STATION, HERE]
    # the second station as it was never surveyed: its part floats in front of the first one's
    wrong = rigid.exponential(np.array([0.0, 0.0, 0.0, -3.5, -2.0, 0.0])) @ HERE
    moved = rigid.apply(wrong @ rigid.invert(HERE), parts[1])
    with pytest.raises(NoOverlap):
        aligned(tmp_path, {"site.e57": as_e57(tmp_path, [own[0], wrong], [parts[0], moved])})
