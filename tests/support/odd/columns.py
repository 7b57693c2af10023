"""Tables and clouds in further hands: headers, rasters, degrees, columns of words, binary formats with what few programs write."""

from __future__ import annotations

import io
import re
import struct
from typing import Any

import laspy
import numpy as np

from tests.support.odd.meshes import Case
from tests.support.odd.scans import (
    COLORS,
    COUNT,
    ECHO,
    FLAT,
    HERE,
    NORMALS,
    PACKED,
    PAINTED,
    PLAIN,
    POINTS,
    RNG,
    ROWS,
    TURNED,
    csv,
    rgb,
    table,
)
from tests.support.scanfiles import binary_ply, pcd, xyz


def raster(head: str) -> str:
    return head + table(RNG.random((8, 30)))


def las(form: int, **values: Any) -> bytes:
    header = laspy.LasHeader(point_format=form, version="1.4" if form > 5 else "1.2")
    header.scales, header.offsets = np.full(3, 1e-4), np.floor(POINTS.min(axis=0))
    if "temperature" in values:
        header.add_extra_dim(laspy.ExtraBytesParams("temperature", "f4"))
    held = laspy.LasData(header)
    held.x, held.y, held.z = POINTS.T
    for name, column in values.items():
        setattr(held, name, column)
    out = io.BytesIO()
    held.write(out)
    return out.getvalue()


WIDE = dict(zip(("red", "green", "blue"), (COLORS * 257).T, strict=True))
GLOBE = np.column_stack([11.5 + POINTS[:, 0] * 1e-5, 48.1 + POINTS[:, 1] * 1e-5, POINTS[:, 2]])
GRID = f"{COUNT // 12}\n12\n0 0 0\n1 0 0\n0 1 0\n0 0 1\n1 0 0 0\n0 1 0 0\n0 0 1 0\n0 0 0 1\n"
TABLES: dict[str, Case] = {
    "a raster of ESRI": csv(raster("ncols 30\nnrows 8\nxllcorner 100\nyllcorner 200\ncellsize 1\n"), "a.asc", refused="raster"),
    "a raster of Surfer": csv(raster("DSAA\n30 8\n0 29\n0 7\n0 1\n"), "a.asc", refused="raster"),
    "two columns": csv(table(POINTS[:, :2]), "a.xyz", refused="a.xyz holds no rows of at least three numbers"),
    "geometries in words": csv("WKT,id\n" + "".join(f'"POINT Z ({x} {y} {z})",{k}\n' for k, (x, y, z) in enumerate(POINTS)), refused="no rows"),
    **{f"colours {what}": csv("x y z r g b\n" + table(POINTS, values), "a.txt", colors=want, says=says) for what, values, want, says in (
        ("of 10 bits", COLORS * 4, COLORS, "reach 1020, and 1023"), ("of 12 bits", COLORS * 16, COLORS, "reach 4080, and 4095"),
        ("with a slip", np.vstack([[[300, 0, 0]], COLORS[1:]]), np.vstack([[[255, 0, 0]], COLORS[1:]]), "reach 300, and 255"))},
    "a sentence above with one letter": csv("scan of B\n" + PLAIN, "a.txt"),
    "a column of words": csv("".join(f"tree {row}" for row in ROWS), "a.txt", says="1 of its 4 columns hold words"),
    "words about the scan above": csv("Exported by Scanner 3.2\nProject: house\nDate 2024-01-02\n\n" + PLAIN, "a.xyz"),
    "words above the names": csv("Scanner,FARO\nDate,2024-01-02\n\nX,Y,Z,R,G,B\n" + table(POINTS, COLORS, between=","), **PAINTED),
    "all in quotes": csv('"x","y","z"\n' + "".join('"' + '","'.join(map(str, row)) + '"\n' for row in POINTS.tolist())),
    "a count below the names": csv(f"//X Y Z R G B Nx Ny Nz\n{COUNT}\n" + table(POINTS, COLORS, NORMALS, digits=6), "a.asc", normals=NORMALS, **PAINTED),
    "normals before colours": csv(table(POINTS, NORMALS, COLORS, digits=6), "a.xyz", normals=NORMALS, **PAINTED),
    "X counts northwards": csv("X(North) Y(East) Z\n" + table(POINTS[:, [1, 0, 2]]), "a.txt", says="in the order"),
    "Y counts northwards": csv("Y[North] X[East] Z\n" + table(POINTS[:, [1, 0, 2]]), "a.txt"),
    "degrees without names": csv(table(GLOBE, digits=7), "a.txt", refused="longitude and latitude"),
    "small lengths with names": csv("x y z\n" + table(GLOBE, digits=7), "a.txt", points=np.round(GLOBE, 7), tol=1e-6),
    "polar columns": csv("Range Azimuth Elevation\n" + PLAIN, "a.txt", refused="polar"),
    "a colour in one column": csv("x,y,z,rgb\n" + table(POINTS, PACKED[:, None], between=","), says="rgb"),
    **{f"no height at {odd} for some": csv(table(np.vstack([POINTS, np.column_stack([POINTS[:9, :2] + 1, np.full(9, float(odd))])])), "a.xyz", says=f"height {odd}, which") for odd in (-9999, -32768, 99999)},
    "two heights for no data": csv(PLAIN + "-9999 -9999 -9999\n1 1 -32768\n", "a.xyz", says="height -32768 or -9999"),
    "a true height of -9999": csv(table(POINTS * 5000 - [0, 0, 9000], digits=0), "a.xyz", points=np.round(POINTS * 5000 - [0, 0, 9000]), quiet=True),
    **{f"a unit in the words {words!r}": csv(words + "\n" + PLAIN, "a.txt", unit=unit) for words, unit in (
        ("# units: mm", "mm"), ("// coordinates are in inches", "inch"), ("X Y Z (unit=cm)", "cm"), ("# Units [ft]", "ft"), ('"Unit";"mm"', "mm"))},
    "a unit of speed in words": csv("# units: m/s\n" + PLAIN, "a.txt", says="the unit is a guess"),
    "a unit in words, and one at the columns": csv("# units: mm\nX[m] Y[m] Z[m]\n" + PLAIN, "a.txt", unit="m"),
    "zeros behind the text": ({"a.xyz": PLAIN.encode() + bytes(300)}, {"refused": "not a text file|zeros"}),
    "UTF-16 without a mark": ({"a.xyz": PLAIN.encode("utf-16-be")}, HERE),
    "Latin letters in the names": ({"a.txt": ("X Y Höhe\n" + PLAIN).encode("latin-1")}, HERE),
    "an echo below zero in PTS": csv(table(POINTS, ECHO - 2048, COLORS), "a.pts", **PAINTED),
}  # fmt: skip
CLOUDS: dict[str, Case] = {
    "ply: no place for faces": ({"a.ply": binary_ply(FLAT, extra="element face 0\nproperty list uchar int vertex_indices")}, HERE),
    "ply: labels and confidence": ({"a.ply": binary_ply([*FLAT, ("label", "u1", COLORS[:, 0]), ("confidence", "f4", NORMALS[:, 0])])}, HERE | {"says": "label and confidence"}),
    **{f"ptx: {what}": ({"a.ptx": (GRID + table(POINTS, *rest)).encode()}, want) for what, rest, want in (
        ("colours and alpha", (ECHO, COLORS, np.full((COUNT, 1), 255)), PAINTED | {"says": "last 1 of its 8 columns"}),
        ("colours, no intensity", (COLORS,), PAINTED | {"quiet": True}), ("a fifth column", (ECHO, ECHO), HERE | {"says": "last 1 of its 5 columns"}))},
    "ply: rows of nothing": ({"a.ply": b"ply\nformat binary_little_endian 1.0\nelement vertex 120\nend_header\n" + bytes(range(256)) * 12}, {"refused": "holds 0"}),
    "ply: red and half a normal": ({"a.ply": binary_ply([*FLAT, ("red", "u1", COLORS[:, 0]), ("nx", "f4", NORMALS[:, 0])])}, HERE | {"says": "red and nx were not read"}),
    "pcd: red alone": ({"a.pcd": pcd([*FLAT, ("red", "u1", COLORS[:, 0])], "binary")}, HERE | {"says": "red was not read"}),
    "ply: capital names": ({"a.ply": binary_ply([(axis.upper(), kind, values) for axis, kind, values in FLAT])}, HERE),
    "ply: packed colours": ({"a.ply": binary_ply([*FLAT, ("rgb", "u4", PACKED)])}, HERE | {"says": "rgb"}),
    "ply: a unit in a comment": ({"a.ply": binary_ply(FLAT).replace(b"1.0\n", b"1.0\ncomment units: mm\n", 1)}, HERE | {"unit": "mm"}),
    "pcd: a unit in a comment": ({"a.pcd": b"# units: inches\n" + pcd(FLAT, "binary")}, HERE | {"unit": "inch"}),
    "obj: a unit in a comment": ({"a.obj": b"# File units = centimeters\n" + "".join("v " + row for row in ROWS).encode()}, HERE | {"unit": "cm"}),
    "pcd: version 0.5": ({"a.pcd": pcd(FLAT, "binary").replace(b"FIELDS", b"COLUMNS")}, HERE),
    "pcd: no count of points": ({"a.pcd": re.sub(rb"POINTS \d+\n", b"", pcd(FLAT, "binary"))}, HERE),
    "pcd: CR LF before binary rows": ({"a.pcd": (lambda head, rest: head.replace(b"\n", b"\r\n") + b"DATA binary\r\n" + rest)(*pcd(FLAT, "binary").split(b"DATA binary\n", 1))}, HERE),
    "pcd: padding": ({"a.pcd": pcd([*FLAT, ("_", "f4", POINTS[:, 0])], "binary")}, HERE),
    "pcd: separate colours": ({"a.pcd": pcd(FLAT + rgb(COLORS, "u1", "r g b"), "binary")}, PAINTED),
    "pcd: doubles and normals": ({"a.pcd": pcd(xyz(POINTS) + rgb(NORMALS, "f4", "normal_x normal_y normal_z"), "binary")}, TURNED),
    "pcd: whole millimetres": ({"a.pcd": pcd([(axis, "i2", np.round(values * 1000)) for axis, _, values in FLAT], "binary")}, {"points": np.round(POINTS * 1000)}),
    "pcd: no z": ({"a.pcd": pcd(FLAT[:2], "binary")}, {"refused": "x, y, z"}),
    **{f"las: point format {form}": ({"a.las": las(form, **(WIDE if form in (2, 3, 7, 8) else {}))}, PAINTED if form in (2, 3, 7, 8) else HERE) for form in (0, 1, 2, 3, 6, 7, 8)},
    "las: values of its own": ({"a.las": las(6, temperature=POINTS[:, 0].astype("f4"))}, HERE | {"says": "temperature"}),
    "las: colours of 12 bits": ({"a.las": las(2, red=COLORS[:, 0] * 16, green=COLORS[:, 1] * 16, blue=COLORS[:, 2] * 16)}, PAINTED | {"says": "4095 was taken as white"}),
    "las: near infrared": ({"a.las": las(8, **WIDE, nir=COLORS[:, 0])}, PAINTED | {"says": "nir"}),
    "las: the old count is 0": ({"a.las": (lambda data: data[:107] + bytes(4) + data[111:])(las(6))}, HERE),
    "las: a scale of 0": ({"a.las": (lambda data: data[:131] + struct.pack("<3d", 0, 1, 1) + data[155:])(las(0))}, {"refused": "scale of 0"}),
    "obj: coloured points": ({"a.obj": "".join(f"v {' '.join(map(str, [*row, *color]))}\n" for row, color in zip(POINTS.tolist(), (COLORS / 255).tolist(), strict=True)).encode()}, PAINTED),
    "off: coloured points": ({"a.off": f"COFF\n{COUNT} 0 0\n{table(POINTS, COLORS, np.full((COUNT, 1), 255))}".encode()}, PAINTED),
}  # fmt: skip
