"""Folders of colour and depth frames, in the layouts that programs and phones write, become passes whose camera is known."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputRejected
from pipeline.formats import frames as names
from pipeline.geometry import rigid
from pipeline.stages.scan import _frames
from pipeline.workspace import Workspace
from tests.support.depthcamera import frames
from tests.unit.scan.conftest import run_stages

WIDE, HIGH, FOCAL = 96, 72, 0.9 * 96
CENTRE = ((WIDE - 1) / 2, (HIGH - 1) / 2)
PHONE = np.diag([1.0, -1, -1, 1])


@pytest.fixture(scope="module")
def seen() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Depth (H,W) in metres, colour (H,W,3), pose camera → table."""
    made = []
    for points, pose in frames(3, WIDE, HIGH):
        depth = np.nan_to_num(points[:, 2]).reshape(HIGH, WIDE)
        world = rigid.apply(pose, np.nan_to_num(points))
        colour = (127 + 120 * np.sin(40 * world)).reshape(HIGH, WIDE, 3).astype(np.uint8)
        made.append((depth, colour, pose))
    return made


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def deep(depth: np.ndarray, per_metre: float = 1000) -> np.ndarray:
    return np.rint(depth * per_metre).astype(np.uint16)


def quaternion(pose: np.ndarray) -> list[float]:
    """x y z w of a rotation that is no half turn."""
    r = pose[:3, :3]
    w = np.sqrt(max(1 + np.trace(r), 1e-9)) / 2
    return [*(np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]) / (4 * w)), w]


def tum(seen: list) -> dict[str, bytes]:
    files = {"rgb.txt": b"# color images\n", "depth.txt": b"# depth maps\n"}
    rows = ["# timestamp tx ty tz qx qy qz qw"]
    for k, (depth, colour, pose) in enumerate(seen):
        time = 1305031102.1753 + 0.5 * k
        files[f"rgb/{time:.6f}.png"] = png(colour)
        files[f"depth/{time + 0.012:.6f}.png"] = png(deep(depth, 5000))
        rows.append(" ".join(map(str, [f"{time + 0.004:.4f}", *pose[:3, 3], *quaternion(pose)])))
    files["groundtruth.txt"] = "\n".join(rows).encode()
    files["camera.txt"] = f"{FOCAL} {FOCAL} {CENTRE[0]} {CENTRE[1]}".encode()
    return files


def three_d_match(seen: list) -> dict[str, bytes]:
    matrix = [[FOCAL, 0, CENTRE[0]], [0, FOCAL, CENTRE[1]], [0, 0, 1]]
    files = {"camera-intrinsics.txt": "\n".join(" ".join(map(str, r)) for r in matrix).encode()}
    for k, (depth, colour, pose) in enumerate(seen):
        stem = f"seq-01/frame-{k:06d}"
        files[f"{stem}.color.png"], files[f"{stem}.depth.png"] = png(colour), png(deep(depth))
        files[f"{stem}.pose.txt"] = "\n".join(" ".join(map(str, row)) for row in pose).encode()
    return files


def open3d(seen: list) -> dict[str, bytes]:
    listed = [FOCAL, 0, 0, 0, FOCAL, 0, CENTRE[0], CENTRE[1], 1]
    told = {"width": WIDE, "height": HIGH, "intrinsic_matrix": listed}
    files = {"camera_intrinsic.json": json.dumps(told).encode()}
    log = []
    for k, (depth, colour, pose) in enumerate(seen):
        files[f"color/{k:06d}.png"], files[f"depth/{k:06d}.png"] = png(colour), png(deep(depth))
        log += [f"{k} {k} {k + 1}", *(" ".join(map(str, row)) for row in pose)]
    files["scene/trajectory.log"] = "\n".join(log).encode()
    return files


def polycam(seen: list) -> dict[str, bytes]:
    """Large pictures, small depth maps, a confidence map, one JSON a frame in a phone's axes."""
    files = {}
    for k, (depth, colour, pose) in enumerate(seen):
        stem = f"keyframes/{{}}/{1000 + k}"
        there = pose @ PHONE
        told = {f"t_{i}{j}": there[i, j] for i in range(3) for j in range(4)}
        told |= {"fx": 2 * FOCAL, "fy": 2 * FOCAL, "cx": 2 * CENTRE[0] + 0.5}
        told |= {"cy": 2 * CENTRE[1] + 0.5, "width": 2 * WIDE, "height": 2 * HIGH}
        files[stem.format("images") + ".png"] = png(colour.repeat(2, 0).repeat(2, 1))
        files[stem.format("depth") + ".png"] = png(deep(depth))
        files[stem.format("confidence") + ".png"] = png(np.full((HIGH, WIDE), 255, np.uint8))
        files[stem.format("corrected_cameras") + ".json"] = json.dumps(told).encode()
        files[stem.format("cameras") + ".json"] = json.dumps(told | {"t_03": 9.0}).encode()
    return files


def slam_book(seen: list) -> dict[str, bytes]:
    files, rows = (
        {"README.md": f"Camera: fx={FOCAL} fy={FOCAL} cx={CENTRE[0]} cy={CENTRE[1]}.".encode()},
        [],
    )
    for k, (depth, colour, pose) in enumerate(seen, 1):
        head = f"P5\n{WIDE} {HIGH}\n65535\n".encode()
        files[f"color_{k}.png"] = png(colour)
        files[f"depth_{k}.pgm.gz"] = gzip.compress(head + deep(depth).astype(">u2").tobytes())
        rows.append(" ".join(map(str, [*pose[:3, 3], *quaternion(pose)])))
    files["pose.txt"] = "\n".join(rows).encode()
    return files


def drop(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("layout", [tum, three_d_match, open3d, polycam, slam_book])
def test_every_layout_gives_the_same_points_poses_and_colours(
    tmp_path: Path, seen: list, layout: Callable[[list], dict[str, bytes]]
) -> None:
    files = layout(seen)
    used = tuple(name for name in files if name.endswith((".png", ".pgm.gz")))
    job = run_stages(drop(tmp_path / "d", files), tmp_path / "w", "read_passes", names=used)
    assert [one.warning for one in job.scans.passes] == [None] * 3
    assert not any("focal" in text or "not a scan" in text for text in job.ws.warnings)
    assert job.scans.unit == "m"
    for one, (depth, colour, pose) in zip(job.scans.passes, seen, strict=True):
        assert np.allclose(np.asarray(one.pose), pose, atol=2e-3)
        assert one.scanner == (0, 0, 0)
        with np.load(job.ws.path(one.arrays)) as stored:
            points, colours = stored["points"], stored["colors"]
        column = points[:, 0] / points[:, 2] * FOCAL + CENTRE[0]
        row = points[:, 1] / points[:, 2] * FOCAL + CENTRE[1]
        at = np.rint(row).astype(int), np.rint(column).astype(int)
        assert np.abs(depth[at] - points[:, 2]).max() < 0.002
        assert (colour[at] == colours).all()


def test_frames_without_numbers_are_told_to_have_a_guessed_lens(tmp_path: Path, seen: list) -> None:
    files = {n: b for n, b in open3d(seen).items() if n.endswith(".png")}
    job = run_stages(drop(tmp_path / "d", files), tmp_path / "w", "read_passes", tuple(files))
    assert any("add intrinsics.json with fx, fy, cx, cy" in text for text in job.ws.warnings)
    assert all(one.pose is None for one in job.scans.passes)


def test_a_coloured_picture_of_depth_is_refused_by_name(tmp_path: Path, seen: list) -> None:
    files = {"color_1.png": png(seen[0][1]), "depth_1.png": png(seen[0][1])}
    with pytest.raises(InputRejected, match=r"depth_1.png is a picture in colours"):
        run_stages(drop(tmp_path / "d", files), tmp_path / "w", "read_passes", tuple(files))


def test_a_frame_that_shows_nothing_is_left_out_and_a_damaged_one_refused(
    tmp_path: Path, seen: list
) -> None:
    files = open3d(seen) | {"depth/000001.png": png(np.zeros((HIGH, WIDE), np.uint16))}
    used = tuple(name for name in files if name.endswith(".png"))
    job = run_stages(drop(tmp_path / "d", files), tmp_path / "w", "read_passes", used)
    assert len(job.scans.passes) == 2
    assert any("000001: its depth map shows next to nothing" in text for text in job.ws.warnings)
    (tmp_path / "d" / "depth" / "000002.png").write_bytes(png(deep(seen[2][0]))[:900])
    with pytest.raises(InputRejected, match=r"depth/000002.png"):
        run_stages(tmp_path / "d", tmp_path / "v", "read_passes", used)


def test_low_confidence_counts_for_nothing(tmp_path: Path, seen: list) -> None:
    files = polycam(seen)
    half = np.full((HIGH, WIDE), 255, np.uint8)
    half[:, : WIDE // 2] = 0
    files["keyframes/confidence/1000.png"] = png(half)
    used = tuple(name for name in files if name.endswith(".png"))
    job = run_stages(drop(tmp_path / "d", files), tmp_path / "w", "read_passes", used)
    with np.load(job.ws.path(job.scans.passes[0].arrays)) as stored:
        assert (stored["points"][:, 0] > -0.01).all()


def test_times_of_two_cameras_pair_with_the_nearest_once() -> None:
    found = names.pairs(["rgb/1.00.png", "rgb/1.03.png", "depth/1.01.png", "depth/9.png"])
    assert [(one.colour, one.depth) for one in found] == [("rgb/1.00.png", "depth/1.01.png")]


def test_of_many_frames_some_are_taken_evenly_and_that_is_said(
    tmp_path: Path, seen: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_frames, "MOST", 2)
    folder = drop(tmp_path / "d", three_d_match(seen))
    files = {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}
    ws = Workspace(tmp_path, folder)
    raws = _frames.read(
        {n: p for n, p in files.items() if n.endswith("png")},
        {n: p for n, p in files.items() if n.endswith("txt")},
        ws,
    )
    assert [raw.name for raw in raws] == ["frame-000000.depth", "frame-000002.depth"]
    assert any("2 of 3 frames were used" in text for text in ws.warnings)


@pytest.mark.slow
def test_frames_become_a_scene_that_stays_whole_and_stands_as_the_cameras_did(
    tmp_path: Path, seen: list
) -> None:
    """Without poses: found by shape; the table is kept, up is that of the table."""
    files = {n: b for n, b in three_d_match(seen).items() if not n.endswith("pose.txt")}
    used = tuple(name for name in files if name.endswith(".png"))
    job = run_stages(drop(tmp_path / "d", files), tmp_path / "w", "find_features", names=used)
    assert all(one.placed for one in job.alignment.passes)
    assert job.features.kept is None
    assert job.features.up_from == "cameras and level plane"
    first = np.asarray(job.alignment.passes[0].pose)[:3, :3]
    up = first.T @ np.asarray(job.features.up)
    assert (seen[0][2][:3, :3] @ up)[2] > 0.99
