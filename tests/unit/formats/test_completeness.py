"""A file is whole when everything is there that its own beginning promises."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.formats import contradictions
from pipeline.formats.bytes import HEAD
from pipeline.formats.completeness import cut_off

PROPERTIES = "property float x\nproperty float y\nproperty float z\n"
FACES = "property list uchar int vertex_indices\n"


def ply(form: str, *, points: int = 5, faces: int = 0) -> bytes:
    header = f"ply\nformat {form} 1.0\ncomment made here\nelement vertex {points}\n{PROPERTIES}"
    header += f"element face {faces}\n{FACES}" if faces else ""
    if form == "ascii":
        rows = ["1 2 3"] * points + ["3 0 1 2", "4 0 1 2 3"] * (faces // 2)
        return (header + "end_header\n" + "\n".join(rows) + "\n").encode()
    order = "<" if "little" in form else ">"
    body = struct.pack(order + "3f", 1, 2, 3) * points
    body += (struct.pack(order + "B3i", 3, 0, 1, 2) + struct.pack(order + "B4i", 4, 0, 1, 2, 3)) * (
        faces // 2
    )
    return header.encode() + b"end_header\n" + body


def pcd(data: str) -> bytes:
    header = f"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 5\nHEIGHT 1\nPOINTS 5\nDATA {data}\n".encode()
    body = {
        "ascii": b"1 2 3\n" * 5,
        "binary": bytes(60),
        "binary_compressed": struct.pack("<II", 40, 60) + bytes(40),
    }
    return header + body[data]


def stl(text: bool = False) -> bytes:
    if text:
        return b"solid a\nfacet normal 0 0 1\nendfacet\nendsolid a\n"
    return b"exported".ljust(80, b"\0") + struct.pack("<I", 3) + bytes(150)


def e57() -> bytes:
    xml = b"<?xml version='1.0'?><e57Root/>"
    return (
        b"ASTM-E57"
        + struct.pack("<IIQQQQ", 1, 0, 200 + len(xml), 200, len(xml), 1024)
        + bytes(152)
        + xml
    )


def las(compressed: bool = False) -> bytes:
    header = bytearray(b"LASF".ljust(227, b"\0"))
    header[24:26] = bytes((1, 2))
    struct.pack_into("<IIBHI", header, 96, 227, 0, 0x80 if compressed else 0, 20, 5)
    return bytes(header) + (struct.pack("<q", 250) + bytes(30) if compressed else bytes(100))


def jpeg() -> bytes:
    preview = b"\xff\xd8 small \xff\xd9"
    return (
        b"\xff\xd8\xff\xe1"
        + struct.pack(">H", 2 + len(preview))
        + preview
        + b"\xff\xda\0\x08123456"
        + b"pixels" * 20
        + b"\xff\xd9"
    )


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.ply", ply("ascii"))
    return stream.getvalue()


def glb() -> bytes:
    return b"glTF" + struct.pack("<II", 2, 100) + bytes(88)


def png() -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(100) + b"\0\0\0\0IEND\xae\x42\x60\x82"


def webp() -> bytes:
    return b"RIFF" + struct.pack("<I", 100) + b"WEBP" + bytes(96)


WHOLE = {
    "ascii.ply": ply("ascii"), "mesh.ply": ply("ascii", faces=4), "little.ply": ply("binary_little_endian"),
    "big.ply": ply("binary_big_endian"), "mesh-b.ply": ply("binary_little_endian", faces=6),
    "mesh-big.ply": ply("binary_big_endian", faces=6), "a.pcd": pcd("ascii"), "b.pcd": pcd("binary"),
    "c.pcd": pcd("binary_compressed"), "a.stl": stl(), "text.stl": stl(text=True), "a.e57": e57(), "a.las": las(),
    "a.glb": glb(), "a.png": png(), "a.JPG": jpeg(), "a.webp": webp(), "a.zip": zipped(), "a.3mf": zipped(),
    "a.ply.gz": gzip.compress(ply("binary_little_endian")), "b.ply.gz": gzip.compress(ply("ascii", points=9)),
    "c.xyz.gz": gzip.compress(b"1 2 3\n"),
}  # fmt: skip


def check(name: str, data: bytes) -> str | None:
    return cut_off(name, len(data), io.BytesIO(data))


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_lacks_nothing(name: str) -> None:
    """And its first bytes agree with its name."""
    assert check(name, WHOLE[name]) is None
    assert contradictions.contradiction(name, WHOLE[name][:HEAD]) is None


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_file_cut_off_anywhere_is_noticed(name: str, share: float) -> None:
    """Wherever the copy stopped, something is missing, and it is said in words."""
    data = WHOLE[name]
    missing = check(name, data[: int(len(data) * share)])
    assert missing
    assert missing[0].islower()


@pytest.mark.parametrize(
    "name", ["a.e57", "a.zip", "a.png", "a.JPG", "text.stl", "a.ply.gz", "b.ply.gz"]
)
def test_room_made_but_not_filled_is_noticed(name: str) -> None:
    """Full size, half of it zeros: formats with something at their end show it."""
    data = WHOLE[name]
    assert check(name, data[: len(data) // 2].ljust(len(data), b"\0"))


@pytest.mark.parametrize("form", ["binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("corners", [(3, 3, 3), (3, 3, 4), (4, 3, 3), (258, 258, 258), (0, 0, 3)])
def test_lists_of_any_length_end_where_they_end(form: str, corners: tuple[int, ...]) -> None:
    """Rows alike are stepped over at once, others one by one; two lists a row, of two widths."""
    order = "<" if "little" in form else ">"
    header = f"ply\nformat {form} 1.0\nelement face {len(corners)}\nproperty list ushort int vertex_indices\nproperty uchar flag\nproperty list uchar float texcoord\nend_header\n".encode()
    rows = b"".join(
        struct.pack(
            f"{order}H{n}iBB{2 * (n % 100)}f",
            n,
            *range(n),
            1,
            2 * (n % 100),
            *[0.5] * (2 * (n % 100)),
        )
        for n in corners
    )
    whole = header + rows
    assert check("a.ply", whole) is None
    assert check("a.ply", whole[:-1])


@pytest.mark.parametrize(
    ("name", "cut", "words"),
    [
        ("little.ply", 25, "its header promises 5 vertices, 2 are there"),
        ("ascii.ply", 12, "its header promises 5 vertices, 3 are there"),
        ("ascii.ply", 3, "its last line is not complete"),
        ("mesh.ply", 10, "its header promises 4 faces, 3 are there"),
        ("mesh-b.ply", 1, "the last of the 6 faces that its header promises are missing"),
        ("b.pcd", 13, "its header promises 5 points, 3 are there"),
        ("a.las", 21, "its header promises 5 points, 3 are there"),
        ("a.stl", 60, "its header promises 3 triangles, 1 are there"),
        ("a.glb", 1, "its header promises 100 bytes, 99 are there"),
        ("a.JPG", 2, "the end of the picture is missing"),
    ],
)
def test_the_words_name_what_is_missing(name: str, cut: int, words: str) -> None:
    """A person reads how much is there, not that a parser failed."""
    assert check(name, WHOLE[name][:-cut]) == words


def test_compressed_las_needs_the_table_at_its_end() -> None:
    """Its place stands before the points, or in the last eight bytes of a streamed file."""
    data = las(compressed=True)
    assert check("a.laz", data) is None
    assert check("a.laz", data[:240])
    streamed = data[:227] + struct.pack("<q", -1) + bytes(30) + struct.pack("<q", 255)
    assert check("a.laz", streamed) is None
    assert check("a.laz", streamed[:-8])


def test_a_picture_with_something_after_its_end_is_whole() -> None:
    """Phones append films to photos; the end is looked for, not assumed."""
    assert check("a.jpg", jpeg() + bytes(200_000)) is None
    assert check("a.png", png() + b"trailer") is None


def test_several_gzip_members_in_one_file_are_whole() -> None:
    """The last size then says little; such a file is unpacked to be sure."""
    data = gzip.compress(ply("ascii", points=4000)[:-4000]) + gzip.compress(b"1 2 3\n" * 700)
    assert check("a.ply.gz", data) is None
    assert check("a.ply.gz", data[:-9])


def test_absurd_numbers_in_a_header_do_no_harm() -> None:
    """A header may promise anything; it is compared with the size, never believed."""
    assert check("a.e57", e57()[:24] + b"\xff" * 8 + e57()[32:])
    assert check("a.pcd", pcd("binary").replace(b"POINTS 5", b"POINTS " + b"9" * 5000))
    assert (
        check("a.ply", ply("ascii").replace(b"vertex 5", b"vertex -5"))
        == "its header is not complete"
    )
    assert check("a.ply", ply("ascii").replace(b"vertex 5", b"vertex 99999999999999"))


def test_a_last_line_without_a_line_end_is_whole() -> None:
    """Many programs write none, and some write Windows line ends or old Mac ones."""
    data = ply("ascii")
    assert check("a.ply", data[:-1]) is None
    assert check("a.ply", data.replace(b"\n", b"\r\n")) is None
    assert check("a.ply", data.replace(b"\n", b"\r")) is None


@pytest.mark.parametrize("name", ["a.xyz", "notes.txt", "data.bin", "a.obj"])
def test_formats_without_an_end_are_taken_as_they_are(name: str) -> None:
    """For these only the quiet window speaks."""
    assert check(name, b"1 2 3\n4 5") is None


@given(st.sampled_from(sorted(WHOLE)), st.binary(max_size=400), st.integers(0, 300))
def test_no_damage_makes_a_check_fail(name: str, noise: bytes, keep: int) -> None:
    """Whatever follows a good beginning, the answer is words or None, never an exception."""
    data = WHOLE[name][:keep] + noise
    answer = check(name, data)
    assert answer is None or answer.strip()
    assert contradictions.contradiction(name, data) is None or data


def test_real_scans_are_whole(testdata: Path) -> None:
    """Every file of the shared scan data is judged whole and rightly named, however it was packed."""
    files = [path for path in (testdata / "data" / "scans").rglob("*") if path.is_file()]
    assert len(files) > 40
    for path in files:
        with path.open("rb") as file:
            assert cut_off(path.name, path.stat().st_size, file) is None, path
            file.seek(0)
            assert contradictions.contradiction(path.name, file.read(HEAD)) is None, path


@pytest.mark.parametrize(
    "wrong",
    [b"element vertex -5\n", b"element vertex many\n", b"element vertex 1\nproperty colour x\n"],
)
def test_a_ply_header_that_makes_no_sense_is_not_waited_for(wrong: bytes) -> None:
    """It is there to its end, so no copying will mend it; one that is cut in two may still grow."""
    head = b"ply\nformat ascii 1.0\n" + wrong
    line = wrong.decode().splitlines()[-1]
    assert (
        contradictions.contradiction("a.ply", head + b"end_header\n0 0 0\n")
        == f"a PLY file whose header makes no sense: its header has the line {line!r}"
    )
    assert contradictions.contradiction("a.ply", head) is None
