"""What kind of job a drop is: by its job.toml, else by its content; in doubt it is refused with the line that decides."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.drops.kind import Identified, identify
from pipeline.errors import InputRejected
from pipeline.formats import tables
from tests.support.meshfiles import prism_gltf

HEADER = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
POINTS = (HEADER + "end_header\n0 0 0\n1 0 0\n0 1 0\n").encode()
MESH = (
    HEADER
    + "element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
).encode()
GRID = (
    HEADER
    + "element range_grid 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n1 0\n"
).encode()
OBJ = b"mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
XYZ = b"0.1 0.2 0.3\n" * 9
PGM = gzip.compress(b"P5\n")


def picture(kind: str = "PNG", maker: str | None = None, model: str | None = None) -> bytes:
    stream, exif = io.BytesIO(), Image.Exif()
    if maker:
        exif[0x010F], exif[0x0110] = maker, model
    Image.new("RGB", (8, 8)).save(stream, kind, exif=exif)
    return stream.getvalue()


PNG, JPG = picture(), picture("JPEG")


def drop(root: Path, files: dict[str, bytes]) -> Identified:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return identify(root, list(files))


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return stream.getvalue()


def tarred(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        link = tarfile.TarInfo("link.ply")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("files", "kind", "used"),
    [
        ({"a.ply": POINTS}, "scan", ["a.ply"]),
        ({"a.ply": GRID}, "scan", ["a.ply"]),
        ({"pass_10.ply": POINTS, "pass_2.ply": POINTS}, "scan", ["pass_2.ply", "pass_10.ply"]),
        ({"deep/er/a.ply.gz": gzip.compress(POINTS)}, "scan", ["deep/er/a.ply.gz"]),
        ({"a.pcd": b"# .PCD v0.7\n"}, "scan", ["a.pcd"]),
        ({"a.e57": b"ASTM-E57"}, "scan", ["a.e57"]),
        ({"a.laz": b"LASF"}, "scan", ["a.laz"]),
        ({"a.ptx": b"2\n2\n0 0 0\n"}, "scan", ["a.ptx"]),
        ({"a.xyz": XYZ, "b.pts": b"9\n" + XYZ}, "scan", ["a.xyz", "b.pts"]),
        ({"a.txt": XYZ}, "scan", ["a.txt"]),
        ({"a.csv": b"x;y;z\n" + b"0,1;0,2;0,3\n" * 5}, "scan", ["a.csv"]),
        ({"a.csv": b"x,y,z\n# made here\n" + b"1.5,2.5,3.5\n" * 5}, "scan", ["a.csv"]),
        ({"a.obj": OBJ, "b.stl": b"solid"}, "scan", ["a.obj", "b.stl"]),
        ({"a.ply": POINTS, "b.ply": POINTS, "front.png": PNG, "notes.txt": b"hello"}, "scan", ["a.ply", "b.ply"]),
        ({"color_1.png": PNG, "depth_1.pgm.gz": PGM, "pose.txt": XYZ}, "scan", ["color_1.png", "depth_1.pgm.gz", "pose.txt"]),
        ({"rgb/0001.jpg": JPG, "depth/0001.png": PNG}, "scan", ["rgb/0001.jpg", "depth/0001.png"]),
        ({"a.color.png": PNG, "a.depth.png": PNG, "intrinsics.txt": XYZ}, "scan", ["a.color.png", "a.depth.png", "intrinsics.txt"]),
        ({"a.ply": MESH}, "convert", ["a.ply"]),
        ({"a.stl": b"solid"}, "convert", ["a.stl"]),
        ({"a.stl": b"solid", "photo.jpg": JPG}, "convert", ["a.stl"]),
        ({"a.obj": OBJ, "m.mtl": b"newmtl", "t.png": PNG, "x.md": b"x"}, "convert", ["a.obj", "m.mtl", "t.png"]),
        ({"cup.webp": picture("WEBP")}, "images", ["cup.webp"]),
        ({"front.png": PNG, "Left.PNG": PNG}, "images", ["front.png", "Left.PNG"]),
        ({"000.png": PNG, "045.png": PNG, "315.png": PNG}, "images", ["000.png", "045.png", "315.png"]),
        ({"a.png": PNG, "b.png": PNG, "c.png": PNG}, "scan", ["a.png", "b.png", "c.png"]),
        ({"cup.png": PNG, "poses.txt": XYZ}, "images", ["cup.png"]),
        ({"cup": PNG}, "images", ["cup"]),
        ({"cup.png": JPG, "cup.dat": b"x"}, "images", ["cup.png"]),
        ({"0.png": PNG, "90.jfif": JPG}, "images", ["0.png", "90.jfif"]),
        ({"chair_front.gif": picture("GIF"), "chair_back.avif": picture("AVIF")}, "images", ["chair_back.avif", "chair_front.gif"]),
    ],
)  # fmt: skip
def test_kinds_by_content(
    tmp_path: Path, files: dict[str, bytes], kind: str, used: list[str]
) -> None:
    """The first rule that fits decides; what is left over is kept and named as not used."""
    found = drop(tmp_path, files)
    assert (found.kind, sorted(found.used)) == (kind, sorted(used))
    assert sorted(found.not_used) == sorted(set(files) - set(used))
    assert found.options["output_format"] == ["glb"]


@pytest.mark.parametrize("mesh", [{"a.obj": OBJ}, {"a.ply": MESH}, {"a.glb": prism_gltf().glb()}])
def test_what_a_mesh_may_refer_to_is_left_to_its_reader(
    tmp_path: Path, mesh: dict[str, bytes]
) -> None:
    """A PLY names its TextureFile, a GLB may have pictures beside it: the intake does not call them unused."""
    found = drop(tmp_path, {**mesh, "wood.png": PNG})
    assert (found.kind, found.not_used) == ("convert", [])


@pytest.mark.parametrize("size", [9, 9000])
@pytest.mark.parametrize("pack", [None, zipped, tarred, gzip.compress])
def test_a_file_of_vertices_alone_is_a_pass_whatever_its_suffix(
    tmp_path: Path, size: int, pack: Any
) -> None:
    """Faces stand behind the vertices, beyond the head of a large file: its end is looked at, too. Of a large packed one nothing is told."""
    vertices = b"# scan\n" + b"v 0.1 0.2 0.3\n" * size
    for data, is_points in ((vertices, True), (vertices + b"f 1 2 3\n", False)):
        names = {None: "a.obj", zipped: "a.zip", tarred: "a.tar.gz", gzip.compress: "a.obj.gz"}
        packed = (
            data
            if pack is None
            else gzip.compress(data)
            if pack is gzip.compress
            else pack({"a.obj": data})
        )
        found = drop(tmp_path / str(is_points), {names[pack]: packed})
        told = is_points and (pack is not gzip.compress or size == 9)
        assert found.kind == ("scan" if told else "convert")


@pytest.mark.parametrize(("faces", "kind"), [(0, "scan"), (1, "convert")])
def test_an_off_file_says_how_many_faces_it_has(tmp_path: Path, faces: int, kind: str) -> None:
    assert (
        drop(tmp_path, {"a.off": f"OFF\n# made here\n3 {faces} 0\n0 0 0\n".encode()}).kind == kind
    )


# -- job.toml ----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["job.toml", "Job.toml.txt"])
@pytest.mark.parametrize("folders", [("a",), ("a", "b"), ("deep/er",)])
def test_a_job_toml_in_a_folder_of_the_drop_is_not_passed_over(
    tmp_path: Path, name: str, folders: tuple[str, ...]
) -> None:
    """What it asks for would be lost without a word. One at the top speaks for all."""
    files = {"p.ply": POINTS} | {f"{each}/{name}": b'kind = "convert"' for each in folders}
    with pytest.raises(InputRejected, match=f"{folders[0]}/{name} lies in a folder of the drop"):
        drop(tmp_path, files)
    assert drop(tmp_path, {**files, "job.toml": b'kind = "scan"'}).kind == "scan"


def test_folders_that_each_say_they_are_complete_are_not_made_into_one_model(
    tmp_path: Path,
) -> None:
    """A folder of drops. One of them alone, or one READY at the top, is one drop."""
    files = {"a/p.ply": POINTS, "b/p.ply": POINTS, "a/READY": b"", "b/go.txt": b""}
    with pytest.raises(InputRejected, match=r"a/READY and b/go.txt each say"):
        drop(tmp_path, files)
    assert drop(tmp_path, {**files, "ready.txt": b""}).kind == "scan"
    del files["b/go.txt"]
    assert drop(tmp_path, files).kind == "scan"


@pytest.mark.parametrize("folder", ["vase-0123456789", "a/b"])
@pytest.mark.parametrize("beside", ["input/a.ply", "output/model.ply"])
def test_a_job_inside_of_a_folder_is_no_scan_of_its_own_result(
    tmp_path: Path, folder: str, beside: str
) -> None:
    """Several jobs put into a new folder to have them done again, or one that slipped into its neighbour."""
    files = {f"{folder}/job.json": b"{}", f"{folder}/{beside}": MESH, "b.ply": MESH}
    with pytest.raises(InputRejected, match=f"{folder} is a job's folder") as refused:
        drop(tmp_path, files)
    assert "Drop that folder itself" in refused.value.remedy
    del files[f"{folder}/job.json"]
    assert drop(tmp_path / "no job", files).kind == "scan"


def test_two_job_tomls_in_one_archive_are_in_doubt(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for folder in "ab":
            archive.writestr(f"{folder}/p.ply", POINTS)
            archive.writestr(f"{folder}/job.toml", 'kind = "scan"')
    with pytest.raises(InputRejected, match=r"x.zip/a/job.toml and x.zip/b/job.toml"):
        drop(tmp_path, {"x.zip": packed.getvalue()})


def test_prose_with_some_numbers_is_not_a_scan(tmp_path: Path) -> None:
    """A tenth of other lines is too much for a table."""
    text = b"a vase\n" + b"10 20 30\n" * 5 + b"about so high\n" * 2
    assert drop(tmp_path, {"idea.txt": text}).kind == "prompt"


def test_photos_may_be_named_a_scan(tmp_path: Path) -> None:
    """Photos without EXIF are a scan if the person says so."""
    found = drop(tmp_path, {"job.toml": b'kind = "scan"', "a.jpg": JPG, "b.jpg": JPG})
    assert (found.kind, found.used) == ("scan", ["a.jpg", "b.jpg"])


# -- in doubt ----------------------------------------------------------------------------------


def test_a_mislabelled_file_is_refused_before_submission_too(tmp_path: Path) -> None:
    """The same words as from the inbox, for drops that a command copies in."""
    with pytest.raises(InputRejected, match=r"pass_03\.ply is a JPEG image"):
        drop(tmp_path, {"pass_03.ply": JPG})


def test_links_are_not_followed(tmp_path: Path) -> None:
    """Should one appear between the look and the reading, opening it fails."""
    (tmp_path / "a.ply").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="symbolic"):
        identify(tmp_path, ["a.ply"])


def test_rubbish_and_markers_are_neither_used_nor_named(tmp_path: Path) -> None:
    """What nobody dropped on purpose is not reported to the person."""
    found = drop(
        tmp_path,
        {
            "a.ply": POINTS,
            "READY": b"",
            ".DS_Store": b"x",
            "Thumbs.db": b"x",
            "b.ply.part": b"x",
            "@eaDir/t.png": b"x",
        },
    )
    assert (found.used, found.not_used) == (["a.ply"], [])


@given(st.binary(max_size=400))
def test_counting_columns_never_fails(data: bytes) -> None:
    """Any bytes are rows of numbers or not."""
    assert tables.rows_of_numbers(data, whole=False) >= 0


@given(
    st.lists(st.tuples(*[st.floats(-1e6, 1e6)] * 3), min_size=1, max_size=30),
    st.sampled_from([" ", "\t", ",", ";", ", "]),
)
def test_columns_of_numbers_are_recognised(rows: list[tuple[float, ...]], separator: str) -> None:
    """However numbers are separated, with a title line and a comment, every row counts."""
    text = "# scan\nx y z\n" + "\n".join(
        separator.join(f"{value:.4f}" for value in row) for row in rows
    )
    assert tables.rows_of_numbers(text.encode(), whole=True) == len(rows)


@pytest.mark.parametrize(
    ("folder", "kind", "used"),
    [("bunny", "scan", 10), ("lion", "scan", 6), ("tls_office", "scan", 5), ("turntable_dog", "scan", 11), ("rgbd_desk", "scan", 11),
     ("photos_berlin", "scan", 3), ("formats", "scan", 7)],
)  # fmt: skip
def test_real_drops_are_identified(testdata: Path, folder: str, kind: str, used: int) -> None:
    """The shared scan sets, exactly as people deliver them, readme files and all."""
    root = testdata / "data" / "scans" / folder
    found = identify(
        root, [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    )
    assert (found.kind, len(found.used)) == (kind, used)
