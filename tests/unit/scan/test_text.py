"""Tables of points as programs write them: read for what they are, or refused or remarked upon in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.formats.refusals import Source
from pipeline.geometry import arrays
from pipeline.geometry.readers.companions import Companions
from pipeline.stages.scan import _formats
from tests.unit.scan.conftest import Job

Read = Callable[..., Job]
RNG = np.random.default_rng(11)
POINTS = np.round(RNG.normal(0, 20, (300, 3)), 3)
COLOURS = RNG.integers(0, 256, (300, 3))
NORMALS = np.round(POINTS / np.linalg.norm(POINTS, axis=1, keepdims=True), 5)
SHARES = np.round(COLOURS / 255, 4)


def table(*columns: np.ndarray, sep: str = " ", comma: bool = False, form: str = "%.4f") -> str:
    """Rows of COLUMNS side by side; whole numbers stay whole."""
    blocks = [np.asarray(column).reshape(300, -1) for column in columns]
    words = [
        [
            ("%d" if block.dtype.kind in "iu" else form) % value
            for block in blocks
            for value in block[row]
        ]
        for row in range(300)
    ]
    text = [sep.join(word.replace(".", ",") if comma else word for word in row) for row in words]
    return "\n".join(text) + "\n"


def said(job: Job) -> str:
    return "\n".join(job.ws.warnings)


def first(job: Job) -> dict[str, np.ndarray]:
    return arrays.load(job.ws.path(job.scans.passes[0].arrays))


NUMBERS = np.arange(1, 301)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.xyz", table(POINTS, sep="\t", comma=True)),
        ("a.txt", table(POINTS, comma=True)),
        ("a.csv", table(POINTS, sep=", ", comma=True)),
        ("a.csv", table(POINTS, sep="|")),
        (
            "a.csv",
            "\n".join(
                '"' + row.replace(" ", '","').replace(".", ",") + '"'
                for row in table(POINTS).splitlines()
            ),
        ),
        ("a.csv", "sep=;\n" + table(POINTS, sep=";", comma=True)),
        ("a.csv", "100;20;0\n" + table(POINTS, sep=";", comma=True)),
        ("a.txt", table(NUMBERS, POINTS)),
        ("a.csv", "Nr;X;Y;Z\n" + table(NUMBERS, POINTS, sep=";")),
        (
            "a.csv",
            "Point,X,Y,Z,Code\n"
            + "\n".join(
                f"P{k},{row},TREE" for k, row in enumerate(table(POINTS, sep=",").splitlines())
            ),
        ),
        ("a.txt", table(POINTS).replace(" ", "   ").replace("\n", "  \r\n")),
        ("a.csv", table(POINTS, sep=";").replace("\n", ";\n")),
        ("a.asc", "%!made by hand\n// two lines\n\n" + table(POINTS)),
        ("a.xyz", table(POINTS).replace("\n", "\n\n", 120)),
        ("a.xyz", table(POINTS).replace(".", ".0D+00", 0).replace("\n", "  # seen\n", 3)),
        ("a.txt", "X Y Z\n[m] [m] [m]\n" + table(POINTS)),
        ("a.txt", "x (m) y (m) z (m)\n" + table(POINTS)),
        ("a.csv", '"Points:0","Points:1","Points:2"\n' + table(POINTS, sep=",")),
        ("a.txt", "Rechtswert;Hochwert;Höhe\n" + table(POINTS, sep=";", comma=True)),
        ("a.csv", "N,E,H\n" + table(POINTS[:, [1, 0, 2]], sep=",")),
        (
            "a.csv",
            "id,northing_m,easting_m,elev_m\n" + table(NUMBERS, POINTS[:, [1, 0, 2]], sep=","),
        ),
        ("a.csv", "Z,Y,X\n" + table(POINTS[:, ::-1], sep=",")),
    ],
    ids=str,
)
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_places_come_out_as_they_were_meant(
    read: Read, name: str, content: str, coding: str
) -> None:
    stored = first(read({name: content.encode(coding)}))
    assert np.allclose(stored["points"][-300:], POINTS, atol=1e-9)
    assert "colors" not in stored


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", table(POINTS, COLOURS)),
        ("a.txt", table(POINTS, COLOURS, RNG.random(300))),
        ("a.txt", table(POINTS, RNG.random(300) * 40, COLOURS)),
        ("a.txt", table(POINTS, COLOURS, np.full(300, 255))),
        ("a.txt", table(POINTS, SHARES)),
        ("a.txt", table(POINTS, COLOURS * 257)),
        ("a.pts", "300\n" + table(POINTS, RNG.integers(0, 256, 300), COLOURS)),
        ("a.pts", "300\n" + table(POINTS, RNG.integers(-2048, 2048, 300), COLOURS)),
        ("a.txt", table(POINTS, NORMALS, COLOURS)),
        ("a.txt", table(POINTS, COLOURS, NORMALS)),
        ("a.txt", table(POINTS, COLOURS, RNG.random(300), NORMALS)),
        ("a.txt", "//X Y Z Rf Gf Bf Scalar field\n300\n" + table(POINTS, SHARES, RNG.random(300))),
        ("a.csv", "R;G;B;X [mm];Y [mm];Z [mm]\n" + table(COLOURS, POINTS, sep=";", comma=True)),
        (
            "a.csv",
            "Intensity,X (m),Y (m),Z (m),Red,Green,Blue\n"
            + table(RNG.random(300), POINTS, COLOURS, sep=","),
        ),
    ],
    ids=str,
)
def test_colours_are_found_wherever_they_stand(read: Read, name: str, content: str) -> None:
    stored = first(read({name: content.encode()}))
    assert np.allclose(stored["points"], POINTS, atol=1e-9)
    assert np.abs(stored["colors"].astype(int) - COLOURS).max() <= 1


def test_three_small_whole_numbers_are_classes_and_no_colours(read: Read) -> None:
    """Return number, number of returns, class: said, not painted."""
    job = read({"a.txt": table(POINTS, RNG.integers(1, 6, (300, 3))).encode()})
    assert "colors" not in first(job)
    assert "3 of its 6 columns could not be understood" in said(job)


@pytest.mark.parametrize(
    "word",
    [
        "nan",
        "NaN",
        "-nan",
        "-nan(ind)",
        "-1.#IND",
        "1.#QNAN",
        "1.#QNAN0",
        "-1.#IND00",
        "NULL",
        "n/a",
        "-",
        "",
        "1.#INF",
    ],
)
def test_a_place_without_a_number_is_left_out_and_said(read: Read, word: str) -> None:
    lines = table(POINTS, sep=";").splitlines()
    lines[7] = f"{word};{word};{word}"
    job = read({"a.csv": "\n".join(lines).encode()})
    assert (job.scans.passes[0].points, job.scans.passes[0].dropped) == (299, 1)
    assert "299 of 300 points were read" in said(job)


def test_a_survey_in_utm_with_the_northing_first_is_not_mirrored(read: Read) -> None:
    utm = POINTS[:, [1, 0, 2]] + [5_400_000, 450_000, 300]
    job = read({"a.txt": table(utm).encode()})
    assert job.scans.origin[0] < 1_000_000 < job.scans.origin[1]
    assert "Northing and Easting" in said(job)


def test_columns_in_another_order_than_x_y_z_are_said(read: Read) -> None:
    assert "in the order Y, X, Z" in said(
        read({"a.csv": ("Y,X,Z\n" + table(POINTS, sep=",")).encode()})
    )


def test_the_unit_of_the_header_is_the_unit_of_the_drop(read: Read) -> None:
    job = read({"a.csv": ("X (mm),Y (mm),Z (mm)\n" + table(POINTS, sep=",")).encode()})
    assert (job.scans.unit, job.scans.unit_guessed) == ("mm", False)


def test_an_axis_in_another_unit_is_converted_and_said(read: Read) -> None:
    job = read({"a.csv": ("X (ft),Y (ft),Z (m)\n" + table(POINTS, sep=",")).encode()})
    assert np.allclose(first(job)["points"][:, 2], POINTS[:, 2] / 0.3048)
    assert "its z is in m and was converted to ft" in said(job)


def test_what_has_no_place_in_a_model_is_named(read: Read) -> None:
    job = read(
        {"a.csv": ("X,Y,Z,Class,GPS time\n" + table(POINTS, POINTS[:, :2], sep=",")).encode()}
    )
    assert "a.csv: Class and GPS time were not read" in said(job)


def test_a_count_that_is_too_small_loses_no_points(read: Read) -> None:
    job = read({"a.pts": ("250\n" + table(POINTS)).encode()})
    assert job.scans.passes[0].points == 300
    assert "its header says 250 points, but it holds 300" in said(job)


def test_all_blocks_of_a_pts_are_read(read: Read) -> None:
    lines = table(POINTS).splitlines(keepends=True)
    content = "100\n" + "".join(lines[:100]) + "\n200\n" + "".join(lines[100:])
    assert np.allclose(first(read({"a.pts": content.encode()}))["points"], POINTS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            "\n".join(
                ",".join(f"{a},{b:03}" for a, b in zip(*RNG.integers(0, 100, (2, 3)), strict=True))
                for _ in range(200)
            ),
            "commas stand between",
        ),
        (table(POINTS, sep=";").replace(".", ",", 400), "decimal comma"),
        ("lat,lon,alt\n" + table(POINTS, sep=","), "degrees"),
        ("range,azimuth,elevation\n" + table(POINTS, sep=","), "polar"),
        (
            "Red,Green,Blue,Depth\n" + table(COLOURS, POINTS[:, 0], sep=","),
            "Red, Green, Blue, Depth; name them x, y and z",
        ),
        (
            "300\n" + "".join(table(POINTS).splitlines(keepends=True)[:280]),
            "header says 300 points, file holds 280",
        ),
        (table(POINTS)[:-12], "looks cut off"),
    ],
    ids=["confused", "both marks", "degrees", "polar", "no z", "short", "cut"],
)
def test_what_cannot_be_read_rightly_is_refused_in_words(
    read: Read, content: str, words: str
) -> None:
    with pytest.raises(InputRejected) as caught:
        read({"a.csv": content.encode()})
    assert words in str(caught.value)


# ---- PTX


def ptx(columns: int, rows: int, body: str, place: str = "0 0 0") -> str:
    return f"{columns}\n{rows}\n{place}\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n{body}"


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("between", ["", "\n", "\n \r\n\n"])
def test_every_scan_of_a_ptx_is_read(read: Read, between: str, coding: str) -> None:
    """Blank lines between, decimal commas, rows of beams that met nothing shorter than the others."""
    one = table(POINTS, np.full(300, 0.5), COLOURS).splitlines()
    one[5] = "0 0 0 0.5"
    content = (
        ptx(15, 20, "\n".join(one) + "\n")
        + between
        + ptx(20, 15, table(POINTS, np.full(300, 0.5), comma=True))
    )
    job = read({"a.ptx": content.encode(coding)})
    assert [each.points for each in job.scans.passes] == [299, 300]
    assert np.array_equal(first(job)["colors"], np.delete(COLOURS, 5, 0))


def test_the_scanner_of_a_ptx_stands_where_its_header_says(read: Read) -> None:
    """Also in files whose points were moved to the site's frame already: an identity as pose, and a place that is not zero."""
    job = read({"a.ptx": ptx(15, 20, table(POINTS, np.full(300, 0.5)), "100 200 3").encode()})
    assert job.scans.passes[0].scanner == (100.0, 200.0, 3.0)


def test_colours_of_a_ptx_in_16_bits_do_not_wrap(read: Read) -> None:
    job = read({"a.ptx": ptx(15, 20, table(POINTS, np.full(300, 0.5), COLOURS * 257)).encode()})
    assert np.abs(first(job)["colors"].astype(int) - COLOURS).max() <= 1


def test_a_damaged_row_of_a_ptx_is_named_by_its_line(read: Read) -> None:
    body = table(POINTS, np.full(300, 0.5)).splitlines()
    body[20] = "1.0 oops"
    with pytest.raises(InputRejected, match="line 31"):
        read({"a.ptx": ptx(15, 20, "\n".join(body)).encode()})


@pytest.mark.parametrize(
    ("name", "row", "gives"),
    [
        ("a.xyzn", "{x} {y} {z} 0.6 0 -0.8", "normals"),
        ("a.xyzrgb", "{x} {y} {z} 0.5 0.25 0.75", "colors"),
        ("a.xyzi", "{x} {y} {z} 17", ""),
    ],
)
def test_suffixes_of_tables_promise_nothing_and_the_columns_tell(
    tmp_path: Path, name: str, row: str, gives: str
) -> None:
    rows = "\n".join(row.format(x=k % 11, y=k % 7, z=k / 10) for k in range(150))
    (tmp_path / name).write_text(rows)
    (raw,) = _formats.read(Source(name, tmp_path / name), Account(name), Companions([]))
    assert len(raw.points) == 150
    assert [key for key in ("normals", "colors") if getattr(raw, key) is not None] == (
        [gives] if gives else []
    )


@pytest.mark.parametrize(
    ("normal", "name", "told", "are_normals"),
    [
        ((0, 0, 1), "a.xyz", True, True),
        ((0.6, 0, 0.8), "a.txt", True, True),
        ((0, 0, -1), "a.xyz", False, True),
        ((0, 0, 1), "a.xyzrgb", False, False),
        ((0, 0.4, 0.8), "a.txt", False, False),
    ],
)
def test_columns_of_length_one_in_all_rows_are_normals(
    normal: tuple[float, ...], name: str, told: bool, are_normals: bool, read: Read
) -> None:
    """Without a negative number that is said to be a guess; a name that speaks of colours, and
    another length, make them colours."""
    rows = table(POINTS, np.broadcast_to(np.array(normal, float), (300, 3)))
    job = read({name: rows.encode()})
    stored = first(job)
    assert ("normals" in stored, "colors" in stored) == (are_normals, not are_normals)
    assert ("were taken as normals" in said(job)) == told
