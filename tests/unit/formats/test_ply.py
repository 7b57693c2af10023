"""A PLY header means the same at intake, for a scan and for a mesh."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.drops import item
from pipeline.errors import InputRejected
from pipeline.formats import completeness, contradictions, meshes, ply
from pipeline.stages.scan import _ply

LINES = ["ply", "format ascii 1.0", "element vertex 3", "property float x", "property float y", "property float z", "element face 1",
         "property list uchar int vertex_indices", "end_header", "0 0 0", "1 0 0", "0 1 0", "3 0 1 2"]  # fmt: skip


def but(change: dict[str, str], end: str = "\n") -> bytes:
    """The file with some lines replaced by others; one that becomes "" goes."""
    rows = [change.get(line, line) for line in LINES]
    return "".join(row + end for row in rows if row).encode()


SOUND = {
    "plain": but({}),
    "a comment that ends the header in words": but(
        {"element vertex 3": "comment before end_header comes\nelement vertex 3"}
    ),
    "a comment that is end_header but for its word": but(
        {"element face 1": "comment end_header\nelement face 1"}
    ),
    "obj_info that looks like an element": but(
        {"element vertex 3": "obj_info element vertex 9\nelement vertex 3"}
    ),
    "Windows line ends": but({}, "\r\n"),
    "old Mac line ends": but({}, "\r"),
    "blanks after end_header": but({"end_header": "end_header  "}),
    "a list before the coordinates": but(
        {
            "property float x": "property list uchar int tags\nproperty float x",
            "0 0 0": "2 7 8 0 0 0",
        }
    ),
    "two words of a type": but({"property float x": "property float32 x"}),
}
UNSOUND = {
    "no format": but({"format ascii 1.0": ""}),
    "an unknown format": but({"format ascii 1.0": "format utf8 1.0"}),
    "a negative count": but({"element vertex 3": "element vertex -3"}),
    "a count in words": but({"element vertex 3": "element vertex many"}),
    "an unknown type": but({"property float x": "property colour x"}),
    "a list counted in floats": but(
        {"property list uchar int vertex_indices": "property list float int vertex_indices"}
    ),
    "a property before any element": but(
        {"element vertex 3": "property float w\nelement vertex 3"}
    ),
}


@pytest.mark.parametrize("what", SOUND)
def test_a_sound_header_is_one_header_everywhere(what: str, tmp_path: Path) -> None:
    """Three vertices and one face, at intake, as a scan and as a mesh."""
    data = SOUND[what]
    header = _ply.read_header("a.ply", data)
    assert (header.rows("vertex"), header.rows("face")) == (3, 1)
    assert data[header.length :].split()[-4:] == [b"3", b"0", b"1", b"2"]
    assert item.what_of("a.ply", ".ply", data) == item.MESH
    assert contradictions.contradiction("a.ply", data) is None
    assert completeness.cut_off("a.ply", len(data), io.BytesIO(data)) is None
    (tmp_path / "a.ply").write_bytes(data)
    meshes.check("a.ply", tmp_path / "a.ply")


@pytest.mark.parametrize("what", UNSOUND)
def test_an_unsound_header_is_refused_everywhere(what: str, tmp_path: Path) -> None:
    """No part of the program guesses what another refuses."""
    data = UNSOUND[what]
    (tmp_path / "a.ply").write_bytes(data)
    said = contradictions.contradiction("a.ply", data)
    assert said is not None
    assert said.startswith("a PLY file whose header makes no sense: its header has ")
    assert (
        completeness.cut_off("a.ply", len(data), io.BytesIO(data)) == "its header is not complete"
    )
    with pytest.raises(InputRejected, match="header"):
        _ply.read_header("a.ply", data)
    with pytest.raises(InputRejected, match="header"):
        meshes.check("a.ply", tmp_path / "a.ply")
    with pytest.raises(InputRejected, match="header"):
        item.what_of("a.ply", ".ply", data)


def test_the_first_byte_of_a_binary_body_is_no_line_end() -> None:
    """Behind a header of lines that end with CR alone, a body may begin with the byte that is LF."""
    head = but({"format ascii 1.0": "format binary_little_endian 1.0"}, "\r").partition(
        b"end_header\r"
    )
    header = ply.read(head[0] + head[1] + b"\n\x01\x02")
    assert header is not None
    assert header.length == len(head[0] + head[1])


def test_what_comments_and_obj_info_say_is_kept() -> None:
    """Names of textures and the width of a range grid stand there."""
    header = ply.read(
        but(
            {
                "element vertex 3": "comment TextureFile a b.png\nobj_info num_cols 512\nelement vertex 3"
            }
        )
    )
    assert header is not None
    assert header.comments == ("TextureFile a b.png",)
    assert header.info == {"num_cols": "512"}


@given(st.binary(max_size=300))
def test_ply_headers_never_fail(data: bytes) -> None:
    """Any bytes after "ply" give a header, None, or say what is unsound."""
    try:
        header = ply.read(b"ply\n" + data + b"\nend_header\n")
    except ply.Unsound as fault:
        assert "header" in str(fault)
    else:
        assert header is None or header.length > 0
