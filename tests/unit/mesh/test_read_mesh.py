"""read_mesh takes what is a mesh and refuses the rest by name."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import InputRejected
from pipeline.geometry import surface as surfaces
from tests.unit.mesh.boxes import BOX, Make, exported, read

XYZ = b"property float x\nproperty float y\nproperty float z\n"


@pytest.mark.parametrize("kind", ["obj", "stl", "ply", "glb", "off", "3mf"])
def test_every_format_reads_with_its_size(workspace: Make, kind: str) -> None:
    """A box of 1 × 2 × 3 comes back with twelve faces and that size."""
    ws = workspace()
    mesh = read(ws, {f"box.{kind}": exported(kind)})
    assert mesh.faces == 12
    assert np.ptp(surfaces.load(ws, mesh).vertices, axis=0).tolist() == pytest.approx([1, 2, 3])


@pytest.mark.parametrize("kind", ["obj", "stl", "ply", "glb", "off", "3mf"])
def test_a_box_is_known_to_be_watertight(workspace: Make, kind: str) -> None:
    """Formats that repeat vertices are judged by place, not by number."""
    mesh = read(workspace(), {f"box.{kind}": exported(kind)})
    assert (mesh.watertight, mesh.manifold) == (True, True)


def test_two_meshes_of_one_name_are_told_apart(workspace: Make) -> None:
    """As where two drops were merged: "box.stl, box.stl" tells nobody where they lie."""
    with pytest.raises(InputRejected, match=r"2 mesh files in one drop \(a/box.stl, b/box.stl\)"):
        read(workspace(), {"a/box.stl": exported("stl"), "b/box.stl": exported("stl")})


def test_two_archives_beside_each_other_are_both_opened(workspace: Make) -> None:
    """The mesh in one and its textures in the other, which was unpacked over it."""
    packed = {}
    for name, data in (("box.stl", exported("stl")), ("notes.txt", b"red")):
        with zipfile.ZipFile(stream := io.BytesIO(), "w") as archive:
            archive.writestr(name, data)
        packed[f"{name}.zip"] = stream.getvalue()
    assert read(workspace(), packed).faces == 12


def test_gz_and_zip_are_unpacked(workspace: Make) -> None:
    """A packed mesh reads as the mesh inside."""
    assert read(workspace("gz"), {"box.stl.gz": gzip.compress(exported("stl"))}).faces == 12
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("folder/../../evil/box.ply", exported("ply"))
        archive.writestr("readme.txt", "hello")
    ws = workspace("zip")
    assert read(ws, {"box.zip": packed.getvalue()}).faces == 12
    assert sorted(path.name for path in ws.root.rglob("*.ply")) == ["box.ply"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("cat.ply", b"\xff\xd8\xff\xe0" + bytes(200), "cat.ply is a JPEG image"),
        ("cat.stl", b"\x89PNG\r\n\x1a\n" + bytes(200), "cat.stl is a PNG image"),
        ("x.obj", b"", "x.obj is empty"),
        (
            "x.stl",
            exported("stl")[:300],
            "x.stl looks cut off: its header promises 12 triangles, 4 are there",
        ),
        ("x.ply", exported("ply")[:-40], "x.ply looks cut off"),
        ("x.glb", exported("glb")[:-8], "x.glb looks cut off"),
        ("x.off", exported("off")[:60], "x.off looks cut off"),
        ("x.3mf", exported("3mf")[:-30], "x.3mf looks cut off"),
        ("x.stl", b"solid x\nfacet normal 0 0 1\n outer loop\n", "x.stl looks cut off"),
        ("x.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n", "x.obj holds 3 points and no faces"),
        (
            "x.obj",
            b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 99\n",
            "x.obj is damaged: it speaks of a vertex that is not in it",
        ),
        ("x.obj", b"just some text\n", "x.obj is not an OBJ file"),
        (
            "x.ply",
            b"ply\nformat ascii 1.0\nelement vertex 1\n" + XYZ + b"end_header\n0 0 0\n",
            "no faces",
        ),
        ("x.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "x.obj"),
        ("x.stl.gz", gzip.compress(exported("stl"))[:-20], "x.stl.gz looks cut off"),
        ("x.txt", b"hello", "no mesh file in the drop (found: x.txt)"),
        ("flat.obj", b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "flat.obj"),
    ],
)
def test_what_is_not_a_whole_mesh_is_refused_by_name(
    workspace: Make, name: str, data: bytes, words: str
) -> None:
    """The message names the file and the fact, and a remedy is there."""
    with pytest.raises(InputRejected) as refusal:
        read(workspace(), {name: data})
    assert words in refusal.value.message
    assert refusal.value.remedy


def test_two_meshes_in_one_drop_are_refused(workspace: Make) -> None:
    """One drop, one mesh: guessing which was meant helps nobody."""
    with pytest.raises(InputRejected, match="2 mesh files"):
        read(workspace(), {"a.stl": exported("stl"), "b.ply": exported("ply")})


@pytest.mark.slow
def test_an_archive_bomb_is_stopped(workspace: Make) -> None:
    """Eighty megabytes of zeros in eighty kilobytes are not unpacked to the end."""
    with pytest.raises(InputRejected, match="far more than it weighs"):
        read(workspace(), {"x.stl.gz": gzip.compress(bytes(80 << 20), 9)})


def test_vertices_that_are_not_numbers_lose_their_faces_only(workspace: Make) -> None:
    """One NaN corner costs the faces at that corner and a warning."""
    text = exported("obj").decode().splitlines()
    first = next(i for i, line in enumerate(text) if line.startswith("v "))
    text[first] = "v nan nan nan"
    ws = workspace()
    mesh = read(ws, {"x.obj": "\n".join(text).encode()})
    assert 0 < mesh.faces < 12
    assert "not numbers" in ws.warnings[0]
    assert np.isfinite(surfaces.load(ws, mesh).vertices).all()


def test_a_texture_beside_an_obj_is_kept(workspace: Make) -> None:
    """OBJ, MTL and PNG of one drop belong together; the image's size and the uv survive."""
    ws = workspace()
    image = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), (200, 30, 10), np.uint8)).save(image, "png")
    text = b"mtllib q.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n"
    mesh = read(
        ws, {"q.obj": text, "q.mtl": b"newmtl m\nmap_Kd tex.png\n", "tex.png": image.getvalue()}
    )
    assert mesh.image is not None
    assert surfaces.load(ws, mesh).uv is not None
    assert np.asarray(Image.open(ws.path(mesh.image)))[0, 0].tolist() == [200, 30, 10]


def test_a_material_file_cannot_reach_out_of_the_drop(workspace: Make, tmp_path: Path) -> None:
    """map_Kd with a path elsewhere finds nothing."""
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "secret.png")
    ws = workspace()
    text = b"mtllib q.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nf 1/1 2/2 3/3\n"
    mesh = read(ws, {"q.obj": text, "q.mtl": f"newmtl m\nmap_Kd {tmp_path}/secret.png\n".encode()})
    assert mesh.image is None


def test_vertex_colours_of_a_ply_survive(workspace: Make) -> None:
    """Colours are sRGB bytes inside, as they stand in the file."""
    box = BOX.copy()
    box.visual.vertex_colors = np.tile([10, 200, 90, 255], (8, 1)).astype(np.uint8)
    ws = workspace()
    mesh = read(ws, {"box.ply": box.export(file_type="ply")})
    colors = surfaces.load(ws, mesh).colors
    assert colors is not None
    assert colors[0].tolist() == [10, 200, 90]


def test_whatever_else_lies_beside_a_mesh_is_named(workspace: Make) -> None:
    """In the warnings, and so in the report; what speaks to the pipeline or belongs to a system is
    not."""
    ws = workspace()
    for name in ("plan.blend", "READY", "job.toml", "Thumbs.db"):
        (ws.input / name).write_bytes(b"x")
    read(ws, {"box.obj": exported("obj")})
    assert [text for text in ws.warnings if "not used" in text] == ["not used: plan.blend."]


@pytest.mark.parametrize("packed", [False, True])
def test_of_the_pictures_beside_a_mesh_those_it_does_not_refer_to_are_named(
    workspace: Make, packed: bool
) -> None:
    """A PLY with a TextureFile: the one is laid on, the other said to be unused, also inside an archive."""
    text = "ply\nformat ascii 1.0\ncomment TextureFile wood.png\nelement vertex 3\n" + XYZ.decode()
    text += "property float s\nproperty float t\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), (200, 0, 0)).save(picture, "png")
    files = {
        "a.ply": text.encode() + b"0 0 0 0 0\n1 0 0 1 0\n0 1 0 0 1\n3 0 1 2\n",
        "wood.png": picture.getvalue(),
        "old.png": picture.getvalue(),
    }
    if packed:
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w") as archive:
            for name, data in files.items():
                archive.writestr(f"stuff/{name}", data)
        files = {"a.zip": held.getvalue()}
    ws = workspace()
    assert read(ws, files).image
    said = [text for text in ws.warnings if text.startswith("not used")]
    assert len(said) == 1
    assert "old.png" in said[0] and "wood.png" not in said[0]
