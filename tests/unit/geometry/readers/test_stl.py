"""STL and OFF as many programs write them."""

from __future__ import annotations

import pytest

from pipeline.errors import InputRejected
from tests.support.meshfiles import CORNERS, POLYGONS, off, stl, stl_text
from tests.unit.geometry.readers.conftest import Read

RED, BLUE = 0x001F, 0x7C00  # as Magics packs them
STLS = {
    "binary": stl(),
    "solid in a binary header": stl(header=b"solid part facet"),
    "stray bytes behind": stl(header=b"solid x", tail=b"\0\0"),
    "text": stl_text(),
    "capitals": stl_text().upper(),
    "several solids": stl_text(solids=3),
    "solids that end without a name": stl_text(solids=3)
    .replace(b"endsolid part of a vertex", b"endsolid")
    .replace(b"solid part of a vertex", b"solid Part"),
    "Windows line ends": stl_text().replace(b"\n", b"\r\n"),
    "old Mac line ends": stl_text().replace(b"\n", b"\r"),
    "a byte order mark": b"\xef\xbb\xbf" + stl_text(),
    "UTF-16": stl_text().decode().encode("utf-16"),
    "UTF-16 without a mark": stl_text().decode().encode("utf-16-be"),
    "tabs": stl_text().replace(b"  vertex", b"\t\tvertex"),
    "blank lines": stl_text().replace(b"\n", b"\n\n"),
}
OFFS = {
    "plain": off(),
    "counts in the first line": off(first="OFF 12 8 0"),
    "blanks and comments before": b"  \n# so\n\n" + off(first="OFF # and so\n# on\n12 8 18 # end"),
    "comments between": off().replace(b"60 20 0", b"# a row\n60 20 0 # its end"),
    "Windows line ends": off().replace(b"\n", b"\r\n"),
    "old Mac line ends": off().replace(b"\n", b"\r"),
    "UTF-16": off().decode().encode("utf-16"),
    "no blank before the counts": off(first="OFF12 8 0"),
    "normals": off(first="NOFF\n12 8 0", rows=[f"{x:g} {y:g} {z:g} 0 0 1" for x, y, z in CORNERS]),
    "four coordinates": off(
        first="4OFF\n12 8 0", rows=[f"{2 * x:g} {2 * y:g} {2 * z:g} 2" for x, y, z in CORNERS]
    ),
}


@pytest.mark.parametrize("way", STLS)
def test_stl_in_all_its_ways(way: str, read: Read) -> None:
    """Twenty facets, volume 32000, nothing to say. (Behind an endsolid without a name PyMeshLab can
    lose the next solid's first facet, 23 of 24, which it reads with a name there: what it counts of
    several solids is no measure.)"""
    seen = read("a.stl", STLS[way])
    assert (len(seen.whole.surface.faces), seen.volume) == (20, pytest.approx(32000))
    assert seen.warnings == []


@pytest.mark.parametrize("count", [0, 0xFFFFFFFF])
def test_a_count_that_nobody_wrote_is_replaced_by_what_follows(count: int, read: Read) -> None:
    """Streaming programs leave 0 or all ones."""
    seen = read("a.stl", stl(count=count))
    assert seen.volume == pytest.approx(32000)
    assert str(count) in seen.warnings[0]


def test_a_count_that_is_wrong_is_said_or_refused(read: Read) -> None:
    """Too small: more follows; too large: cut off."""
    assert "room for 1 more" in read("a.stl", stl(count=19)).warnings[0]
    with pytest.raises(InputRejected, match="promises 21 triangles, 20 are there"):
        read("a.stl", stl(count=21))


def test_colours_of_magics_and_of_viscam(read: Read) -> None:
    """The one has red in the low bits and a colour of the whole in its header, the other blue and a flag."""
    half = [BLUE] * 10 + [0x8000] * 10
    assert read("a.stl", stl(header=b"COLOR=\x0a\x14\x1e\xff", attribute=half)).colors == {
        (0, 0, 255),
        (10, 20, 30),
    }
    flagged = [0x8000 | RED] * 10 + [0] * 10
    assert read("b.stl", stl(attribute=flagged)).colors == {(0, 0, 255), (180, 180, 180)}
    assert read("c.stl", stl(attribute=[0x2020] * 20)).colors == set()


@pytest.mark.parametrize("way", OFFS)
def test_off_in_all_its_ways(way: str, read: Read) -> None:
    """Polygons keep their shape; nothing to say."""
    seen = read("a.off", OFFS[way])
    assert (seen.volume, seen.area) == (pytest.approx(32000), pytest.approx(7200))
    assert seen.warnings == []


@pytest.mark.parametrize("values", ["255 128 0 255", "255 128 0", "1.0 0.502 0.0 1.0"])
def test_colours_of_vertices_and_faces_of_off(values: str, read: Read) -> None:
    """COFF has them at vertices; any OFF may have them behind the corners of a face."""
    points = off(first="COFF\n12 8 0", rows=[f"{x:g} {y:g} {z:g} {values}" for x, y, z in CORNERS])
    assert read("a.off", points).colors == {(255, 128, 0)}
    faces = [f"{len(face)} {' '.join(map(str, face))} {values}" for face in POLYGONS]
    assert read("b.off", off(faces=faces)).colors == {(255, 128, 0)}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (off(first="OFF\n12 9 0"), "promises 21 lines"),
        (off(first="nOFF\n4"), "many-dimensional OFF"),
        (off().replace(b"4 0 1 7 6", b"9 0 1 7 6"), "fewer corners"),
        (off().replace(b"4 0 1 7 6", b"4 0 1 7 99"), "not in it"),
        (off().replace(b"60 20 0", b"60,5 20,5 0,5"), "decimal commas"),
        (stl_text().replace(b"vertex 60 20 20", b"vertex 60,5 20 20"), "decimal commas"),
        (stl_text().replace(b"vertex 60 20 20", b"vertex 60 20"), "2 coordinates"),
        (stl_text()[:-60], "endsolid"),
    ],
)
def test_what_is_wrong_is_named(data: bytes, words: str, read: Read) -> None:
    """In words, not as an exception."""
    with pytest.raises(InputRejected, match=words):
        read("a.stl" if data.startswith(b"solid") else "a.off", data)


def test_a_text_in_utf_16_that_ends_early_is_cut_off(read: Read) -> None:
    """It is known as the text that it is, so its end is looked for."""
    with pytest.raises(InputRejected, match="endsolid"):
        read("a.stl", stl_text()[:-60].decode().encode("utf-16"))
