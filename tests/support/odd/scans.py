"""Tables, point clouds and surveys: one cloud in many hands."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tests.support.meshfiles import Array
from tests.support.odd.meshes import Case
from tests.support.scanfiles import binary_ply, las, pcd, xyz

RNG = np.random.default_rng(7)
COUNT = 240
POINTS = np.round(RNG.normal((3, 1, 5), (1, 2, 0.5), (COUNT, 3)), 3)
COLORS = RNG.integers(0, 256, (COUNT, 3))
COLORS[:3] = [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
NORMALS = (drawn := RNG.normal(size=(COUNT, 3))) / np.linalg.norm(drawn, axis=1, keepdims=True)
ECHO = RNG.integers(0, 4096, COUNT)[:, None]
HERE = {"points": POINTS}
PAINTED = HERE | {"colors": COLORS}
UTM = POINTS + np.array([500_000, 5_300_000, 0])


def table(*columns: Array, between: str = " ", comma: bool = False, digits: int = 3) -> str:
    rows = [[f"{v:.{digits}f}" if column.dtype.kind == "f" else str(v) for column, row in zip(columns, cells, strict=True) for v in np.atleast_1d(row).tolist()]
            for cells in zip(*columns, strict=True)]  # fmt: skip
    text = "".join(between.join(row) + "\n" for row in rows)
    return text.replace(".", ",") if comma else text


def csv(text: str, name: str = "a.csv", **want: Any) -> Case:
    return {name: text.encode()}, (
        want if want.keys() & {"refused", "or_says", "points"} else HERE | want
    )


NUMBERS = np.arange(COUNT)[:, None]
PLAIN = table(POINTS)
ROWS = PLAIN.splitlines(keepends=True)
TABLES: dict[str, Case] = {
    **{f"{between!r} between{', decimal commas' if comma else ''}, {ending}": csv(table(POINTS, COLORS, between=between, comma=comma), f"a.{ending}", **PAINTED)
       for between in (" ", "\t", ";", " ; ", "|", ",", ", ") for comma in (False, True) if not (comma and "," in between) for ending in ("txt", "csv", "xyz")},
    **{f"columns called {names}": csv(f"{names}\n{table(POINTS[:, order])}", "a.txt") for names, order in (
        ("X Y Z", [0, 1, 2]), ("//X Y Z", [0, 1, 2]), ("Y X Z", [1, 0, 2]), ("Northing Easting Elevation", [1, 0, 2]), ("N E H", [1, 0, 2]), ("e n u", [0, 1, 2]),
        ("East_m North_m Up_m", [0, 1, 2]), ("Hochwert Rechtswert Höhe", [1, 0, 2]), ("Este Norte Cota", [0, 1, 2]), ("Points:0 Points:1 Points:2", [0, 1, 2]),
        ("pos.x pos.y pos.z", [0, 1, 2]), ("z y x", [2, 1, 0]), ("X[m] Y[m] Z[m]", [0, 1, 2]))},
    "degrees": csv("lon lat h\n" + PLAIN, "a.txt", refused="degrees"),
    "commas between and within": csv(table(POINTS, between=",", comma=True), refused="comma"),
    "Excel's sep=": csv("sep=;\nX;Y;Z\n" + table(POINTS, between=";")),
    "a column of row numbers without a name": csv(",x,y,z\n" + table(NUMBERS, POINTS, between=",")),
    "blue, green, red": csv("X,Y,Z,B,G,R\n" + table(POINTS, COLORS[:, ::-1], between=","), **PAINTED),
    "shares of colours": csv("x,y,z,Rf,Gf,Bf\n" + table(POINTS, COLORS / 255, between=",", digits=6), **PAINTED),
    "a class and a time": csv("X,Y,Z,Intensity,Classification,R,G,B\n" + table(POINTS, ECHO, ECHO % 5, COLORS, between=","), says="Classification", **PAINTED),
    "colours, an echo, normals": csv(table(POINTS, COLORS, ECHO / 7, NORMALS, digits=6), "a.txt", normals=NORMALS, **PAINTED),
    "an echo before the colours": csv(table(POINTS, ECHO, COLORS), "a.txt", **PAINTED),
    "an echo with fractions before the colours": csv(table(POINTS, ECHO / 7, COLORS), "a.txt", **PAINTED),
    "alpha": csv(table(POINTS, COLORS, np.full((COUNT, 1), 255)), "a.txt", **PAINTED),
    "point numbers from 1": csv(table(NUMBERS + 1, POINTS, COLORS), "a.txt", **PAINTED),
    "point numbers with gaps": csv(table(2 * NUMBERS + NUMBERS // 50, POINTS, between=",")),
    "point numbers in any order": csv(table(RNG.permutation(COUNT)[:, None] + 900, POINTS, between=",")),
    "times first": csv(table(400_000 + NUMBERS * 0.01, POINTS), "a.txt", says="taken as times"),
    "seconds since 1970 first": csv(table(1.7e9 + NUMBERS // 7 * 0.1, POINTS, COLORS), "a.txt", says="taken as times", **PAINTED),
    "x that never falls": csv(table(POINTS[by_x := POINTS[:, 0].argsort()], ECHO), "a.txt", points=POINTS[by_x], says="never falls"),
    "point names": csv("".join(f"P{k} {row}" for k, row in enumerate(ROWS)), "a.txt"),
    "numbers and codes before named columns": csv("Nr;Code;X;Y;Z\n" + "".join(f"{k};tree;" + row.replace(" ", ";") for k, row in enumerate(ROWS))),
    "an empty column before each row": csv("".join(";" + row for row in table(POINTS, between=";").splitlines(keepends=True))),
    "a separator behind each row": csv("".join(row[:-1] + ";\n" for row in table(POINTS, between=";").splitlines(keepends=True))),
    "Northing before Easting by their values": csv(table(UTM[:, [1, 0, 2]]), "a.txt", points=UTM, says="Northing"),
    "Easting before Northing": csv(table(UTM), "a.txt", points=UTM),
    "millimetres in brackets": csv("X [mm];Y [mm];Z [mm]\n" + table(POINTS * 1000, between=";"), points=POINTS * 1000, unit="mm"),
    "units below the names": csv("X;Y;Z\nmm;mm;mm\n" + table(POINTS * 1000, between=";"), points=POINTS * 1000, unit="mm"),
    "heights in feet": csv("X [m];Y [m];Z [ft]\n" + table(POINTS / [1, 1, 0.3048], between=";", digits=6)),
    "thousands": csv("".join(";".join(f"{v:,.3f}".replace(",", "_").replace(".", ",").replace("_", ".") for v in row) + "\n" for row in POINTS * 1000), points=POINTS * 1000),
    "exponents of Fortran": csv("".join(" ".join(f"{v:.6E}".replace("E", "D") for v in row) + "\n" for row in POINTS), "a.xyz"),
    "no numbers of all compilers": csv(PLAIN + "nan nan nan\n-1.#IND 1 1\n1 2 -nan(ind)\n", "a.xyz", says="no numbers"),
    "a comment in the middle": csv("".join(ROWS[:99]) + "# part 2\n" + "".join(ROWS[99:]), "a.xyz"),
    "names again in the middle": csv("X Y Z\n" + "".join(ROWS[:99]) + "X Y Z\n" + "".join(ROWS[99:]), "a.txt", says="rows"),
    "three blocks of PTS": csv("".join(f"{len(part)}\n{''.join(part)}" for part in (ROWS[:99], ROWS[99:120], ROWS[120:])), "a.pts"),
    "a count that is too high": csv(f"{COUNT + 5}\n{PLAIN}", "a.pts", refused="cut|promis"),
    "a last row that is cut": csv(PLAIN[:-9], "a.xyz", refused="cut"),
}  # fmt: skip

PACKED = (COLORS @ np.array([65536, 256, 1])).astype("u4")
FLAT = xyz(POINTS, "f4")


def rgb(values: Array, kind: str, names: str = "red green blue") -> list[tuple[str, str, Array]]:
    return [(name, kind, values[:, k]) for k, name in enumerate(names.split())]


def nx(names: str) -> list[tuple[str, str, Array]]:
    return rgb(NORMALS, "f4", names)


TURNED = HERE | {"normals": NORMALS}
CLOUDS: dict[str, Case] = {
    **{f"ply: {what}": ({"a.ply": binary_ply(FLAT + columns, order=order)}, PAINTED) for what, columns, order in (
        ("bytes", rgb(COLORS, "u1"), "<"), ("the other byte order", rgb(COLORS, "u1"), ">"), ("16 bits", rgb(COLORS * 257, "u2"), "<"),
        ("bytes in 16 bits", rgb(COLORS, "u2"), "<"), ("shares", rgb(COLORS / 255, "f4"), "<"), ("bytes as floats", rgb(COLORS, "f4"), "<"),
        ("bytes as signed", rgb(COLORS.astype(np.uint8).view(np.int8), "i1"), "<"), ("r g b", rgb(COLORS, "u1", "r g b"), "<"),
        ("diffuse", rgb(COLORS, "u1", "diffuse_red diffuse_green diffuse_blue"), "<"))},
    **{f"ply: {names}": ({"a.ply": binary_ply(FLAT + nx(names))}, TURNED) for names in ("nx ny nz", "normal_x normal_y normal_z")},
    "ply: PCL's camera": ({"a.ply": binary_ply(FLAT, extra="element camera 1\nproperty float view_px", tail=bytes(4))}, HERE),
    "ply: an element before the vertices": ({"a.ply": b"ply\nformat binary_little_endian 1.0\nelement head 2\nproperty int a\n" + binary_ply(FLAT).split(b"1.0\n")[1].replace(b"end_header\n", b"end_header\n" + bytes(8), 1)}, HERE),
    "ply: bytes behind its rows": ({"a.ply": binary_ply(FLAT, tail=b"1234567890")}, HERE | {"says": "behind|follow"}),
    **{f"pcd {form}: {what}": ({"a.pcd": change(pcd(FLAT + columns, form))}, want) for form in ("ascii", "binary", "binary_compressed") for what, columns, change, want in (
        ("plain", [], bytes, HERE), ("a byte order mark", [], lambda data: b"\xef\xbb\xbf" + data, HERE), ("rgb", [("rgb", "u4", PACKED)], bytes, PAINTED),
        ("rgba", [("rgba", "u4", PACKED | (255 << 24))], bytes, PAINTED), ("normals", nx("normal_x normal_y normal_z"), bytes, TURNED),
        ("rings", [("ring", "u2", ECHO[:, 0] % 16)], bytes, HERE | {"says": "ring"}))},
    "pcd: colours as floats": ({"a.pcd": pcd([*FLAT, ("rgb", "f4", PACKED.view("f4"))], "binary")}, PAINTED),
    "pcd: rows behind its points": ({"a.pcd": pcd(FLAT, "binary") + bytes(24)}, HERE | {"says": "24 bytes follow"}),
    "pcd: lines behind its points": ({"a.pcd": pcd(FLAT, "ascii") + b"1 2 3\n"}, HERE | {"says": "1 lines follow"}),
    "pcd: decimal commas": ({"a.pcd": re.sub(rb"(?s)(?<=DATA ascii\n).*", lambda m: m[0].replace(b".", b","), pcd(FLAT, "ascii"))}, {"refused": "comma"}),
    "las: a count that is too low": ({"a.las": (lambda data: data[:107] + (200).to_bytes(4, "little") + data[111:])(las(POINTS))}, {"points": POINTS[:200], "says": "room for further points"}),
    **{f"las: {what}": ({"a.las": las(POINTS, keys={1024: 1, **keys})}, HERE | {"unit": unit, "tol": 2}) for what, keys, unit in (
        ("US survey feet", {3076: 9003}, "us-ft"), ("international feet", {3076: 9002}, "ft"), ("metres", {3076: 9001}, "m"), ("California in feet", {3072: 2227}, "us-ft"))},
    "las: bytes as colours": ({"a.las": las(POINTS, COLORS)}, PAINTED),
    "las: points that are withheld": ({"a.las": las(POINTS, withheld=(np.arange(COUNT) < 40).astype("u1"))}, {"points": POINTS[40:], "says": "withheld"}),
}  # fmt: skip
