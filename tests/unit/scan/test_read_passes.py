"""Readers: what each format gives, and what is said about a file that is not what it claims to be."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.demo.virtual_scanner import write_ply
from pipeline.errors import InputRejected
from pipeline.geometry import arrays
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
POINTS = (
    np.random.default_rng(5)
    .normal((10.0, 0.0, 0.0), size=(400, 3))
    .astype(np.float32)
    .astype(float)
)
SURVEYED = POINTS + np.array([636001.8, 848935.2, 0.0])
COLOURS = np.random.default_rng(6).integers(0, 256, (400, 3)).astype(np.uint8)


def ply(tmp_path: Path, points: np.ndarray = POINTS) -> bytes:
    path = tmp_path / "made.ply"
    write_ply(path, points, COLOURS[: len(points)])
    return path.read_bytes()


def ascii_ply(rows: list[str], extra: str = "", info: str = "") -> bytes:
    fields = "\n".join(f"property float {axis}" for axis in "xyz")
    head = (
        f"ply\nformat ascii 1.0\n{info}element vertex {len(POINTS)}\n{fields}\n{extra}end_header\n"
    )
    return (head + "\n".join(rows) + "\n").encode()


def rows(points: np.ndarray = POINTS, form: str = "%.6f", separator: str = " ") -> list[str]:
    return [separator.join(form % x for x in point) for point in points]


def first(job: Job) -> dict[str, np.ndarray]:
    return arrays.load(job.ws.path(job.scans.passes[0].arrays))


def refused(read: Read, files: dict[str, bytes]) -> str:
    with pytest.raises(InputRejected) as caught:
        read(files)
    assert caught.value.remedy
    return str(caught.value)


# ---- formats


def test_binary_ply_keeps_points_and_colours(read: Read, tmp_path: Path) -> None:
    """Float32 coordinates come back exactly."""
    stored = first(read({"a.ply": ply(tmp_path)}))
    assert np.array_equal(stored["points"], POINTS)
    assert np.array_equal(stored["colors"], COLOURS)


def test_ascii_ply_reads_like_binary(read: Read) -> None:
    assert np.allclose(first(read({"a.ply": ascii_ply(rows())}))["points"], POINTS, atol=1e-6)


def test_a_range_grid_gives_row_and_column(read: Read) -> None:
    """Stanford range files: 20 rows of 40 columns, every second cell filled."""
    cells = [f"1 {k // 2}" if k % 2 == 0 else "0" for k in range(800)]
    extra = "element range_grid 800\nproperty list uchar int vertex_indices\n"
    stored = first(read({"a.ply": ascii_ply(rows() + cells, extra, "obj_info num_cols 40\n")}))
    assert stored["grid"][:3].tolist() == [[0, 0], [0, 2], [0, 4]]
    assert stored["grid"][-1].tolist() == [19, 38]


@pytest.mark.parametrize("mode", ["ascii", "binary", "binary_compressed"])
def test_pcd_as_open3d_writes_it(read: Read, tmp_path: Path, mode: str) -> None:
    """Points to float32, colours from their packed form."""
    import open3d as o3d

    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(POINTS))
    cloud.colors = o3d.utility.Vector3dVector(COLOURS / 255.0)
    path = tmp_path / "made.pcd"
    o3d.io.write_point_cloud(
        str(path), cloud, write_ascii=mode == "ascii", compressed=mode == "binary_compressed"
    )
    stored = first(read({"a.pcd": path.read_bytes()}))
    assert np.allclose(stored["points"], POINTS, atol=1e-5)
    assert np.abs(stored["colors"].astype(int) - COLOURS).max() <= 1


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.xyz", rows()),
        ("a.txt", ["# made by hand", "x y z", *rows()]),
        ("a.csv", ["x,y,z", *rows(separator=",")]),
        ("a.csv", [line.replace(".", ",") for line in rows(separator=";")]),
        ("a.pts", [str(len(POINTS)), *rows()]),
        ("a.asc", rows(separator="\t")),
    ],
    ids=["xyz", "header", "comma", "decimal comma", "pts", "tab"],
)
def test_text_columns_are_found_by_looking(read: Read, name: str, lines: list[str]) -> None:
    assert np.allclose(first(read({name: "\n".join(lines).encode()}))["points"], POINTS, atol=1e-6)


def test_pts_with_intensity_and_colours(read: Read) -> None:
    """x y z intensity r g b."""
    lines = [f"{p} -120 {c[0]} {c[1]} {c[2]}" for p, c in zip(rows(), COLOURS, strict=True)]
    assert np.array_equal(
        first(read({"a.pts": "\n".join([str(len(lines)), *lines]).encode()}))["colors"], COLOURS
    )


def test_text_with_normals_and_shares_of_colour(read: Read) -> None:
    """x y z nx ny nz r g b, colours 0..1."""
    normals = (
        POINTS
        / np.linalg.norm(POINTS, axis=1, keepdims=True)
        * np.where(np.arange(400) % 2, 1, -1)[:, None]
    )
    table = np.c_[POINTS, normals, COLOURS / 255.0]
    stored = first(read({"a.xyz": "\n".join(rows(table)).encode()}))
    assert np.allclose(stored["normals"], normals, atol=1e-5)
    assert np.array_equal(stored["colors"], COLOURS)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["stl", "obj", "off", "glb"])
def test_a_coarse_mesh_becomes_points_on_its_faces(read: Read, suffix: str) -> None:
    """A ball of 320 faces: 200 000 points at its radius, normals outward."""
    import trimesh

    made = trimesh.creation.icosphere(subdivisions=2, radius=5.0).export(file_type=suffix)
    stored = first(read({f"a.{suffix}": made.encode() if isinstance(made, str) else made}))
    assert len(stored["points"]) == 200_000
    assert np.abs(np.linalg.norm(stored["points"], axis=1) - 4.93).max() < 0.08
    assert ((stored["points"] * stored["normals"]).sum(1) > 0).all()


def test_ptx_scans_keep_pose_grid_and_the_scanners_place(read: Read) -> None:
    """Two scans in one file are two passes; 0 0 0 means the laser met nothing."""
    grid = [f"{p} 0.5 {c[0]} {c[1]} {c[2]}" for p, c in zip(rows(), COLOURS, strict=True)]
    grid[7] = "0 0 0 0.5 0 0 0"
    head = [
        "20",
        "20",
        "1 2 3",
        "1 0 0",
        "0 1 0",
        "0 0 1",
        "1 0 0 0",
        "0 1 0 0",
        "0 0 1 0",
        "1 2 3 1",
    ]
    job = read({"a.ptx": "\n".join([*head, *grid, *head, *grid[::-1]]).encode()})
    one, two = job.scans.passes
    assert (one.name, two.name) == ("a.ptx#0", "a.ptx#1")
    assert (one.points, one.dropped, one.scanner) == (399, 1, (0.0, 0.0, 0.0))
    assert np.allclose(np.asarray(one.pose)[:3, 3], [1, 2, 3])
    assert first(job)["grid"][:2].tolist() == [[0, 0], [1, 0]]


def test_e57_and_las_samples(testdata: Path, read: Read) -> None:
    """Point counts as their origin states them; survey coordinates come with a whole-number origin."""
    folder = testdata / "data" / "scans" / "formats"
    job = read({name: (folder / name).read_bytes() for name in ("bunnyFloat.e57",)})
    assert (job.scans.passes[0].points, job.scans.unit) == (30571, "m")
    job = read({"simple.laz": (folder / "simple.laz").read_bytes()}, unit="ft")
    assert job.scans.passes[0].points == 1065
    assert job.scans.origin[0] > 600_000
    assert np.abs(first(job)["points"][:, :2]).max() < 5000
    assert first(job)["colors"].any()


@pytest.mark.parametrize("name", ["corrupt_crc.e57", "empty_pc.e57"])
def test_broken_e57_is_refused_by_name(testdata: Path, read: Read, name: str) -> None:
    assert name in refused(
        read, {name: (testdata / "data" / "scans" / "formats" / name).read_bytes()}
    )


# ---- archives


def packed(kind: str, members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
        return stream.getvalue()
    with tarfile.open(fileobj=stream, mode="w:gz" if kind == "tar.gz" else "w") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def test_passes_come_out_of_gz_zip_and_tar(read: Read, tmp_path: Path) -> None:
    """One pass each; hidden files of other systems are left alone."""
    one, two, three = (ply(tmp_path, POINTS + k) for k in range(3))
    zipped, tarred = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("scans/two.ply", two)
        archive.writestr("__MACOSX/._two.ply", b"junk")
    with tarfile.open(fileobj=tarred, mode="w:gz") as archive:
        entry = tarfile.TarInfo("three.ply")
        entry.size = len(three)
        archive.addfile(entry, io.BytesIO(three))
    job = read(
        {
            "one.ply.gz": gzip.compress(one),
            "b.zip": zipped.getvalue(),
            "c.tar.gz": tarred.getvalue(),
        }
    )
    assert sorted(one.name for one in job.scans.passes) == [
        "b.zip/two.ply",
        "c.tar.gz/three.ply",
        "one.ply",
    ]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_gz_files_inside_an_archive_are_passes(read: Read, tmp_path: Path, kind: str) -> None:
    """As they are in a folder."""
    members = {f"scans/{k}.ply.gz": gzip.compress(ply(tmp_path, POINTS + k)) for k in range(2)}
    job = read({f"a.{kind}": packed(kind, members)})
    assert [one.name for one in job.scans.passes] == [f"a.{kind}/0.ply", f"a.{kind}/1.ply"]


@pytest.mark.slow
def test_a_gzip_bomb_inside_a_zip_is_stopped_while_it_is_unpacked(read: Read) -> None:
    """The limit of the archive counts what comes out of its members."""
    assert "a.zip unpacks to far more than it weighs" in refused(
        read, {"a.zip": packed("zip", {"bomb.ply.gz": gzip.compress(bytes(260 << 20), 1)})}
    )


def test_a_damaged_gz_inside_an_archive_is_refused(read: Read) -> None:
    assert "a.zip is damaged" in refused(
        read, {"a.zip": packed("zip", {"a.xyz.gz": b"\x1f\x8b\x08" + bytes(50)})}
    )


def test_a_member_that_climbs_out_of_the_archive_does_no_harm(read: Read, tmp_path: Path) -> None:
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("../../evil.ply", ply(tmp_path))
    read({"a.zip": zipped.getvalue()})
    assert not list(tmp_path.parent.glob("evil.ply"))
    assert not (tmp_path / "evil.ply").exists()


@pytest.mark.slow
def test_a_zip_bomb_is_refused_before_it_is_unpacked(read: Read, tmp_path: Path) -> None:
    """300 MB of zeros in 300 kB."""
    zipped = io.BytesIO()
    with (
        zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.ply", "w") as member,
    ):
        for _ in range(300):
            member.write(bytes(1 << 20))
    assert "far more than it weighs" in refused(read, {"bomb.zip": zipped.getvalue()})
    assert not list(tmp_path.rglob("*.00001"))


@pytest.mark.slow
def test_a_gzip_bomb_is_stopped_while_it_is_unpacked(read: Read) -> None:
    assert "far more than it weighs" in refused(
        read, {"bomb.ply.gz": gzip.compress(bytes(260 << 20), 1)}
    )


def test_a_damaged_zip_is_refused_by_name(read: Read) -> None:
    assert "b.zip is damaged" in refused(read, {"b.zip": b"PK\x03\x04" + bytes(100)})


# ---- files that are not what they claim


def test_a_cut_off_ply_names_both_counts(read: Read, tmp_path: Path) -> None:
    good = ply(tmp_path)
    assert "pass_03.ply looks cut off: header says 400 points, file holds 199" in refused(
        read, {"pass_03.ply": good[: len(good) - 200 * 15 - 3]}
    )


def test_a_cut_off_ascii_ply_is_noticed(read: Read) -> None:
    assert "looks cut off: header says 400" in refused(read, {"a.ply": ascii_ply(rows()[:300])})


def test_a_cut_off_pcd_is_noticed_before_open3d_sees_it(read: Read, tmp_path: Path) -> None:
    import open3d as o3d

    path = tmp_path / "made.pcd"
    for compressed in (False, True):
        o3d.io.write_point_cloud(
            str(path),
            o3d.geometry.PointCloud(o3d.utility.Vector3dVector(POINTS)),
            compressed=compressed,
        )
        assert "looks cut off" in refused(read, {"a.pcd": path.read_bytes()[:-500]})


def test_a_cut_off_pts_is_noticed(read: Read) -> None:
    assert "header says 400 points, file holds 350" in refused(
        read, {"a.pts": "\n".join(["400", *rows()[:350]]).encode()}
    )


def test_a_cut_off_stl_is_noticed(read: Read) -> None:
    content = bytes(80) + struct.pack("<I", 1000) + bytes(50 * 600)
    assert "its header promises 1000 triangles, 600 are there" in refused(read, {"a.stl": content})


def test_a_cut_off_las_is_noticed(testdata: Path, read: Read) -> None:
    whole = (testdata / "data" / "scans" / "formats" / "simple.las").read_bytes()
    assert "looks cut off: header says 1065" in refused(read, {"a.las": whole[:20000]})


def test_a_jpeg_called_ply_is_called_a_jpeg(read: Read) -> None:
    assert "cat.ply is a JPEG image" in refused(
        read, {"cat.ply": b"\xff\xd8\xff\xe0" + bytes(5000)}
    )


def test_an_empty_file_is_called_empty(read: Read) -> None:
    assert "a.ply is empty (0 bytes)" in refused(read, {"a.ply": b""})


def test_a_ply_without_points_is_refused(read: Read) -> None:
    head = b"ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nproperty float y\nproperty float z\nend_header\n"
    assert "a.ply has 0 usable points" in refused(read, {"a.ply": head})


@pytest.mark.parametrize(
    "name", ["a.ply", "a.pcd", "a.xyz", "a.e57", "a.las", "a.glb", "a.obj", "a.off", "a.ptx"]
)
@pytest.mark.parametrize(
    "noise",
    [bytes(range(256)) * 8, b"\0" * 2048, b"hello world\n" * 200],
    ids=["bytes", "zeros", "words"],
)
def test_noise_under_any_name_is_refused_by_name(read: Read, name: str, noise: bytes) -> None:
    assert name in refused(read, {name: noise})


def test_one_bad_file_among_good_ones_rejects_the_drop_by_name(read: Read, tmp_path: Path) -> None:
    good = ply(tmp_path)
    assert "b.ply" in refused(read, {"a.ply": good, "b.ply": good[:-40]})


# ---- rows, duplicates, units


def test_rows_that_are_not_numbers_are_dropped_and_counted(read: Read, tmp_path: Path) -> None:
    """NaN, infinity, and the exact zeros of range cameras."""
    points = POINTS.copy()
    points[3], points[5, 1], points[8] = np.nan, np.inf, 0
    job = read({"a.ply": ply(tmp_path, points)})
    assert (job.scans.passes[0].points, job.scans.passes[0].dropped) == (397, 3)
    assert len(first(job)["colors"]) == 397


def test_a_point_beyond_any_scanners_reach_is_dropped_and_counted(read: Read) -> None:
    """One wild number among good ones must not flatten the rest to a line."""
    job = read({"a.xyz": "\n".join([*rows(), "1e30 0 1"]).encode()})
    assert (job.scans.passes[0].points, job.scans.passes[0].dropped) == (len(POINTS), 1)


def test_a_row_that_is_not_numbers_is_shown(read: Read) -> None:
    lines = rows()
    lines[40] = "1.0 2.0 oops"
    told = read({"a.xyz": "\n".join(lines).encode()}).ws.warnings
    assert any(
        "1 of its 400 rows is not 3 numbers and was left out, the first on line 41: '1.0 2.0 oops'"
        in text
        for text in told
    )
    lines[30:60] = ["1.0 2.0 oops"] * 30
    assert "line 31 is not 3 numbers: '1.0 2.0 oops'" in refused(
        read, {"a.xyz": "\n".join(lines).encode()}
    )


def test_a_damaged_row_of_a_ply_or_face_of_an_obj_refuses_the_file(read: Read) -> None:
    lines = rows()
    lines[40] = "1.0 2.0 oops"
    assert "row 41 of its points is not 3 numbers: '1.0 2.0 oops'" in refused(
        read, {"a.ply": ascii_ply(lines)}
    )
    assert "speaks of a vertex that is not in it" in refused(
        read, {"a.obj": b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n"}
    )


def test_a_duplicate_is_named_not_refused(read: Read, tmp_path: Path) -> None:
    """The same points in another format too."""
    job = read(
        {
            "a.ply": ply(tmp_path),
            "b.ply": ply(tmp_path),
            "c.xyz": "\n".join(rows(POINTS + 1)).encode(),
        }
    )
    assert [one.duplicate_of for one in job.scans.passes] == [None, "a.ply", None]
    assert any("b.ply holds the same points as a.ply" in text for text in job.ws.warnings)


def test_a_pass_in_millimetres_among_metres_is_scaled_with_a_warning(
    read: Read, tmp_path: Path
) -> None:
    job = read(
        {
            "a.ply": ply(tmp_path),
            "b.ply": ply(tmp_path, POINTS + 1),
            "c.ply": ply(tmp_path, POINTS * 1000),
        }
    )
    assert [one.scale for one in job.scans.passes] == [1.0, 1.0, 0.001]
    assert any("c.ply is about 1000 times larger" in text for text in job.ws.warnings)


@pytest.mark.parametrize(("size", "unit"), [(0.15, "m"), (150.0, "mm"), (25.0, "m")])
def test_the_unit_is_guessed_from_the_size_and_said_to_be_a_guess(
    read: Read, tmp_path: Path, size: float, unit: str
) -> None:
    """An object of 0.15 is in metres, one of 150 in millimetres, a room of 25 in metres."""
    diagonal = float(np.linalg.norm(np.ptp(POINTS, axis=0)))
    job = read({"a.ply": ply(tmp_path, POINTS * size / diagonal)})
    assert (job.scans.unit, job.scans.unit_guessed) == (unit, True)
    assert any("unit is a guess" in text for text in job.ws.warnings)


def test_the_unit_option_is_no_guess(read: Read, tmp_path: Path) -> None:
    job = read({"a.ply": ply(tmp_path)}, unit="inch")
    assert (job.scans.unit, job.scans.unit_guessed) == ("inch", False)


def test_survey_coordinates_lose_a_whole_number_origin(read: Read) -> None:
    """What is left is exact to a tenth of a millimetre."""
    lines = rows(SURVEYED, "%.4f")
    job = read({"a.xyz": "\n".join(lines).encode()})
    assert np.allclose(first(job)["points"] + job.scans.origin, SURVEYED, atol=1e-4)
    assert job.scans.origin[2] == 0


def test_what_is_no_scan_is_left_out_and_named(read: Read, tmp_path: Path) -> None:
    job = read({"a.ply": ply(tmp_path), "notes.docx": b"hello"})
    assert len(job.scans.passes) == 1
    assert any("no scan is read from it: notes.docx" in text for text in job.ws.warnings)


def test_a_mesh_that_the_intake_left_aside_is_named_in_the_result(
    read: Read, tmp_path: Path
) -> None:
    """Somebody's result, or a pass: who reads the report learns of it, and how to have it used."""
    drop = {
        "a.ply": ply(tmp_path),
        "result.obj": b"v 0 0 0\n",
        "._x.obj": b"",
        "notes.txt": b"hello",
    }
    job = read(drop, used=("a.ply",), unit="m")
    assert job.ws.warnings == [
        'result.obj is a mesh beside scan passes and was not used; with kind = "scan" in job.toml it is a pass',
        "not used, because no scan is read from it: notes.txt",
    ]


def test_a_readme_that_was_packed_with_the_passes_is_left_out_and_named(
    read: Read, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.ply", ply(tmp_path))
        archive.writestr("readme.txt", "The vase of 1912.\nScanned 3 times, 2 of them good.\n")
    job = read({"a.zip": packed.getvalue()})
    assert len(job.scans.passes) == 1
    assert any("not used" in text and "readme.txt" in text for text in job.ws.warnings)


def test_a_drop_without_scans_says_what_to_drop(read: Read) -> None:
    assert "no scan file" in refused(read, {"notes.docx": b"hello"})


def test_pictures_are_refused_with_what_can_be_made_of_them(read: Read) -> None:
    """Photos, colour without depth, and photos in a zip."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("1.jpg", b"\xff\xd8\xff")
    for files in (
        {"1.jpg": b"", "2.JPG": b""},
        {"color_1.png": b"", "color_2.png": b"", "pose.txt": b"1 0 0"},
        {"a.zip": packed.getvalue()},
    ):
        said = refused(read, files)
        assert "pictures that make no scan" in said
    said = refused(read, {"1.jpg": b"", "depth of field.jpg": b""})
    assert "depth of field.jpg is of depths" in said


def test_archives_of_one_name_in_two_folders_are_both_read(read: Read, tmp_path: Path) -> None:
    """The second was unpacked over the first, whose pass was then the same again."""
    job = read(
        {f"{k}/p.zip": packed("zip", {"a.ply": ply(tmp_path, POINTS + k)}) for k in range(2)}
    )
    assert [one.duplicate_of for one in job.scans.passes] == [None, None]


@pytest.mark.parametrize(
    ("row", "where"), [("1 2 3", "in one place"), ("{i} {i} 5", "on one line")]
)
def test_a_pass_that_shows_no_surface_is_refused(read: Read, row: str, where: str) -> None:
    """Neither a heap of equal points nor a line can be oriented, aligned or meshed."""
    text = "".join(row.format(i=i) + "\n" for i in range(1, 500)).encode()
    assert f"a.xyz: all its points lie {where}" in refused(read, {"a.xyz": text})


def test_survey_coordinates_are_metres(read: Read, testdata: Path) -> None:
    """Nobody surveys in millimetres, however wide the site is."""
    job = read({"a.las": (testdata / "data/scans/formats/simple.las").read_bytes()})
    assert job.scans.unit == "m"
