"""A cloud written by another program comes back as it was: every point in its place, with its colour and normal.

No program at hand writes PTX: its files are made after its description in test_text.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.geometry import arrays
from pipeline.geometry.colour import to_srgb
from tests.support import programs
from tests.unit.scan.conftest import Job, run_stages

RNG = np.random.default_rng(5)
COUNT = 400
POINTS = np.round(RNG.normal((3, 1, 0), 1.0, (COUNT, 3)), 4)
COLOURS = RNG.integers(0, 256, (COUNT, 3))
NORMALS = (drawn := RNG.normal(size=(COUNT, 3))) / np.linalg.norm(drawn, axis=1, keepdims=True)


def open3d_(drop: Path) -> None:
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(POINTS))
    cloud.colors, cloud.normals = (
        o3d.utility.Vector3dVector(COLOURS / 255),
        o3d.utility.Vector3dVector(NORMALS),
    )
    for name in (
        "open3d.ply",
        "open3d.pcd",
        "open3d.xyz",
        "open3d.pts",
        "open3d.xyzn",
        "open3d.xyzrgb",
    ):
        assert o3d.io.write_point_cloud(str(drop / name), cloud)
    for name in ("text.ply", "text.pcd"):
        assert o3d.io.write_point_cloud(str(drop / name), cloud, write_ascii=True)
    assert o3d.io.write_point_cloud(str(drop / "packed.pcd"), cloud, compressed=True)


def meshlab(drop: Path) -> None:
    import pymeshlab

    held = pymeshlab.MeshSet()
    rgba = np.concatenate([COLOURS / 255, np.ones((COUNT, 1))], axis=1)
    held.add_mesh(
        pymeshlab.Mesh(vertex_matrix=POINTS, v_normals_matrix=NORMALS, v_color_matrix=rgba)
    )
    for name in ("meshlab.ply", "meshlab.xyz", "meshlab.obj", "meshlab.off"):
        more = {} if name.endswith("xyz") else {"save_vertex_normal": True}
        held.save_current_mesh(str(drop / name), **more)
    held.save_current_mesh(str(drop / "meshlab.e57"))


def trimesh_(drop: Path) -> None:
    import trimesh

    cloud = trimesh.PointCloud(
        POINTS.copy(), np.concatenate([COLOURS, np.full((COUNT, 1), 255)], axis=1).astype(np.uint8)
    )
    for name in ("trimesh.ply", "trimesh.obj", "trimesh.xyz", "trimesh.glb"):
        cloud.export(drop / name)


def laspy_(drop: Path) -> None:
    import laspy

    for name, form, version in (
        ("two.las", 2, "1.2"),
        ("seven.las", 7, "1.4"),
        ("three.laz", 3, "1.2"),
        ("eight.laz", 8, "1.4"),
    ):
        header = laspy.LasHeader(point_format=form, version=version)
        header.scales, header.offsets = np.full(3, 0.0001), POINTS.min(axis=0)
        held = laspy.LasData(header)
        held.x, held.y, held.z = POINTS.T
        held.red, held.green, held.blue = (COLOURS * 257).T
        held.write(str(drop / name))


def pye57_(drop: Path) -> None:
    import pye57

    held = pye57.E57(str(drop / "pye57.e57"), mode="w")
    columns = {f"cartesian{axis}": POINTS[:, k] for k, axis in enumerate("XYZ")}
    columns |= {
        f"color{name}": COLOURS[:, k].astype(np.uint8)
        for k, name in enumerate(("Red", "Green", "Blue"))
    }
    held.write_scan_raw(
        columns, rotation=np.array([0.8, 0, 0, 0.6]), translation=np.array([1.0, 2, 3])
    )
    held.close()


def three(drop: Path, work: Path) -> None:
    programs.three(work, position=POINTS, normal=NORMALS, color=COLOURS / 255)
    (work / "big.ply").rename(drop / "three.ply")
    (work / "a.obj").rename(drop / "three.obj")


def cloudcompare(drop: Path) -> None:
    """From MeshLab's PLY; Debian's build writes no LAS, E57, PCD or PTS."""
    for name, form in (("compared.ply", "PLY"), ("compared.asc", "ASC")):
        programs.compared(drop / "meshlab.ply", drop / name, "-C_EXPORT_FMT", form, "-SAVE_CLOUDS")
        shutil.rmtree(drop / f"of {name}")


# What each file holds: c colours, l colours as linear light, n normals.
TABLE = {
    "open3d.ply": "cn", "open3d.pcd": "cn", "open3d.xyz": "", "open3d.pts": "c", "text.ply": "cn", "text.pcd": "cn",
    "packed.pcd": "cn", "meshlab.ply": "cn", "meshlab.xyz": "n", "meshlab.obj": "cn", "meshlab.off": "cn", "meshlab.e57": "cn",
    "trimesh.ply": "c", "trimesh.obj": "c", "two.las": "c", "seven.las": "c", "three.laz": "c", "eight.laz": "c", "pye57.e57": "c",
    "open3d.xyzn": "n", "open3d.xyzrgb": "c", "trimesh.xyz": "c", "trimesh.glb": "l", "three.ply": "cn", "three.obj": "c",
    "compared.ply": "cn", "compared.asc": "cn",
}  # fmt: skip


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """All files read in one go."""
    drop = tmp_path_factory.mktemp("drop")
    for write in (open3d_, meshlab, trimesh_, laspy_, pye57_, cloudcompare):
        write(drop)
    three(drop, tmp_path_factory.mktemp("three"))
    return run_stages(drop, tmp_path_factory.mktemp("work"), "read_passes", tuple(TABLE), unit="m")


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLE)
def test_what_another_program_wrote_is_read_as_it_was(name: str, job: Job) -> None:
    """To the last digit that the file has; e57 and text formats keep at least seven."""
    stored = arrays.load(
        job.ws.path(next(one for one in job.scans.passes if one.name == name).arrays)
    )
    apart, which = cKDTree(POINTS).query(stored["points"])
    assert apart.max() < 1e-6
    assert sorted(which) == list(range(COUNT))
    assert ("colors" in stored) == bool({*"cl"} & {*TABLE[name]})
    assert ("normals" in stored) == ("n" in TABLE[name])
    if "colors" in stored:
        colours = to_srgb(COLOURS / 255).astype(int) if "l" in TABLE[name] else COLOURS
        assert np.abs(stored["colors"] - colours[which]).max() <= 1
    if "n" in TABLE[name]:
        turned = stored["normals"] / np.linalg.norm(stored["normals"], axis=1, keepdims=True)
        loss = 3e-3 if name.startswith("compared") else 1e-5  # CloudCompare holds them in 21 bits
        assert np.abs(turned - NORMALS[which]).max() < loss
