"""What kind of job a drop is: by its job.toml, else by its content; in doubt it is refused with the line that decides."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.drops import items, jobtoml
from pipeline.drops.kind import Identified, identify
from pipeline.errors import InputRejected
from pipeline.formats import archives, tables
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


def test_passes_come_in_natural_order(tmp_path: Path) -> None:
    """pass_2 is before pass_10, as a person counts."""
    assert drop(tmp_path, {f"pass_{k}.ply": POINTS for k in (10, 2, 1)}).used == [
        "pass_1.ply",
        "pass_2.ply",
        "pass_10.ply",
    ]


def test_one_mesh_beside_passes_is_not_used_and_named(tmp_path: Path) -> None:
    """It is more often an older result than a pass; the note says how to use it."""
    found = drop(tmp_path, {"a.ply": POINTS, "b.ply": POINTS, "result.ply": MESH})
    assert found.used == ["a.ply", "b.ply"]
    assert "result.ply" in found.notes[0]
    found = drop(
        tmp_path,
        {"a.ply": POINTS, "b.ply": POINTS, "result.ply": MESH, "job.toml": b'kind = "scan"'},
    )
    assert found.used == ["a.ply", "b.ply", "result.ply"]


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


def test_a_mesh_packed_with_passes_is_read_with_them(tmp_path: Path) -> None:
    """An archive is read as a whole; what is said of it must be true."""
    found = drop(tmp_path, {"a.zip": zipped({"a.ply": POINTS, "b.ply": MESH})})
    assert (found.kind, found.not_used, found.notes) == ("scan", [], [])


def test_three_or_more_pictures_without_sides_are_a_scan_of_photos(tmp_path: Path) -> None:
    """Of one camera, of several, without EXIF: and it is said, with the line that would make them views."""
    one = {f"{k}.jpg": picture("JPEG", "Canon", "EOS R5") for k in range(3)}
    other = one | {"3.jpg": picture("JPEG", "Nikon", "Z9")}
    unknown = {f"{k}.jpg": JPG for k in range(3)}
    for number, photos in enumerate((one, other, unknown)):
        found = drop(tmp_path / str(number), photos)
        assert (found.kind, len(found.used)) == ("scan", len(photos))
        assert "photos of a scan" in found.notes[0] and 'kind = "images"' in found.notes[0]


def test_a_list_of_the_cameras_places_goes_with_photos(tmp_path: Path) -> None:
    """Rows of numbers beside photos are no scan where their name says what they are."""
    photos = {f"{k}.jpg": JPG for k in range(3)}
    for name, text in (
        ("poses.csv", "0, 1, 2, 3\n1, 1, 2, 4\n2, 1, 2, 5\n"),
        ("transforms.json", "{}"),
    ):
        found = drop(tmp_path / name, photos | {name: text.encode()})
        assert (found.kind, found.not_used) == ("scan", [])
        assert name in found.used
    asked = photos | {"poses.csv": b"0, 1, 2, 3\n", "job.toml": b'kind = "scan"\n'}
    assert "poses.csv" in drop(tmp_path / "asked", asked).used


def test_pictures_with_transparency_are_views_of_one_object(tmp_path: Path) -> None:
    """They are cut out already. One of them among photos changes nothing."""
    clear = png_with_alpha()
    assert drop(tmp_path / "all", {f"{k}.png": clear for k in "abc"}).kind == "images"
    mixed = drop(tmp_path / "one", {"a.png": clear, "b.jpg": JPG, "c.jpg": JPG})
    assert mixed.kind == "scan"


def test_a_film_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Its frames would do."""
    with pytest.raises(InputRejected, match=r"walk\.mp4 is a film") as caught:
        drop(tmp_path, {"walk.mp4": b"\0\0\0\x18ftypmp42" + bytes(64)})
    assert "frames" in caught.value.remedy


def png_with_alpha() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (32, 32), (200, 10, 10, 0)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("name", ["idea.txt", "idea.md", "idea.json"])
def test_a_lone_short_text_is_a_prompt(tmp_path: Path, name: str) -> None:
    """Its words become the option prompt, whatever the file is called."""
    found = drop(tmp_path, {name: "\ufeffa blue vase, Größe 3\n".encode()})
    assert (found.kind, found.used, found.options["prompt"]) == (
        "prompt",
        [name],
        "a blue vase, Größe 3",
    )


def test_a_request_may_come_as_json(tmp_path: Path) -> None:
    """request.json holds what an API body would; wrong keys are refused by name."""
    found = drop(
        tmp_path / "a",
        {
            "request.json": json.dumps(
                {"image_urls": ["https://example.org/a.png"], "seed": 3}
            ).encode()
        },
    )
    assert (found.kind, found.options["image_urls"], found.options["seed"]) == (
        "images",
        ["https://example.org/a.png"],
        3,
    )
    found = drop(
        tmp_path / "b",
        {"request.json": json.dumps({"prompt": "a cup", "quality_tier": "high"}).encode()},
    )
    assert (found.kind, found.options["prompt"], found.options["quality_tier"]) == (
        "prompt",
        "a cup",
        "high",
    )
    with pytest.raises(InputRejected, match=r"request\.json: colour: there is no such option"):
        drop(
            tmp_path / "c",
            {"request.json": json.dumps({"prompt": "a cup", "colour": "red"}).encode()},
        )


@pytest.mark.parametrize("pack", [zipped, tarred, lambda files: tarred(files, "w")])
def test_archives_are_judged_by_what_they_hold(tmp_path: Path, pack: Any) -> None:
    """Their members are looked at one by one; links in them are none."""
    name = "a.zip" if pack is zipped else "a.tar.gz" if pack is tarred else "a.tar"
    found = drop(
        tmp_path,
        {
            name: pack(
                {
                    "x/a.ply": POINTS,
                    "x/b.ply.gz": gzip.compress(POINTS),
                    "__MACOSX/._a.ply": b"x",
                    "x/readme.md": b"hi",
                }
            )
        },
    )
    assert (found.kind, found.used, found.not_used) == ("scan", [name], [f"{name}/x/readme.md"])
    assert drop(tmp_path / "mesh", {name: pack({"m.obj": OBJ})}).kind == "convert"
    assert drop(tmp_path / "image", {name: pack({"cat.png": PNG})}).kind == "images"


@pytest.mark.parametrize("folder", ["", "vase/"])
@pytest.mark.parametrize("pack", [zipped, tarred])
def test_the_job_toml_of_a_packed_folder_counts(tmp_path: Path, pack: Any, folder: str) -> None:
    """Who packs a folder packs what it says; one deeper down is no such word, nor one beside other drops."""
    name = "a.zip" if pack is zipped else "a.tar.gz"
    toml = b'kind = "scan"\nunit = "mm"\n'
    found = drop(
        tmp_path / "a", {name: pack({f"{folder}a.ply": POINTS, f"{folder}job.toml": toml})}
    )
    assert (found.kind, found.options["unit"], found.not_used) == ("scan", "mm", [])
    deep = drop(tmp_path / "b", {name: pack({"a.ply": POINTS, "x/y/job.toml": toml})})
    assert (deep.options["unit"], deep.not_used) == ("auto", [f"{name}/x/y/job.toml"])
    with pytest.raises(InputRejected, match=r"job\.toml: colour: there is no such option"):
        drop(
            tmp_path / "c",
            {name: pack({"a.ply": POINTS, "job.toml": b'kind = "scan"\ncolour = 1\n'})},
        )


def test_an_archive_of_pictures_named_ply_is_refused_by_name(tmp_path: Path) -> None:
    """What holds for files holds for members."""
    with pytest.raises(InputRejected, match=r"a\.zip/cat\.ply is a PNG image"):
        drop(tmp_path, {"a.zip": zipped({"cat.ply": PNG})})


def test_archives_that_cannot_be_opened_are_refused_by_name(tmp_path: Path) -> None:
    """Damaged, or locked with a password: the words say which, and what to do."""
    with pytest.raises(InputRejected, match=r"bad\.zip is damaged"):
        drop(tmp_path / "1", {"bad.zip": zipped({"a.ply": POINTS})[:-40]})
    with pytest.raises(InputRejected, match=r"bad\.tar\.gz is damaged"):
        drop(tmp_path / "2", {"bad.tar.gz": tarred({"a.ply": POINTS * 100})[:-60]})
    locked = bytearray(zipped({"a.ply": POINTS}))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputRejected, match="locked with a password"):
        drop(tmp_path / "3", {"locked.zip": bytes(locked)})


def test_a_zip_bomb_costs_a_head_only(tmp_path: Path) -> None:
    """A gigabyte of zeros in a megabyte is looked at like any other file."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("bomb.xyz", "w", force_zip64=True) as member,
    ):
        for _ in range(64):
            member.write(bytes(1 << 20))
    with pytest.raises(InputRejected, match=r"bomb\.xyz holds no rows"):
        drop(tmp_path, {"bomb.zip": stream.getvalue()})


def test_an_archive_of_too_many_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The watch over all other drops goes on."""
    monkeypatch.setattr(archives, "MOST_FILES", 10)
    with pytest.raises(InputRejected, match="more than 10 files"):
        drop(tmp_path, {"a.zip": zipped({f"{k}.ply": POINTS for k in range(11)})})


# -- job.toml ----------------------------------------------------------------------------------


def test_job_toml_outranks_guessing(tmp_path: Path) -> None:
    """Kind and options are those of the API; everything else keeps its default."""
    toml = (
        b'\xef\xbb\xbfkind = "images"\r\nbackend = "triposr"\r\noutput_format = ["obj", "glb"]\r\n'
    )
    found = drop(tmp_path, {"job.toml": toml, "a.png": PNG, "b.png": PNG, "a.ply": POINTS})
    assert (found.kind, found.used, found.not_used) == ("images", ["a.png", "b.png"], ["a.ply"])
    assert (found.options["backend"], found.options["output_format"]) == ("triposr", ["obj", "glb"])


def test_options_without_a_kind_go_with_the_guessed_one(tmp_path: Path) -> None:
    """A person who only wants another format need not know our kinds."""
    found = drop(tmp_path, {"job.toml": b'unit = "mm"', "a.ply": POINTS})
    assert (found.kind, found.options["unit"]) == ("scan", "mm")
    with pytest.raises(InputRejected, match=r"job\.toml: unit: there is no such option"):
        drop(tmp_path / "images", {"job.toml": b'unit = "mm"', "a.png": PNG})


def test_a_prompt_may_stand_in_job_toml_alone(tmp_path: Path) -> None:
    """So may the addresses of images."""
    found = drop(tmp_path, {"job.toml": b'kind = "prompt"\nprompt = "a vase"'})
    assert (found.kind, found.options["prompt"], found.used) == ("prompt", "a vase", [])
    found = drop(
        tmp_path, {"job.toml": b'kind = "images"\nimage_urls = ["https://example.org/a.png"]'}
    )
    assert (found.kind, found.used) == ("images", [])


def test_a_text_that_asks_for_another_kind_is_refused(tmp_path: Path) -> None:
    """job.toml says prompt, the only text is a request for images: somebody must decide."""
    request = json.dumps({"image_urls": ["https://example.org/a.png"]}).encode()
    with pytest.raises(InputRejected, match="does not hold a short text"):
        drop(tmp_path, {"job.toml": b'kind = "prompt"', "request.json": request})


def test_prose_with_some_numbers_is_not_a_scan(tmp_path: Path) -> None:
    """A tenth of other lines is too much for a table."""
    text = b"a vase\n" + b"10 20 30\n" * 5 + b"about so high\n" * 2
    assert drop(tmp_path, {"idea.txt": text}).kind == "prompt"


def test_a_large_packed_tar_is_judged_by_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its list of contents cannot be read without unpacking it all; what was seen decides."""
    monkeypatch.setattr(items, "MOST_UNPACKED", 5000)
    found = drop(
        tmp_path, {"a.tar.gz": tarred({**{f"{k}.ply": POINTS for k in range(20)}, "last.png": PNG})}
    )
    assert (found.kind, found.not_used) == ("scan", [])


@pytest.mark.parametrize("asked", ["part.stl", "./Part.STL", "cad/part.stl", "CAD\\part.stl"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_mesh_that_is_named_as_reference_is_no_pass(
    tmp_path: Path, asked: str, packed: bool
) -> None:
    """It is used all the same, as any name of it says; the rest is a scan, were it one mesh alone."""
    toml = f"reference = '{asked}'".encode()
    files = {"job.toml": toml, "cad/part.stl": b"solid", "a.ply": MESH}
    found = drop(tmp_path, {"all.zip": zipped(files)} if packed else files)
    assert (found.kind, found.options["reference"]) == ("scan", asked)
    assert sorted(found.used) == (["all.zip"] if packed else ["a.ply", "cad/part.stl"])
    assert not found.not_used


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            "other.stl",
            r'"other\.stl" is not in the drop \(its meshes: a\.obj, b/part\.stl, part\.stl\)',
        ),
        ("stl", r'"stl" is not in the drop'),
        ("c/a.ply", r"c/a\.ply holds points without faces"),
        ("a.png", r"a\.png is no mesh"),
    ],
)
def test_a_reference_that_is_not_there_or_no_mesh_is_refused_by_name(
    tmp_path: Path, asked: str, words: str
) -> None:
    files = {"c/a.ply": POINTS, "part.stl": b"solid", "b/part.stl": b"solid", "a.obj": OBJ}
    with pytest.raises(InputRejected, match=words):
        drop(
            tmp_path,
            {"job.toml": f'reference = "{asked}"'.encode(), "a.png": PNG, **files},
        )


def test_of_two_references_of_one_name_the_one_that_is_spelled_is_meant(tmp_path: Path) -> None:
    """Else somebody must say which."""
    files = {"a.ply": POINTS, "x/part.stl": b"solid", "y/part.stl": b"solid"}
    with pytest.raises(InputRejected, match=r"may be x/part\.stl or y/part\.stl"):
        drop(tmp_path / "1", {"job.toml": b'reference = "part.stl"', **files})
    found = drop(tmp_path / "2", {"job.toml": b'reference = "y/part.stl"', **files})
    assert found.not_used == ["x/part.stl"]


def test_photos_may_be_named_a_scan(tmp_path: Path) -> None:
    """Photos without EXIF are a scan if the person says so."""
    found = drop(tmp_path, {"job.toml": b'kind = "scan"', "a.jpg": JPG, "b.jpg": JPG})
    assert (found.kind, found.used) == ("scan", ["a.jpg", "b.jpg"])


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            b'kind = "statue"',
            "job.toml: kind: there is no kind 'statue'; use scan, images, prompt or convert",
        ),
        (b"kind = 5", "job.toml: kind"),
        (b'kind = "scan"\ncolour = "red"', "job.toml: colour: there is no such option"),
        (b'kind = "scan"\nholes = 7', "job.toml: holes"),
        (b'[options]\nunit = "mm"', "job.toml: options: there is no such option"),
        (b"kind = [", "job.toml: it is not valid TOML"),
        (b"\xff\xfe\x00", "job.toml: it is not UTF-8 text"),
        ("kind = 'scan' # größer".encode("latin-1"), "job.toml: it is not UTF-8 text"),
        (b'[[files]]\npath = "a.ply"', "job.toml: files: entry 1 lacks size"),
        (b'[[files]]\npath = "a.ply"\nsize = -1', "job.toml: files: entry 1, size"),
        (
            b'[[files]]\npath = "a.ply"\nsize = 1\nsha256 = "beef"',
            "job.toml: files: entry 1, sha256",
        ),
        (
            b'[[files]]\npath = "a.ply"\nsize = 1\nmd5 = "x"',
            "job.toml: files: entry 1 has the key md5",
        ),
        (b"files = 3", "job.toml: files: it is no list of entries"),
        (b"a = " + b"[" * 100_000, "job.toml: it is not valid TOML"),
        (b"seed = " + b"9" * 5000, "job.toml: it is not valid TOML"),
        (b"# " + b"x" * jobtoml.LIMIT, "job.toml: it is larger than 256 KiB"),
        (b'kind = "convert"', "a.ply holds no faces: a mesh needs faces"),
        (b'kind = "images"', "but the drop does not hold an image"),
        (b'kind = "scan"\nunit = "parsec"', "job.toml: unit"),
        (b'kind = "prompt"', "but the drop does not hold a short text"),
    ],
)
def test_a_wrong_job_toml_is_refused_by_name(tmp_path: Path, toml: bytes, words: str) -> None:
    """The person reads which key is wrong, and what to do."""
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path, {"job.toml": toml, "a.ply": POINTS})
    assert words in refused.value.message
    assert re.match("Correct|Export|Save", refused.value.remedy)


@pytest.mark.parametrize("name", ["Job.TOML", "job.toml.txt", "JOB.toml.TXT"])
@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("pack", [None, zipped])
def test_job_toml_counts_as_other_systems_spell_and_save_it(
    tmp_path: Path, name: str, form: str, pack: Any
) -> None:
    """Upper case, a second suffix that an editor adds unseen, a byte order mark."""
    files = {"a.ply": POINTS, name: 'kind = "scan"\r\nunit = "mm"\r\n'.encode(form)}
    found = drop(tmp_path, {"a.zip": pack(files)} if pack else files)
    assert (found.options["unit"], found.not_used) == ("mm", [])
    files[name] = b"colour = 1"
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path / "wrong", {"a.zip": pack(files)} if pack else files)
    assert refused.value.message.startswith(f"{name}: colour")
    assert f"Correct {name} in the drop" in refused.value.remedy


def test_two_of_job_toml_are_refused(tmp_path: Path) -> None:
    """One of them would be ignored without a word."""
    with pytest.raises(InputRejected, match=r"the drop has job\.toml and Job\.toml\.txt"):
        drop(tmp_path, {"a.ply": POINTS, "job.toml": b"", "Job.toml.txt": b'unit = "mm"'})


@pytest.mark.parametrize(
    "data", ["ein grüner Würfel".encode(form) for form in ("utf-8", "utf-8-sig", "utf-16")]
)
def test_a_prompt_is_read_as_editors_save_it(tmp_path: Path, data: bytes) -> None:
    assert drop(tmp_path, {"Prompt.TXT": data}).options["prompt"] == "ein grüner Würfel"


def test_line_ends_of_other_systems_count_once(tmp_path: Path) -> None:
    text = "\r\n".join(["x" * 19] * 100)
    assert len(drop(tmp_path, {"prompt.txt": text.encode()}).options["prompt"]) == 1999


@pytest.mark.parametrize(
    ("data", "words", "remedy"),
    [
        ("ein grüner Würfel".encode("latin-1"), "prompt.txt is not UTF-8 text", "Save it as UTF-8"),
        (b"  \n", "prompt.txt is empty", "Write into it what to make"),
    ],
)
def test_a_prompt_that_cannot_be_read_is_told_so(
    tmp_path: Path, data: bytes, words: str, remedy: str
) -> None:
    with pytest.raises(InputRejected, match=words) as refused:
        drop(tmp_path, {"prompt.txt": data})
    assert refused.value.remedy.startswith(remedy)


# -- in doubt ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.dng", picture("TIFF"), "a.dng is a camera's raw file, which is not read"),
        ("a.exr", b"v/1\x01" + bytes(20), "an OpenEXR image"),
    ],
)
def test_a_picture_that_is_not_read_is_named_with_those_that_are(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    with pytest.raises(InputRejected, match=words) as refused:
        drop(tmp_path, {name: data})
    assert "HEIC" in refused.value.remedy


@pytest.mark.parametrize(
    "name",
    ["Notes (1)", "notes - Copy", "my notes", "todo list", "ReadMeFirst", "README_2", "LICENSE-MIT", "credits", "leggimi",
     "Lisez-moi", "error", "log 2"],
)  # fmt: skip
def test_a_note_by_any_name_is_asked_about(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match="may be a note"):
        drop(tmp_path, {f"{name}.txt": b"call mum"})


@pytest.mark.parametrize("name", ["prompt", "chair", "log cabin", "a note stand", "Untitled"])
def test_other_names_are_those_of_prompts(name: str, tmp_path: Path) -> None:
    assert drop(tmp_path, {f"{name}.txt": b"a red chair"}).kind == "prompt"


def test_a_prompt_that_is_too_long_is_told_by_its_length(tmp_path: Path) -> None:
    with pytest.raises(InputRejected, match=r"prompt\.txt is 3000 bytes long.* 2000 characters"):
        drop(tmp_path, {"prompt.txt": b"word " * 600})


def test_a_note_is_a_prompt_where_job_toml_says_so(tmp_path: Path) -> None:
    found = drop(tmp_path, {"notes.txt": b"a vase", "job.toml": b'kind = "prompt"'})
    assert (found.kind, found.options["prompt"]) == ("prompt", "a vase")


@pytest.mark.parametrize(
    ("files", "words", "line"),
    [
        ({"a.png": PNG, "b.png": PNG}, "2 images", 'kind = "images"'),
        ({"color_1.png": PNG, "depth_2.png": PNG}, "do not pair by name", 'kind = "images"'),
        ({"notes.txt": b"a vase"}, "only notes.txt, which may be a note", 'kind = "prompt"'),
        ({"README.md": b"a vase"}, "only README.md", 'kind = "prompt"'),
        ({"Liesmich 2.txt": b"a vase"}, "only Liesmich 2.txt", "prompt.txt"),
        ({"a.3mf": b"PK\x03\x04", "b.3mf": b"PK\x03\x04"}, "several meshes", 'kind = "convert"'),
        ({"a.txt": b"a vase", "b.txt": b"a cup"}, "neither a scan nor a mesh", 'kind = "prompt"'),
        ({"long.txt": b"word " * 500}, "at most 2000 characters", 'kind = "prompt"'),
        (
            {"letter.docx": b"PK\x03\x04"},
            "nothing in the drop can be used (it holds letter.docx)",
            'kind = "scan"',
        ),
        (
            {"a.xyz": b"hello world\n"},
            "a.xyz holds no rows of at least three numbers",
            'kind = "scan"',
        ),
        (
            {"few.csv": b"1,2\n3,4\n"},
            "few.csv holds no rows of at least three numbers",
            'kind = "scan"',
        ),
        ({"READY": b""}, "it holds no files", 'kind = "scan"'),
    ],
)
def test_in_doubt_the_deciding_line_is_named(
    tmp_path: Path, files: dict[str, bytes], words: str, line: str
) -> None:
    """Nothing is guessed that a person would have to guess, too."""
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path, files)
    assert words in refused.value.message
    assert line in refused.value.remedy
    assert "job.toml" in refused.value.remedy


@pytest.mark.parametrize(
    ("files", "words", "remedy"),
    [
        ({"chair.dae": b"<COLLADA/>"}, "chair.dae is a COLLADA model", "export it as GLB"),
        ({"chair.FBX": b"x", "wood.png": PNG}, "chair.FBX is an FBX model", "export it as GLB"),
        ({"chair.blend": b"BLENDER", "chair.txt": b"a chair"}, "a Blender scene", "Blender"),
        ({"part.step": b"ISO-10303-21;"}, "a STEP model", "CAD"),
        ({"hall.fls": b"x", "a.jpg": JPG}, "a scan in its scanner's own format", "E57"),
        ({"figure.vrm": b"glTF"}, "a VRM figure", "suffix to .glb"),
        ({"a.3ds": b"MM", "job.toml": b'kind = "convert"'}, "a 3D Studio model", "GLB"),
        ({"set.zip": zipped({"a.usdc": b"PXR-USDC"})}, "set.zip/a.usdc is a USD scene", "GLB"),
    ],
)
def test_a_model_that_is_not_read_is_named_with_who_can_export_it(
    tmp_path: Path, files: dict[str, bytes], words: str, remedy: str
) -> None:
    """Its texture is no view of an object, and a text beside it no prompt."""
    with pytest.raises(InputRejected) as refused:
        drop(tmp_path, files)
    assert words in refused.value.message
    assert remedy in refused.value.remedy


def test_a_model_that_is_not_read_takes_nothing_from_a_mesh_or_named_views(tmp_path: Path) -> None:
    """It is left beside, by name."""
    for name, more in (("mesh", {"a.obj": b"v 0 0 0\nf 1 1 1\n"}), ("views", {"front.png": PNG})):
        folder = tmp_path / name
        folder.mkdir()
        assert drop(folder, {"a.blend": b"BLENDER", **more}).not_used == ["a.blend"]


def test_an_archive_inside_an_archive_is_named_with_what_to_do(tmp_path: Path) -> None:
    """It is not opened, so nobody can tell what is in it."""
    with pytest.raises(
        InputRejected, match=r"outer\.zip/inner\.zip is an archive inside an archive"
    ) as refused:
        drop(tmp_path, {"outer.zip": zipped({"inner.zip": zipped({"a.xyz": b"1 2 3\n" * 9})})})
    assert "Unpack the outer one" in refused.value.remedy


def test_a_photo_series_with_azimuth_like_numbers_is_not_views(tmp_path: Path) -> None:
    """045.jpg in a series of a hundred photos is the forty-fifth photo."""
    found = drop(
        tmp_path, {f"{k:03}.jpg": picture("JPEG", "Canon", "EOS R5") for k in range(44, 48)}
    )
    assert (found.kind, len(found.used)) == ("scan", 4)


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


@given(st.binary(max_size=300))
def test_any_job_toml_is_read_or_refused(data: bytes) -> None:
    """No bytes make the reader fail otherwise."""
    try:
        jobtoml.parse(data)
    except InputRejected as refused:
        assert refused.message.startswith("job.toml: ")


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


def test_meshes_of_several_names_are_passes_and_that_is_said(tmp_path: Path) -> None:
    """One name in several formats is one model."""
    files = {"a.stl": b"solid a\nendsolid a\n", "b.stl": b"solid b\nendsolid b\n"}
    found = drop(tmp_path, files)
    assert (found.kind, found.used) == ("scan", ["a.stl", "b.stl"])
    assert "2 meshes: taken as passes of one scan" in found.notes[0]


def test_an_archive_that_is_not_opened_matters_only_where_sides_do_not_decide(
    tmp_path: Path,
) -> None:
    """Beside pictures that say which sides they show it is left out, by name."""
    rar = b"Rar!\x1a\x07\0" + bytes(60)
    found = drop(tmp_path / "named", {"front.png": PNG, "left.png": PNG, "m.rar": rar})
    assert (found.kind, found.not_used) == ("images", ["m.rar"])
    with pytest.raises(InputRejected, match=r"m\.rar is a RAR archive, which is not opened"):
        drop(tmp_path / "bare", {"wood.png": PNG, "m.rar": rar})
