"""In doubt a drop is refused with the line that would decide, and what is not read is named with who can export it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputRejected
from tests.unit.drops.test_kind import JPG, PNG, drop, picture, zipped


def test_a_film_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """Its frames would do."""
    with pytest.raises(InputRejected, match=r"walk\.mp4 is a film") as caught:
        drop(tmp_path, {"walk.mp4": b"\0\0\0\x18ftypmp42" + bytes(64)})
    assert "frames" in caught.value.remedy
    asked = {"walk.mp4": b"\0\0\0\x18ftypmp42" + bytes(64), "job.toml": b'kind = "scan"\n'}
    with pytest.raises(InputRejected, match=r"walk\.mp4 is a film") as caught:
        drop(tmp_path, asked)
    assert "frames" in caught.value.remedy


@pytest.mark.parametrize(
    "name", ["vase - Shortcut.lnk", "vase.url", "vase.webloc", "vase.desktop", "sub/vase.LNK"]
)
def test_a_shortcut_is_called_one(tmp_path: Path, name: str) -> None:
    """Dragged with the wrong key held; beside the thing itself it is in nobody's way."""
    with pytest.raises(InputRejected, match="is a shortcut: ") as refused:
        drop(tmp_path, {name: b"L\0\0\0\x01\x14\x02\0" + bytes(200)})
    assert "itself" in refused.value.remedy
    assert drop(tmp_path / "both", {name: b"L\0\0\0", "a.png": PNG}).used == ["a.png"]


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
