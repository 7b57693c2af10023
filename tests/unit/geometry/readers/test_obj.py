"""OBJ as many programs write it."""

from __future__ import annotations

import os

import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.geometry.readers import decimals, textnumbers
from pipeline.geometry.readers.textnumbers import slots
from tests.support import meshfiles
from tests.support.meshfiles import CORNERS, POLYGONS, TRIANGLES, obj, png
from tests.unit.geometry.readers.conftest import Read

UV = "vt 0.1 0.5\nvt 0.9 0.5\n"
MTL = b"newmtl left\nmap_Kd tex.png\nnewmtl right\nKd 0 1 0\n"


def relative() -> bytes:
    rows: list[str] = []
    for face in POLYGONS:
        rows += [f"v {x:g} {y:g} {z:g}" for x, y, z in CORNERS[face]]
        rows.append("f " + " ".join(str(k - len(face)) for k in range(len(face))))
    return "\n".join(rows).encode()


WAYS = {
    "plain": obj(),
    "tabs": obj().replace(b" ", b"\t"),
    "indents": b"  " + obj().replace(b"\n", b"\n   "),
    "Windows line ends": obj().replace(b"\n", b"\r\n"),
    "old Mac line ends": obj().replace(b"\n", b"\r"),
    "no last line end": obj().rstrip(),
    "continued lines": obj().replace(b"f 6 5 4", b"f 6 \\\n5 4"),
    "blanks at line ends": obj().replace(b"\n", b"  \n"),
    "comments at line ends": obj().replace(b"\nf ", b" # so\nf "),
    "indices from the end": relative(),
    "empty texture and normal": obj(corner="{}//"),
    "the old word for face": obj().replace(b"\nf ", b"\nfo "),
    "a byte order mark": b"\xef\xbb\xbf" + obj(),
    "UTF-16": obj().decode().encode("utf-16"),
    "numbers with exponents": obj().replace(b"v 60 ", b"v 6.0e+01 "),
    "weights": obj(color=" 1.0"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_prism_is_the_prism_however_it_is_written(way: str, read: Read) -> None:
    """Volume, surface and number of faces, and no warning."""
    seen = read("a.obj", WAYS[way])
    assert (seen.volume, seen.area) == (pytest.approx(32000), pytest.approx(7200))
    assert len(seen.whole.surface.faces) == 20
    assert seen.warnings == []


def test_indices_from_zero_are_taken_so_and_said(read: Read) -> None:
    """A file that uses 0 and never its last number counts from 0; one that uses both is refused."""
    zero = "\n".join(
        [
            *(f"v {x:g} {y:g} {z:g}" for x, y, z in CORNERS),
            *("f " + " ".join(map(str, face)) for face in POLYGONS),
            "",
        ]
    )
    seen = read("a.obj", zero.encode())
    assert seen.volume == pytest.approx(32000)
    assert "index 0" in seen.warnings[0]
    with pytest.raises(InputRejected, match="index 0"):
        read("a.obj", zero.encode() + b"f 0 1 12\n")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (obj().replace(b"v 60 20 0", b"v 60,5 20,5 0,5"), "decimal commas"),
        (obj().replace(b"v 60 20 0", b"v 60 twenty 0"), "not made of numbers"),
        (obj().replace(b"v 60 20 0", b"v 60 20"), "has 2 coordinates"),
        (obj() + b"f 1 2 99\n", "vertex that is not in it"),
        (obj() + b"f -1 -2 -99\n", "vertex that is not in it"),
        (obj() + b"f 1 2 x\n", "not made of numbers"),
        (obj() + b"f 1/a 2/b 3/c\n", "corner"),
        (b"hello\n", "not an OBJ file"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, words: str, read: Read) -> None:
    """In words, with the line's own."""
    with pytest.raises(InputRejected, match=words):
        read("a.obj", data)


def test_uv_normals_and_places_may_be_numbered_apart(read: Read) -> None:
    """A corner is a vertex of its own only where one of the three differs."""
    data = b"mtllib m.mtl\nusemtl left\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvt 1 1\nvn 0 0 1\nf 1/1/1 2/2/1 3/3/1\nf 2/1/1 4/4/1 3/3/1\n"
    surface = read("a.obj", data, {"m.mtl": MTL, "tex.png": png()}).whole.surface
    assert len(surface.vertices) == 5
    assert surface.uv is not None and surface.normals is not None
    assert surface.normals.tolist() == [[0, 0, 1]] * 5


def test_colours_on_some_vertices_stay_and_the_rest_is_grey(read: Read) -> None:
    """A file of two objects, one of them painted."""
    rows = obj().decode().splitlines()
    rows[1:7] = [row + " 1 0 0" for row in rows[1:7]]
    seen = read("a.obj", "\n".join(rows).encode())
    assert seen.colors == {(255, 0, 0), (180, 180, 180)}


def test_colours_of_255_and_of_shares_are_told_apart(read: Read) -> None:
    """Some programs write bytes, some fractions."""
    assert read("a.obj", obj(color=" 255 128 0")).colors == {(255, 128, 0)}
    assert read("a.obj", obj(color=" 1 0.5 0")).colors == {(255, 128, 0)}


def test_a_picture_and_a_colour_on_one_mesh_both_stay(read: Read) -> None:
    """Two materials: the image holds both, and each half of the faces shows its own."""
    head = "mtllib m.mtl\n" + UV
    half = (
        obj(POLYGONS[:4], head, "{}/1").replace(b"\nf ", b"\nusemtl left\nf ", 1)
        + b"usemtl right\n"
    )
    half += b"".join(
        b"f " + b" ".join(b"%d/1" % (k + 1) for k in face) + b"\n" for face in POLYGONS[4:]
    )
    seen = read("a.obj", half, {"m.mtl": MTL, "tex.png": png()})
    assert seen.whole.image is not None
    assert seen.colors == {(255, 0, 0), (0, 255, 0)}
    assert seen.warnings == []


def test_the_colour_of_a_material_stands_in_for_a_missing_picture(read: Read) -> None:
    """And the picture is asked for by name."""
    mtl = b"newmtl left\nKd 0 0 1\nmap_Kd wood.png\n"
    seen = read(
        "a.obj", obj(head="mtllib m.mtl\nusemtl left\n" + UV, corner="{}/1"), {"m.mtl": mtl}
    )
    assert seen.colors == {(0, 0, 255)}
    assert seen.warnings == ["a.obj: texture wood.png is named but not in the drop."]


def test_a_repeating_picture_keeps_its_repeats(read: Read) -> None:
    """uv from 0 to 3: three times red and blue in the one picture, and all uv within it."""
    data = b"mtllib m.mtl\nusemtl left\nv 0 0 0\nv 3 0 0\nv 0 1 0\nvt 0 0\nvt 3 0\nvt 0 1\nf 1/1 2/2 3/3\n"
    seen = read("a.obj", data, {"m.mtl": MTL, "tex.png": png(right=(0, 0, 255))})
    assert seen.whole.image is not None and seen.whole.surface.uv is not None
    assert seen.whole.image.shape == (8, 24, 3)
    assert (seen.whole.image[:, :4] == [255, 0, 0]).all() and (
        seen.whole.image[:, 20:] == [0, 0, 255]
    ).all()
    assert float(np.ptp(seen.whole.surface.uv[:, 0])) == pytest.approx(1)


@pytest.mark.parametrize(
    "options",
    ["-o 0.5 0 0", "-s 1 1 1 -o 0.5", "-clamp off -o 0.5 0 -bm 2", "-mm 0 1 -o .5 0 0 -blendu on"],
)
def test_options_before_the_name_of_a_picture_are_applied(options: str, read: Read) -> None:
    """Half a picture to the right: what was red is blue."""
    mtl = f"newmtl left\nmap_Kd {options} my tex.png\n".encode()
    data = obj(head="mtllib m.mtl\nusemtl left\n" + UV, corner="{}/1")
    seen = read("a.obj", data, {"m.mtl": mtl, "my tex.png": png(right=(0, 0, 255))})
    assert (seen.warnings, seen.colors) == ([], {(0, 0, 255)})


def test_points_and_lines_are_counted(read: Read) -> None:
    """They have no surface, and are said."""
    seen = read("a.obj", obj() + b"l 1 2\nl 2 3\np 1 2 3\n")
    assert seen.warnings == [
        "a.obj: 2 lines were left out.",
        "a.obj: 3 points that no face uses were left out.",
    ]


def test_a_large_soup_is_read_in_blocks(read: Read) -> None:
    """Objects alternate with their faces: thousands of runs of lines."""
    part = relative().decode()
    seen = read("a.obj", "\n".join([part] * 400).encode())
    assert seen.volume == pytest.approx(400 * 32000)
    assert meshfiles.area(seen.whole.surface.vertices, seen.whole.surface.faces) == pytest.approx(
        400 * 7200
    )


def test_a_picture_wins_over_colours_of_vertices_that_say_the_same(read: Read) -> None:
    """Scanners write both; multiplied, the model would be too dark. Said where they vary."""
    files = {"m.mtl": MTL, "tex.png": png((200, 100, 50))}
    data = obj(head="mtllib m.mtl\nusemtl LEFT\n" + UV, corner="{}/1", color=" 0.5 0.5 0.5")
    seen = read("a.obj", data, files)
    assert (seen.colors, seen.warnings) == ({(200, 100, 50)}, [])
    seen = read("b.obj", data.replace(b"0.5 0.5 0.5", b"1 0 0", 1), files)
    assert seen.colors == {(200, 100, 50)}
    assert "the picture was taken" in seen.warnings[0]


@pytest.mark.parametrize("head", ["", "mtllib before_it_was_renamed.mtl\n"])
def test_the_only_material_file_is_taken_where_none_or_another_is_named(
    head: str, read: Read
) -> None:
    """People rename the pair, and some programs never name it; which one was taken is said. Of two none is taken."""
    data = obj(head=head + "usemtl right\n")
    seen = read("a.obj", data, {"box.mtl": b"newmtl right\nKd 0 1 0\n"})
    assert seen.colors == {(0, 255, 0)}
    assert any("box.mtl, the only one beside it, was taken" in text for text in seen.warnings)
    two = read(
        "b.obj",
        data,
        {"box.mtl": b"newmtl right\nKd 0 1 0\n", "other.mtl": b"newmtl right\nKd 1 0 0\n"},
    )
    assert two.colors == set()
    assert any("material right is used but not defined" in text for text in two.warnings)


def test_materials_without_any_material_file_are_said(read: Read) -> None:
    """usemtl alone speaks of colours that are not there; names that mean no material do not."""
    assert read("a.obj", obj(head="usemtl steel\n")).warnings == [
        "a.obj: material steel is used but not defined."
    ]
    assert read("b.obj", obj(head="usemtl None\n")).warnings == []


def test_points_keep_their_normals(read: Read) -> None:
    """One vn for each v, as MeshLab writes clouds; another number of them is said."""
    points = read("a.obj", b"vn 0 0 1\nv 0 0 0\nvn 0 1 0\nv 1 0 0\n").contents.parts[0]
    assert points.normals is not None and points.normals.tolist() == [[0, 0, 1], [0, 1, 0]]
    assert (
        "normals (1 lines for 2 points)"
        in read("b.obj", b"vn 0 0 1\nv 0 0 0\nv 1 0 0\n").warnings[0]
    )


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_and_without_its_mark(coding: str, read: Read) -> None:
    """Where no mark stands the zeros tell."""
    seen = read("a.obj", obj().decode().encode(coding))
    assert (seen.volume, seen.warnings) == (pytest.approx(32000), [])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("Ka 0.8 0.1 0.1", "Ka of it"),
        ("Ka 0 0 0\nKs 0.5 0.5 0.5\nmap_Ka wood.png", "Ks and map_Ka of it"),
        ("Ka 0.8 0.1 0.1\nKd 1 0 0", ""),
        ("Ka 0 0 0\nNs 10", ""),
    ],
)
def test_a_material_without_a_base_colour_says_what_did_not_take_its_place(
    lines: str, said: str, read: Read
) -> None:
    """Ambient light is no colour of a surface, but whoever wrote nothing else meant one."""
    library = {"a.mtl": f"newmtl wood\n{lines}\n".encode()}
    seen = read("a.obj", obj(head="mtllib a.mtl\nusemtl wood"), library)
    told = [text for text in seen.warnings if "has no base colour" in text]
    assert len(told) == bool(said)
    assert all("material wood" in text and said in text for text in told)


@pytest.mark.parametrize("corner", ["{}", "{0}/{0}", "{0}//{0}", "{0}/{0}/{0}", "{0}/{0}/"])
@pytest.mark.parametrize("change", ["alike", "one apart", "one short", "blanks behind", "no uv"])
def test_lines_that_are_all_alike_are_read_like_those_that_are_not(
    corner: str, change: str, read: Read
) -> None:
    """Triangles all written in one way are read at once; one line that differs changes nothing."""
    head = "mtllib a.mtl\nusemtl m\n" + "".join(f"vt 0.{k:02} 0.5\n" for k in range(12))
    data = obj(TRIANGLES.tolist(), head + "vn 0 0 1\n" * 12, corner)
    a, b, c = (corner.format(k) for k in (1, 3, 2))
    last = data.rindex(b"\nf ")
    data = {
        "alike": data,
        "one apart": data.replace(f"f {a} {b} {c}".encode(), f"f  {a} {b}  {c}".encode()),
        "one short": data[: last + 1] + b"f 1 2\n" + data[last + 1 :],
        "blanks behind": data[: last + 1].replace(b"\nf", b" \nf") + data[last + 1 :],
        "no uv": data[: last + 1] + data[last + 1 :].replace(b"/", b"//", 1),
    }[change]
    if change == "no uv" and corner != "{0}/{0}":
        data = data.replace(b"///", b"//")
    seen = read("a.obj", data, {"a.mtl": b"newmtl m\nmap_Kd a.png\n", "a.png": png()})
    assert seen.volume == pytest.approx(32000)
    if corner.startswith("{0}/{0}") and change != "no uv":
        surface = seen.whole.surface
        assert surface.uv is not None
        which = np.linalg.norm(surface.vertices[:, None] - CORNERS, axis=2).argmin(axis=1)
        assert np.allclose(surface.uv[:, 0], which / 100, atol=1e-6)


@pytest.mark.parametrize(
    ("block", "room"),
    [
        (b" 1 2 3\n 4 5 6\n", 3),
        (b"1 2 3 \n4 5 6 \n", 3),
        (b"  1/2 3/4\n  5/6 7/8\n", 4),
        (b" 1 2 3\n 4 5\n", 0),
        (b" 1  2\n 3  4\n", 0),
        (b" 1//2\n 3//4\n", 0),
        (b" 1 2\n3  4\n", 0),
        (b" 1/2 3\n 1 2/3\n", 0),
        (b"1 2 \n3  4\n", 0),
        (b"\n\n", 0),
        (b"", 0),
    ],
)
def test_only_lines_with_as_many_words_each_count_as_alike(block: bytes, room: int) -> None:
    """Two blanks in a row inside, or at the beginning of some lines only, are not alike."""
    assert slots(block, b"/") == room


@pytest.mark.parametrize("size", [1, 7, 40, 200])
def test_pieces_on_several_cores_are_the_whole(
    size: int, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However small the pieces; what is no number is named by its row, and nothing lasts of the
    threads' warnings."""
    block = b"".join(b"%d %.3f\n\n" % (k, k / 7) for k in range(60))
    want, damaged = (
        textnumbers.parsed(block, np.float64),
        obj().replace(b"v 60 20 20", b"v 60 x 20"),
    )
    monkeypatch.setattr(textnumbers, "PIECE", size)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})
    assert np.array_equal(textnumbers.parsed(block, np.float64), want)
    assert textnumbers.parsed(block + b"1 2 x\n", np.float64) is None
    assert textnumbers.parsed(b"x\n" + block, np.int64) is None
    assert read("a.obj", obj()).volume == pytest.approx(32000)
    with pytest.raises(InputRejected, match="vertex 9 is not made of numbers"):
        read("a.obj", damaged)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["%.0f", "%.3f", "%.6f", "%.8f", "%d", "%.9f", "%.12f", "%.16f"])
@pytest.mark.parametrize("size", [1e-6, 1.0, 9.99, 990.0, 9e4])
def test_decimals_are_those_of_the_c_library_to_the_last_bit(form: str, size: float) -> None:
    """Or they are not read that way at all: 20 digits are too many."""
    rows = np.random.default_rng(4).uniform(-size, size, (4000, 3))
    block = b"".join(b"%s  %s %s\n" % tuple((form % v).encode() for v in row) for row in rows)
    found = decimals.decimals(block)
    assert (found is None) == (form == "%.16f" and size > 1000)
    if found is not None:
        assert found.tobytes() == np.fromstring(block, sep=" ").tobytes()


def test_decimals_that_lie_halfway_between_two_floats_round_once() -> None:
    """80 bits first and 64 then would round them twice."""
    dice = np.random.default_rng(5)
    block = b"".join(b"%d.%016d\n" % (a, b) for a, b in dice.integers(0, (99, 10**16), (60_000, 2)))
    block += (
        b"900.7199254740993000\n0.0000000000000000\n-0.0000000000000001\n999.9999999999999999\n"
    )
    found = decimals.decimals(block)
    assert found is not None
    assert found.tobytes() == np.fromstring(block, sep=" ").tobytes()


def test_without_floats_of_80_bits_only_15_digits_are_read_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on ARM."""
    monkeypatch.setattr(decimals, "EXTENDED", False)
    assert decimals.decimals(b"1.2345678901234567\n") is None
    assert decimals.decimals(b"1.23456789012345\n") is not None


@pytest.mark.parametrize(
    "block", [b"1.2.3", b"1-2", b"-", b".", b"--1", b"1 2 .", b"-.", b"+1", b"3.-4", b"123456789", b"1e5", b"0x1", b"1,5", b"1234.1234567890123456"]
)  # fmt: skip
def test_what_is_no_plain_decimal_is_left_to_the_c_library(block: bytes) -> None:
    assert decimals.decimals(b"1 2 3\n" + block + b"\n") is None


@pytest.mark.parametrize("chunk", [1, 9, 1 << 18])
def test_decimals_of_odd_but_plain_kinds(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In chunks of any size; one of nothing is left to the C library, too."""
    monkeypatch.setattr(decimals, "CHUNK", chunk)
    found = decimals.decimals(b".5 5. -.25\n-0.0 007 12345678.1234567\n")
    assert found is not None
    assert found.tobytes() == np.array([0.5, 5, -0.25, -0.0, 7, 12345678.1234567]).tobytes()
    assert decimals.decimals(b"   \n") is None
