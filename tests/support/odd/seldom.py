"""What few programs write, of every mesh format: other suffixes, words left out, programs in place of materials, half-compressed arrays."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np

from tests.support.meshfiles import CORNERS, TRIANGLES, Gltf, obj, off, ply
from tests.support.odd.meshes import ALL_RED, ROWS, XYZ, Case, V, painted, saved, text_ply
from tests.support.odd.packages import SMALL, first, laid, plain, rows
from tests.support.odd.scans import COLORS, FLAT, HERE, NUMBERS, PAINTED, PLAIN, POINTS, csv, table
from tests.support.scanfiles import binary_ply, las, pcd


def by_program(made: Gltf, **values: Any) -> None:
    """The material of MADE as COLLADA2GLTF writes it: a shader and its values."""
    made.json["materials"][0] = {"extensions": {"KHR_techniques_webgl": {"technique": 0, "values": {"u_shininess": 256, **values}}}}  # fmt: skip
    made.json["extensionsUsed"] = made.json["extensionsRequired"] = ["KHR_techniques_webgl"]


def as_dds(made: Gltf) -> None:
    made.json["images"] = [{"bufferView": made.view(saved("dds")), "mimeType": "image/vnd-ms.dds"}]
    made.json["textures"] = [{"extensions": {"MSFT_texture_dds": {"source": 0}}}]
    made.json["extensionsUsed"] = made.json["extensionsRequired"] = ["MSFT_texture_dds"]


def hidden(made: Gltf) -> None:
    """The same mesh a second time, where nobody sees it."""
    away = {"KHR_node_visibility": {"visible": False}}
    made.json["nodes"] = [{"mesh": 0}, {"children": [2], "extensions": away}, {"mesh": 0, "scale": [2, 2, 2]}]  # fmt: skip
    made.json |= {"scenes": [{"nodes": [0, 1]}], "extensionsUsed": [*away]}


def half_packed() -> dict[str, bytes]:
    """Places compressed by Draco, colours of vertices beside them as they are."""
    import DracoPy

    made = Gltf()
    data = DracoPy.encode((CORNERS / 1000).astype("f4"), TRIANGLES.astype("u4"), preserve_order=True, quantization_bits=16)  # fmt: skip
    made.json["accessors"] = [{"componentType": 5126, "count": 12, "type": "VEC3"}, {"componentType": 5125, "count": 60, "type": "SCALAR"}]  # fmt: skip
    color = made.accessor(np.tile(np.array([[255, 0, 0]], "u1"), (12, 1)), normalized=True)
    packed = {"bufferView": made.view(data), "attributes": {"POSITION": 0}}
    made.json["meshes"][0]["primitives"] = [{"attributes": {"POSITION": 0, "COLOR_0": color}, "indices": 1, "extensions": {"KHR_draco_mesh_compression": packed}}]  # fmt: skip
    made.json["extensionsRequired"] = made.json["extensionsUsed"] = ["KHR_draco_mesh_compression"]
    return {"a.glb": made.glb()}


def fractions(made: Gltf) -> bytes:
    """MADE with every whole number written as 1.0, as some programs do."""
    text = json.dumps(made.json | {"buffers": [{"byteLength": len(made.blob), "uri": "a.bin"}]})
    return re.sub(r"(?<=[ \[])(\d+)(?=[,\]}])", r"\1.0", text).encode()


LOOSE = Gltf()
LOOSE.primitive()
MANY = np.full((10, 2), 0.75, "f4")
NO_SUCH: Any = {"index": 7}
SELDOM: dict[str, Case] = {
    "a material file of another suffix": (painted("", "mtllib m.txt\nusemtl one\n", m__txt=b"newmtl one\nKd 1 0 0\n"), ALL_RED),
    "a comment behind a material's name": (painted("\tnewmtl one # wood\n\tKd 1 0 0\n", "mtllib m.mtl\nusemtl one\n"), ALL_RED | {"quiet": True}),
    "blanks behind every line of PLY": ({"a.ply": text_ply(XYZ, ROWS, end="  \n")}, V | {"quiet": True}),
    "PLY in capitals": ({"a.ply": text_ply(XYZ, ROWS).replace(b"vertex_indices", b"Vertex_Indices").replace(b"ply", b"PLY", 1).replace(b"format ascii", b"FORMAT ASCII").replace(b"element ", b"ELEMENT ").replace(b"property float", b"PROPERTY FLOAT").replace(b"end_header", b"END_HEADER")}, V | {"quiet": True}),
    "binary PLY whose rows begin with line ends": ({"a.ply": ply("binary_little_endian", end="\r\n").replace(b"end_header\r\n" + bytes(4), b"end_header\r\n\n\n\n\x3f")}, {"mm": [40, 20, 60]}),
    "counts of OFF without its word": ({"a.off": off(first="# made by hand\n12 8 0")}, V | {"quiet": True}),
    "a picture that a program names": (laid(change=lambda made: by_program(made, u_tex={"index": 0, "texCoord": 0})), ALL_RED | {"says": "programs"}),
    "a colour that a program names": (laid(change=lambda made: by_program(made, u_diffuse=[1, 0, 0, 1])), ALL_RED | {"says": "programs"}),
    "a picture as DDS alone": (laid(change=as_dds), ALL_RED | {"quiet": True}),
    "fewer uv than places": (laid(change=rows("TEXCOORD_0", MANY)), SMALL | {"says": "10 values of TEXCOORD_0, which were not used"}),
    "more normals than places": (plain(rows("NORMAL", np.ones((13, 3), "f4"))), SMALL | {"says": "13 values of NORMAL, which were not used"}),
    "a texture that is not in it": (laid(change=lambda made: made.material(baseColorTexture=NO_SUCH) and first(made).update(material=1)), SMALL | {"says": "texture 7, which is not in it"}),
    "a material that is not in it": (plain(lambda made: first(made).update(material=4)), SMALL | {"says": "material 4, which is not in it"}),
    "a picture that is not in it": (laid(change=lambda made: made.json["textures"].__setitem__(0, {"source": 3})), SMALL | {"says": "picture 3, which is not in it"}),
    "a picture that is nowhere": (laid(change=lambda made: made.json["images"].__setitem__(0, {"name": "wood"})), SMALL | {"says": "texture wood"}),
    "a sampler that is not in it": (laid(change=lambda made: made.json["textures"][0].update(sampler=9)), ALL_RED | {"says": "sampler 9, which is not in it"}),
    "a node that is hidden": (plain(hidden), SMALL | {"says": "what a node of it hides"}),
    "whole numbers as fractions": ({"a.gltf": fractions(LOOSE), "a.bin": LOOSE.blob}, SMALL | {"quiet": True}),
    "colours beside places that are compressed": (half_packed(), ALL_RED),
    "a face of OBJ that names parts with blanks": ({"a.obj": obj(corner="{}/ ")}, V),
}  # fmt: skip


def packed() -> bytes:
    import laspy

    out = io.BytesIO()
    laspy.read(io.BytesIO(las(POINTS, COLORS))).write(out, do_compress=True)
    return out.getvalue()


def figures(row: str) -> str:
    return "".join(row.format(*values) + "\n" for values in POINTS.tolist())


def keys(**values: int) -> bytes:
    return las(POINTS, keys={int(key[1:]): value for key, value in values.items()})


def shouted(form: str) -> dict[str, bytes]:
    data = pcd(FLAT, form).replace(b"TYPE F F F", b"TYPE f f f")
    return {"a.pcd": data.replace(b"DATA " + form.encode(), b"DATA " + form.upper().encode())}


NO_TABLE = {"refused": "holds no rows of at least three numbers"}
DEGREES = np.column_stack([11.5 + POINTS[:, 0] * 1e-5, 48 + POINTS[:, 1] * 1e-5, POINTS[:, 2]])
POINTED: dict[str, Case] = {
    **{f"a text of figures, no table: {what}": ({"a.txt": figures(row).encode()}, NO_TABLE) for what, row in (
        ("in brackets", "({}, {}, {})"), ("a list of lists", "[{}, {}, {}],"), ("with names", "x={} y={} z={}"), ("without blanks", "{:011.3f}{:011.3f}{:011.3f}"))},
    "a few figures in brackets are no prompt": ({"a.txt": b"".join(b"(%d, %d, %d)\n" % (k, k, k) for k in range(20))}, NO_TABLE),
    "-z is not z": csv("x;y;-z\n" + table(POINTS, between=";"), refused="-z; name them x, y and z"),
    "numbers that Fortran could not print": csv(PLAIN + "******** ******** 1.0\n" * 3, "a.xyz", says="no numbers|no number"),
    "feet of surveyors, as sFT": csv("Point,Easting(sFT),Northing(sFT),Elev(sFT)\n" + table(NUMBERS, POINTS, between=","), unit="us-ft"),
    **{f"a comment says {what}": csv(f"# {what}\n{PLAIN}", "a.txt", says="which was not applied") for what in (
        "offset 500000 5300000 0", "Global shift: (-500000, -5300000, 0)", "scale: 0.001", "origin x=-3.5 y=2")},
    "a comment says a shift by nothing": csv(f"# offset 0 0 0\n# scale 1\n{PLAIN}", "a.txt", quiet=True),
    "a comment of PLY says an offset": ({"a.ply": binary_ply(FLAT).replace(b"1.0\n", b"1.0\ncomment offset: 500000 5300000 0\n", 1)}, HERE | {"says": "was not applied"}),
    "a comment of PCD says an offset": ({"a.pcd": b"# offset: 500000 5300000 0\n" + pcd(FLAT, "binary")}, HERE | {"says": "was not applied"}),
    "degrees by the number of their system": csv("# EPSG:4326\nx y z\n" + table(DEGREES, digits=8), "a.txt", refused="longitude and latitude"),
    "degrees in a LAS without a system": ({"a.las": las(DEGREES)}, {"refused": "longitude and latitude|degrees"}),
    "per cent of colours": csv("x y z r g b\n" + table(POINTS, COLORS / 2.55, digits=4), "a.txt", says="255 was taken as white, not 100"),
    "las: heights in feet, nothing of x and y": ({"a.las": keys(_1024=1, _4099=9002)}, {"points": POINTS * [1, 1, 0.3048], "says": "unit of z alone", "unit": "m"}),
    "las: yards": ({"a.las": keys(_1024=1, _3076=9096)}, {"points": POINTS * 0.9144, "says": "0.9144 m", "unit": "m"}),
    "las: a unit that nobody knows": ({"a.las": keys(_1024=1, _3076=9999)}, HERE | {"says": "number 9999 of EPSG"}),
    "las: packed, under the other name": ({"a.las": packed()}, PAINTED),
    **{f"pcd: its words in other letters, {form}": (shouted(form), HERE) for form in ("ascii", "binary", "binary_compressed")},
}  # fmt: skip
