"""Which side of a surface was seen: from the picture that a range grid is, and in spite of points that stand twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.geometry import arrays, clouds, rigid
from pipeline.stages.scan import _normals, _sensor, _side
from tests.support.depthcamera import frames
from tests.support.scanfiles import binary_ply, las, pcd, xyz
from tests.support.shapes import ball as whole_ball
from tests.support.shapes import box, room
from tests.unit.scan.conftest import run_stages

WIDE = 96


@pytest.fixture(scope="module")
def table() -> list[tuple[np.ndarray, np.ndarray]]:
    return frames(5, WIDE, 72)


def seen(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points that are there, and their rows and columns."""
    there = np.isfinite(places).all(axis=1)
    return places[there], np.stack(np.divmod(np.arange(len(places)), WIDE), axis=1)[there].astype(
        np.int32
    )


def ball(count: int, seed: int = 3) -> np.ndarray:
    """The cap of a ball of radius 40 around 3 3 3, as one scanner sees it."""
    places = np.random.default_rng(seed).uniform((-0.8, -0.8, 1), (0.8, 0.8, 1), size=(count, 3))
    return places / np.linalg.norm(places, axis=1, keepdims=True) * 40 + 3


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("moved", [False, True], ids=["its own frame", "the table's frame"])
def test_the_camera_of_a_grid_is_found_where_it_stood(
    table: list[tuple[np.ndarray, np.ndarray]], moved: bool, mirrored: bool
) -> None:
    for places, pose in table:
        points, grid = seen(places)
        grid = grid * [1, -1] + [0, WIDE - 1] if mirrored else grid
        points, truth = (rigid.apply(pose, points), pose[:3, 3]) if moved else (points, np.zeros(3))
        found = _sensor.place(points, grid.astype(np.int32))
        assert found is not None
        assert np.linalg.norm(found - truth) < 0.02


def test_a_flat_grid_and_a_shuffled_one_name_no_camera(
    table: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    points, grid = seen(table[0][0])
    assert (
        _sensor.place(np.column_stack([grid[:, ::-1], np.zeros(len(grid))]).astype(float), grid)
        is None
    )
    assert _sensor.place(points, np.random.default_rng(1).permutation(grid)) is None


def test_the_side_of_a_scene_is_the_side_of_its_picture(
    table: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    """A table in a corner bulges neither way; its grid tells even where no camera place is known."""
    for places, _ in table:
        points, grid = seen(places)
        normals = _normals.oriented(points, None, grid, None)
        assert ((normals * -points).sum(axis=1) > 0).mean() > 0.95


@pytest.mark.slow
def test_five_frames_of_a_depth_camera_come_together(
    table: list[tuple[np.ndarray, np.ndarray]], tmp_path: Path
) -> None:
    """Organised clouds in metres with no viewpoint in their headers: all five within a degree and 5 mm."""
    (tmp_path / "drop").mkdir()
    for number, (places, _) in enumerate(table):
        (tmp_path / "drop" / f"{number}.pcd").write_bytes(
            pcd(xyz(places, "f4"), "binary", width=WIDE)
        )
    job = run_stages(tmp_path / "drop", tmp_path / "work", "align")
    assert job.scans.unit == "m"
    first = job.alignment.passes[0]
    for one, (_, pose) in zip(job.alignment.passes, table, strict=True):
        assert one.placed, one.warning
        found = np.linalg.inv(np.asarray(first.pose)) @ np.asarray(one.pose)
        degrees, apart = rigid.difference(
            found, np.linalg.inv(table[0][1]) @ pose, np.array([0, 0, 1.0])
        )
        assert degrees < 1
        assert apart < 0.005


@pytest.mark.parametrize(
    ("times", "jitter"), [(2, 0.0), (2, 1e-6), (4, 0.0), (4, 1e-6), (20, 0.0), (20, 1e-8)]
)
def test_points_that_stand_several_times_count_once(times: int, jitter: float) -> None:
    places = ball(5000)
    many = np.tile(places, (times, 1)) + np.random.default_rng(0).normal(
        0, jitter, (times * 5000, 3)
    )
    assert clouds.spacing(many) == pytest.approx(clouds.spacing(places), rel=0.02)
    again = clouds.twins(many)
    assert again is not None
    assert abs(int((~again).sum()) - 5000) < 50
    assert clouds.twins(places) is None


@pytest.mark.slow
@pytest.mark.parametrize("count", [4000, 40_000])
def test_a_doubled_cloud_gets_the_normals_of_a_single_one_and_that_is_said(
    tmp_path: Path, count: int
) -> None:
    """More than 60 000 points in all used to end the process, fewer gave normals of chance."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "lidar.ply").write_bytes(
        binary_ply(xyz(np.repeat(ball(count), 2, axis=0)))
    )
    job = run_stages(tmp_path / "drop", tmp_path / "work", "orient", unit="mm")
    stored = arrays.load(job.ws.path(job.scans.passes[0].arrays))
    assert 0.95 * count < len(stored["points"]) <= count
    assert ((stored["points"] - 3) / 40 * stored["normals"]).sum(axis=1).mean() > 0.97
    assert any(
        "lidar.ply: most of its points stand there several times" in text
        for text in job.ws.warnings
    )


BODIES = {
    "a ball": whole_ball(9000),
    "an egg": whole_ball(9000, (40, 40, 60)),
    "a box": box(9000, (1, 1, 1)),
    "a flat box": box(9000, (3, 2, 0.5)),
    "a box without its base": tuple(one[box(9000)[1][:, 2] > -0.5] for one in box(9000)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BODIES)
def test_a_closed_body_seen_from_around_is_no_room(name: str) -> None:
    """From its middle every direction shows one surface, as in a room; still it faces outward."""
    points, truth = BODIES[name]
    metres = clouds.narrowest(points) * (1 if name != "an egg" else 0.001)
    normals = _normals.oriented(points, None, None, None, _side.Known(metres))
    assert ((normals * truth).sum(axis=1) > 0).mean() > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("furnished", [True, False])
def test_a_room_faces_the_scanner_within_it(furnished: bool) -> None:
    """Furniture that the walls hide from outside tells, else its size in metres."""
    points, truth = room(14_000, furnished)
    known = _side.Known(0.0 if furnished else clouds.narrowest(points))
    normals = _normals.oriented(points, None, None, None, known)
    assert ((normals * truth).sum(axis=1) > 0).mean() > 0.85


@pytest.mark.slow
def test_a_station_in_an_empty_hall_is_known_by_its_density() -> None:
    """Points thin out by the square of the distance from it, whatever the unit says."""
    rays = whole_ball(9000)[0]
    points = rays * (np.array([9, 3, 2]) / np.maximum(np.abs(rays), 1e-9)).min(axis=1)[:, None]
    normals = _normals.oriented(points, None, None, None, _side.Known())
    assert ((normals * -points).sum(axis=1) > 0).mean() > 0.98


@pytest.mark.slow
def test_terrain_of_a_survey_faces_up() -> None:
    """It bulges neither way; z is up by its format."""
    x, y = np.random.default_rng(2).uniform(-50, 50, (2, 9000))
    points = np.column_stack([x, y, 3 * np.sin(x / 9) * np.cos(y / 7)])
    normals = _normals.oriented(points, None, None, None, _side.Known(6.0, level=True))
    assert (normals[:, 2] > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("flipped", [1, -1], ids=["into the room", "out of the room"])
def test_signs_that_a_file_brought_are_kept_where_they_agree(flipped: int) -> None:
    """They are said of a room, so no bulge turns them; those of chance are not believed."""
    points, truth = room(14_000, furnished=True)
    given = flipped * truth
    known = _side.Known(clouds.narrowest(points))
    normals = _normals.oriented(points, None, None, given, known)
    assert ((normals * given).sum(axis=1) > 0).mean() > 0.95
    by_chance = given * np.random.default_rng(0).choice([-1, 1], (len(given), 1))
    normals = _normals.oriented(points, None, None, by_chance, known)
    assert ((normals * truth).sum(axis=1) > 0).mean() > 0.85


def test_a_picture_without_its_grid_still_names_its_camera(
    table: list[tuple[np.ndarray, np.ndarray]],
) -> None:
    """Its directions from zero lie on columns and rows; those of a moved one and of voxels do not."""
    places, pose = table[0]
    points = seen(places)[0]
    assert _sensor.is_zero(points.astype(np.float32).astype(float))
    assert _sensor.is_zero(np.column_stack([points[:, :2], points[:, 2]]) * 1000)
    assert not _sensor.is_zero(rigid.apply(pose, points))
    voxels = np.random.default_rng(0).normal(size=(30_000, 3)).round(1) + np.array([0, 0, 9])
    assert not _sensor.is_zero(voxels)


def test_a_wall_that_begins_at_zero_was_not_seen_from_there() -> None:
    """One direction nearly square to the axis made all others one column of a raster."""
    rng = np.random.default_rng(0)
    wall = rng.uniform((0, -0.003, 0), (6, 0.003, 6), (11_000, 3)).round(4)
    wall[:, 0] = np.maximum(wall[:, 0], 0.0002)
    assert not _sensor.is_zero(wall)


def test_the_front_and_the_ground_of_a_survey_face_who_scanned_them(tmp_path: Path) -> None:
    """Where a LAS does not tell the scanner's place, ground that faces up tells the side of the wall behind it."""
    from tests.support import rooms

    scene = rooms.Scene(
        rooms.solid([((0, 0, 0), (9e3, 300, 5e3)), ((-1e3, -4e3, -200), (1e4, 0, 0))]), plate=False
    )
    place = np.array([4e3, -5e3, 1600.0])
    rays = rooms._fan(np.array([0.0, 5e3, -800]), 0.7, 0.6, 130, 105)
    points = rooms._look(scene, place, rays, np.random.default_rng(4), 3.0)[0]
    drop = tmp_path / "drop"
    drop.mkdir()
    places = points / 1000
    (drop / "a.las").write_bytes(las(places))
    job = run_stages(drop, tmp_path / "work", "orient")
    stored = arrays.load(job.ws.path(job.scans.passes[0].arrays))
    nearest = cKDTree(places).query(stored["points"] + np.asarray(job.scans.origin))[1]
    facing = (stored["normals"] * (place - points[nearest])).sum(1)
    assert (facing > 0).mean() > 0.97
