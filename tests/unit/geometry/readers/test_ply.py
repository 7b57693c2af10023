"""PLY as many programs write it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from pipeline.errors import InputRejected
from tests.support.meshfiles import CORNERS, POLYGONS, TRIANGLES, ply, png
from tests.unit.geometry.readers.conftest import Read

FORMS = ("ascii", "binary_little_endian", "binary_big_endian")
FACES = "element face 1\nproperty list uchar int vertex_indices\n"


def colored(properties: str, values: str, faces: str = FACES, row: str = "3 0 1 2") -> bytes:
    head = "ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n"
    return f"{head}{properties}{faces}end_header\n0 0 0 {values}\n1 0 0 {values}\n0 1 0 {values}\n{row}\n".encode()


def three(prefix: str, kind: str) -> str:
    return "".join(f"property {kind} {prefix}{name}\n" for name in ("red", "green", "blue"))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "more", [{}, {"before": "property uchar flags\n"}, {"count": "int"}, {"count": "ushort"}]
)
def test_polygons_of_mixed_size_keep_their_shape(
    form: str, end: str, more: dict[str, str], read: Read
) -> None:
    """Any byte order, any line end of the header, any type of the count, something before the list."""
    seen = read("a.ply", ply(form, end=end, **more))  # type: ignore[arg-type]
    assert (seen.volume, seen.area) == (pytest.approx(32000), pytest.approx(7200))
    assert seen.warnings == []


@pytest.mark.parametrize(
    ("properties", "values"),
    [
        (three("", "uchar"), "255 128 0"), (three("diffuse_", "uchar"), "255 128 0"), (three("", "float"), "1 0.502 0"),
        (three("", "ushort"), "65535 32896 0"), (three("", "ushort"), "255 128 0"), (three("", "double"), "255 128 0"),
        (three("", "int"), "255 128 0"), ("".join(f"property uchar {name}\n" for name in "rgb"), "255 128 0"),
        (three("", "uchar") + "property uchar alpha\n", "255 128 0 9"), ("property list uchar int tags\n" + three("", "uchar"), "2 7 8 255 128 0"),
    ],
)  # fmt: skip
def test_colours_of_vertices_under_all_names_and_types(
    properties: str, values: str, read: Read
) -> None:
    """Orange is orange, as bytes, shares or 16 bits."""
    assert read("a.ply", colored(properties, values)).colors == {(255, 128, 0)}


def test_colours_of_faces_beat_those_of_vertices_and_keep_their_borders(read: Read) -> None:
    """Two faces that share an edge, one red, one blue: four vertices become six."""
    data = (
        b"ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        + three("", "uchar").encode()
    )
    data += (
        b"element face 2\nproperty list uchar int vertex_index\n"
        + three("", "uchar").encode()
        + b"end_header\n"
    )
    data += (
        b"0 0 0 9 9 9\n1 0 0 9 9 9\n0 1 0 9 9 9\n1 1 0 9 9 9\n3 0 1 2 255 0 0\n3 1 3 2 0 0 255\n"
    )
    seen = read("a.ply", data)
    assert (seen.colors, len(seen.whole.surface.vertices)) == ({(255, 0, 0), (0, 0, 255)}, 6)


def test_strips_become_triangles_that_look_one_way(read: Read) -> None:
    """-1 begins a new strip; every second triangle is turned over."""
    rows = "".join(f"{x} {y} 0\n" for x in range(4) for y in (0, 1))
    head = "ply\nformat ascii 1.0\nelement vertex 8\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element tristrips 1\nproperty list int int vertex_indices\nend_header\n"
    surface = read("a.ply", f"{head}{rows}9 0 1 2 3 -1 4 5 6 7\n".encode()).whole.surface
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    assert np.cross(b - a, c - a)[:, 2].tolist() == [-1] * 4


@pytest.mark.parametrize("form", FORMS)
def test_a_count_of_faces_that_does_not_fit_is_said(form: str, read: Read) -> None:
    """One too few leaves bytes over; one too many is cut off."""
    assert "follow the rows" in read("a.ply", ply(form, faces=7)).warnings[0]
    with pytest.raises(InputRejected, match=r"promises 9 faces|is not whole|last of the 9 faces"):
        read("a.ply", ply(form, faces=9))


@pytest.mark.parametrize("index", [12, -1, 2**31 - 1])
def test_a_corner_that_is_no_vertex_is_refused(index: int, read: Read) -> None:
    """Never wrapped round to the last one."""
    data = ply("binary_little_endian")
    data = data[:-4] + struct.pack("<i", index)
    with pytest.raises(InputRejected, match="vertex that is not in it"):
        read("a.ply", data)


def test_uv_of_corners_and_the_picture_named_in_a_comment(read: Read) -> None:
    """As MeshLab writes textured meshes."""
    faces = "element face 1\nproperty list uchar int vertex_indices\nproperty list uchar float texcoord\n"
    data = colored("", "", faces, "3 0 1 2 6 0 0 0.2 0 0 0.2").replace(
        b"element vertex", b"comment TextureFile my skin.png\nelement vertex"
    )
    seen = read("a.ply", data, {"my skin.png": png((0, 200, 0))})
    assert (seen.colors, seen.warnings) == ({(0, 200, 0)}, [])
    assert read("b.ply", data).warnings == [
        "b.ply: texture my skin.png is named but not in the drop."
    ]


def test_triangles_are_read_alike_in_one_block_and_row_by_row(read: Read) -> None:
    """Rows of one length take a faster way; the result must not show it."""
    rows = b"".join(struct.pack("<B3i", 3, *face) for face in TRIANGLES)
    head = ply("binary_little_endian", faces=len(TRIANGLES)).partition(b"end_header\n")
    even = read("a.ply", head[0] + head[1] + CORNERS.astype("<f4").tobytes() + rows)
    assert even.volume == pytest.approx(32000)
    assert even.volume == pytest.approx(read("b.ply", ply("binary_little_endian")).volume)
    assert len(POLYGONS) == 8


@pytest.mark.parametrize("spelling", ["nan", "-nan(ind)", "1.#QNAN", "-1.#IND", "NaN"])
def test_what_is_no_number_is_no_number_in_all_spellings(spelling: str, read: Read) -> None:
    """The row stays in its place."""
    data = ply().replace(b"60 20 20", f"{spelling} 20 20".encode())
    vertices = read("a.ply", data).whole.surface.vertices
    assert np.isnan(vertices[:, 0]).sum() == 1


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian"])
def test_a_byte_order_mark_before_the_header_does_not_matter(form: str, read: Read) -> None:
    """Editors put it there. A header in UTF-16 is called what it is."""
    seen = read("a.ply", b"\xef\xbb\xbf" + ply(form))
    assert (seen.volume, seen.warnings) == (pytest.approx(32000), [])
    with pytest.raises(InputRejected, match=r"b\.ply is text in UTF-16"):
        read("b.ply", ply().decode().encode("utf-16"))
