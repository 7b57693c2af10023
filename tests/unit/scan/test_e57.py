"""E57 files: places, colours and poses in each of the ways that the format knows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.scanfiles import e57
from tests.unit.scan.test_formats import COLOURS, POINTS, Read, first, is_coloured, said


def cartesian(points: np.ndarray = POINTS) -> dict[str, np.ndarray]:
    return {f"cartesian{axis}": points[:, k] for k, axis in enumerate("XYZ")}


def coloured(colours: np.ndarray) -> dict[str, np.ndarray]:
    return {f"color{name}": colours[:, k] for k, name in enumerate(("Red", "Green", "Blue"))}


@pytest.mark.parametrize("times", [1, 257, 1 / 255], ids=["bytes", "16 bits", "shares"])
def test_colours_of_an_e57_have_any_range(read: Read, tmp_path: Path, times: float) -> None:
    content = e57(tmp_path / "a.e57", [cartesian() | coloured(COLOURS * times)])
    assert is_coloured(first(read({"a.e57": content})))


def test_spherical_places_and_invalid_states_of_an_e57(read: Read, tmp_path: Path) -> None:
    far = np.linalg.norm(POINTS, axis=1)
    scan = {
        "sphericalRange": far,
        "sphericalAzimuth": np.arctan2(POINTS[:, 1], POINTS[:, 0]),
        "sphericalElevation": np.arcsin(POINTS[:, 2] / far),
        "sphericalInvalidState": np.where(np.arange(200) < 10, 2, 0),
        "intensity": far,
    }
    job = read({"a.e57": e57(tmp_path / "a.e57", [scan])})
    assert np.allclose(first(job)["points"], POINTS[10:])
    assert job.scans.passes[0].scanner == (0.0, 0.0, 0.0)
    assert "190 of 200 points were read" in said(job)
    assert "its points is shown as grey" in said(job)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        ((0, 0, 0, 0), "is zero"),
        ((2, 0, 0, 2), "length 2.828"),
        ((0.70710678, 0, 0, 0.70710678), ""),
    ],
)
@pytest.mark.parametrize("order", ["wxyz", "xyzw"])
def test_a_quaternion_of_an_e57_is_read_by_its_names_and_made_a_rotation(
    read: Read, tmp_path: Path, turn: tuple[float, ...], words: str, order: str
) -> None:
    scan = cartesian() | {"pose": (turn, (5.0, 0.0, 0.0)), "order": order}
    job = read({"a.e57": e57(tmp_path / "a.e57", [scan])})
    pose = np.asarray(job.scans.passes[0].pose)
    assert np.allclose(
        pose[:2, :2], np.eye(2) if words == "is zero" else [[0, -1], [1, 0]], atol=1e-6
    )
    assert words in said(job)
    assert words or "quaternion" not in said(job)


def test_an_empty_scan_beside_others_is_counted(read: Read, tmp_path: Path) -> None:
    job = read(
        {
            "a.e57": e57(
                tmp_path / "a.e57", [cartesian(), cartesian(POINTS[:0]), cartesian(POINTS + 9)]
            )
        }
    )
    assert len(job.scans.passes) == 2
    assert "2 of 3 scans were read: the others hold no points" in said(job)


def test_a_cloud_around_zero_with_a_pose_that_says_nothing_has_no_scanner_inside(
    read: Read, tmp_path: Path
) -> None:
    """Merged clouds are written with an identity: normals must not turn towards their middle."""
    job = read(
        {
            "a.e57": e57(
                tmp_path / "a.e57",
                [cartesian(POINTS - POINTS.mean(axis=0)) | {"pose": ((1, 0, 0, 0), (0, 0, 0))}],
            )
        }
    )
    assert job.scans.passes[0].scanner is None


@pytest.mark.parametrize("many", [10, 200])
def test_colours_that_are_marked_as_invalid_are_not_used(
    read: Read, tmp_path: Path, many: int
) -> None:
    """Some of them: grey points among the others, counted; all: no colours."""
    scan = cartesian() | coloured(COLOURS) | {"isColorInvalid": (np.arange(200) < many).astype(int)}
    job = read({"a.e57": e57(tmp_path / "a.e57", [scan])})
    found = first(job).get("colors")
    assert f"{'all' if many == 200 else '10 of the 200'} colours of a scan are marked" in said(job)
    if many == 200:
        assert found is None
    else:
        assert found is not None
        assert (found[:10] == 180).all()
        assert (found[10:] == COLOURS[10:]).all()
