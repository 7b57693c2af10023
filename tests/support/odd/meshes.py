"""OBJ, PLY, STL and OFF: one prism in many hands."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from PIL import Image

from tests.support.meshfiles import CORNERS, POLYGONS, obj, off, ply, png, stl, stl_text

V = {"volume": 32000}
RED, BLUE = (255, 0, 0), (0, 0, 255)
ALL_RED, HALF = {"shares": {RED: 1}}, png(BLUE, right=RED)
ROWS = [f"{x:g} {y:g} {z:g}" for x, y, z in CORNERS]
FACES = [f"{len(face)} " + " ".join(map(str, face)) for face in POLYGONS]
HEAD = "mtllib m.mtl\nusemtl one\nvt 0.75 0.5\n"
XYZ = "property float x;property float y;property float z"
INDEX = "property list uchar int vertex_indices"
Case = tuple[dict[str, bytes], dict[str, Any]]


def painted(mtl: str, head: str = HEAD, **files: bytes) -> dict[str, bytes]:
    """The prism with the picture's right half, or a colour of its material."""
    data = obj(head=head, corner="{}/1" if "vt" in head else "{}")
    return {
        "a.obj": data,
        "m.mtl": mtl.encode(),
        **{name.replace("__", "."): data for name, data in files.items()},
    }


def text_ply(
    vertex: str,
    rows: list[str],
    face: str = INDEX,
    faces: list[str] = FACES,
    before: str = "",
    end: str = "\n",
) -> bytes:
    head = ["ply", "format ascii 1.0", *before.splitlines(), f"element vertex {len(rows)}", *vertex.split(";"),
            f"element face {len(faces)}", *face.split(";"), "end_header"]  # fmt: skip
    return end.join([*head, *rows, *faces, ""]).encode()


def with_colors(names: str, kind: str, values: str) -> dict[str, bytes]:
    more = "".join(f";property {kind} {name}" for name in names.split())
    return {"a.ply": text_ply(XYZ + more, [f"{row} {values}" for row in ROWS])}


def shifted(data: bytes, by: int) -> bytes:
    return re.sub(
        rb"(?m)^f (.*)$",
        lambda m: b"f " + b" ".join(b"%d" % (int(k) + by) for k in m[1].split()),
        data,
    )


def saved(kind: str, mode: str = "RGB") -> bytes:
    held = io.BytesIO()
    Image.open(io.BytesIO(HALF)).convert(mode).save(
        held, kind, **({"lossless": True} if kind == "webp" else {})
    )
    return held.getvalue()


OBJ: dict[str, Case] = {
    **{f"texture {ext}": (painted(f"newmtl one\nmap_Kd t.{ext}\n", **{f"t__{ext}": saved(kind)}), ALL_RED)
       for ext, kind in (("bmp", "bmp"), ("tga", "tga"), ("tif", "tiff"), ("webp", "webp"), ("gif", "gif"), ("dds", "dds"), ("ppm", "ppm"))},
    "a comment ends with a backslash": ({"a.obj": b"# made in C:\\parts\\\nv 9 9 9\n" + shifted(obj(), 1)}, V),
    "a name ends with a backslash": ({"a.obj": b"o parts\\\nv 9 9 9\n" + shifted(obj(), 1)}, V),
    "a face goes on behind a backslash": ({"a.obj": re.sub(rb"(f \d+ \d+) ", rb"\1 \\  \n ", obj())}, V),
    "library with blanks": ({"a.obj": obj(head="mtllib my mat.mtl\nusemtl one\n"), "my mat.mtl": b"newmtl one\nKd 1 0 0\n"}, ALL_RED),
    "two libraries on a line": ({"a.obj": obj(head="mtllib a.mtl b.mtl\nusemtl two\n"), "a.mtl": b"newmtl one\nKd 0 1 0\n",
                                 "b.mtl": b"newmtl two\nKd 1 0 0\n"}, ALL_RED | {"quiet": True}),
    "library quoted": ({"a.obj": obj(head='mtllib "m x.mtl"\nusemtl two\n'), "m x.mtl": b"newmtl two\nKd 1 0 0\n"}, ALL_RED),
    "material of several words": (painted("newmtl my red\nKd 1 0 0\n", "mtllib m.mtl\nusemtl my red\n"), ALL_RED),
    "material before its library": (painted("newmtl one\nKd 1 0 0\n", "usemtl one\nmtllib m.mtl\n"), ALL_RED),
    "library in UTF-16": ({"a.obj": obj(head=HEAD, corner="{}/1"), "m.mtl": "newmtl one\nmap_Kd t.png\n".encode("utf-16"), "t.png": HALF}, ALL_RED),
    "library of CR alone": (painted("newmtl one\rKd 1 1 1\rmap_Kd t.png\r", t__png=HALF), ALL_RED),
    "picture quoted": (painted('newmtl one\nmap_Kd "my tex.png"\n') | {"my tex.png": HALF}, ALL_RED),
    "picture as an address of a file": (painted("newmtl one\nmap_Kd file:///C:/x/my%20tex.png\n") | {"my tex.png": HALF}, ALL_RED),
    "all options of a picture": (painted("newmtl one\nmap_Kd -blendu on -mm 0 1 -o 0 0 0 -s 1 1 1 -t 0 0 0 -texres 9 -bm 1.0 t.png\n", t__png=HALF), ALL_RED),
    "picture moved": (painted("newmtl one\nmap_Kd -o 0.5 0 0 t.png\n", t__png=HALF), {"shares": {BLUE: 1}}),
    "udim tiles": (painted("newmtl one\nmap_Kd t.<UDIM>.png\n") | {"t.1001.png": HALF}, {"or_says": "UDIM"}),
    "only an ambient picture": (painted("newmtl one\nmap_Ka t.png\n", t__png=HALF), {"or_says": "map_Ka"}),
    "picture of 16 bits": (painted("newmtl one\nmap_Kd t.png\n", t__png=saved("png", "I;16")), V),
    "slashes behind corners": ({"a.obj": obj(corner="{}//")}, V),
    "colour and alpha of vertices": ({"a.obj": obj(color=" 1 0 0 1")}, ALL_RED),
    "colours of 16 bits": ({"a.obj": obj(color=" 65535 0 0")}, ALL_RED),
    "faces before vertices": ({"a.obj": b"\n".join(sorted(obj().split(b"\n"), key=lambda line: line[:1] != b"f"))}, V),
    "a vertex that no face uses is no number": ({"a.obj": obj() + b"v -nan(ind) 1.#QNAN nan\n"}, V),
    "numbers with signs and bare points": ({"a.obj": re.sub(rb"v (\d+) (\d+)", rb"v +\1. .\2E2", obj())}, {"mm": (60, 40, 20)}),
    "indices from 0": ({"a.obj": shifted(obj(), -1)}, V | {"says": "from 0"}),
    "decimal commas": ({"a.obj": re.sub(rb"v (\d+) ", rb"v \1,5 ", obj())}, {"refused": "comma"}),
    "a hole joined by a bridge": ({"a.obj": b"v 0 0 0\nv 40 0 0\nv 40 40 0\nv 0 40 0\nv 10 10 0\nv 10 30 0\nv 30 30 0\nv 30 10 0\nf 1 2 3 4 1 5 6 7 8 5\n"}, {"area": 1200}),
}  # fmt: skip
PLY: dict[str, Case] = {
    **{f"colours {names} as {kind} {values}": (with_colors(names, kind, values), ALL_RED) for names, kind, values in (
        ("red green blue", "uchar", "255 0 0"), ("Red Green Blue", "uchar", "255 0 0"), ("r g b", "uchar", "255 0 0"),
        ("diffuse_red diffuse_green diffuse_blue", "uchar", "255 0 0"), ("red green blue", "float", "1 0 0"),
        ("red green blue", "double", "255 0 0"), ("red green blue", "ushort", "65535 0 0"), ("red green blue", "int", "255 0 0"),
        ("red green blue", "char", "-1 0 0"))},
    "colours of nobody's name": (with_colors("ambient_red ambient_green ambient_blue", "uchar", "255 0 0"), V | {"says": "ambient_red"}),
    **{f"uv called {names}": ({"a.ply": text_ply(XYZ + "".join(f";property float {name}" for name in names.split()), [f"{row} 0.75 0.5" for row in ROWS],
                                                 before="comment TextureFile t.png"), "t.png": HALF}, ALL_RED)
       for names in ("s t", "u v", "texture_u texture_v")},
    "materials of vertices": ({"a.ply": text_ply(XYZ + ";property int material_index", [f"{row} 0" for row in ROWS]).replace(
        b"element face", b"element material 1\nproperty uchar red\nproperty uchar green\nproperty uchar blue\nelement face").replace(
        FACES[0].encode(), b"255 0 0\n" + FACES[0].encode(), 1)}, V | ALL_RED),
    "blanks at the ends of its header": ({"a.ply": text_ply(XYZ, ROWS).replace(b"end_header", b"end_header  ").replace(b"ply\n", b"ply \n", 1)}, V),
    "tabs in its header": ({"a.ply": text_ply(XYZ.replace(" ", "\t"), ROWS)}, V),
    "names of types with their bits": ({"a.ply": text_ply(XYZ.replace("float", "float64"), ROWS, "property list uint8 uint32 vertex_index")}, V),
    "CR alone": ({"a.ply": text_ply(XYZ, ROWS, end="\r")}, V),
    "flags before the corners": ({"a.ply": text_ply(XYZ, ROWS, "property uchar flags;" + INDEX, [f"1 {face}" for face in FACES])}, V),
    "colours at faces and vertices": ({"a.ply": text_ply(XYZ + ";property uchar red;property uchar green;property uchar blue", [f"{row} 0 0 255" for row in ROWS],
        INDEX + ";property uchar red;property uchar green;property uchar blue", [f"{face} 255 0 0" for face in FACES])}, ALL_RED | {"says": "colours besides"}),
    "corners as floats": ({"a.ply": text_ply(XYZ, ROWS, "property list uchar float vertex_indices")}, V),
    "a corner below zero": ({"a.ply": text_ply(XYZ, ROWS, faces=[*FACES[:-1], "4 -1 0 1 2"])}, {"refused": "vertex"}),
    **{f"{form} counts as {count}": ({"a.ply": ply(f"binary_{form}_endian", count=count)}, V) for form in ("little", "big") for count in ("uchar", "ushort", "int")},
}  # fmt: skip
OTHERS: dict[str, Case] = {
    "a binary header that begins with solid and facet": ({"a.stl": stl(header=b"solid foo facet")}, V),
    "text of four solids": ({"a.stl": stl_text(solids=4)}, V),
    "endsolid without a name": ({"a.stl": stl_text().replace(b"endsolid part of a vertex", b"endsolid")}, V),
    "text in UTF-16": ({"a.stl": stl_text().decode().encode("utf-16")}, V),
    "stl with decimal commas": ({"a.stl": stl_text().replace(b"vertex 60 ", b"vertex 60,5 ")}, {"refused": "comma"}),
    "a loop of four corners": ({"a.stl": b"solid\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 9 0 0\nvertex 9 9 0\nvertex 0 9 0\nendloop\nendfacet\nendsolid\n"}, {"area": 81, "or_says": "corner|facet"}),
    "colour of the whole (Magics)": ({"a.stl": stl(header=b"COLOR=\xff\x00\x00\xff", attribute=[0x8000] * 20)}, ALL_RED),
    "colours of facets (VisCAM)": ({"a.stl": stl(attribute=[0x8000 | 0x1F << 10] * 20)}, ALL_RED),
    "a page instead of an STL": ({"a.stl": b"<!DOCTYPE html><html>" + b"<p>not found</p>" * 20}, {"refused": "a web page"}),
    "counts on the first line": ({"a.off": off(first="OFF 12 8 0")}, V),
    "comments everywhere": ({"a.off": off(first="# c\nOFF # x\n# y\n12 8 0 # z\n\n")}, V),
    **{f"faces coloured {color}": ({"a.off": off(faces=[f"{face} {color}" for face in FACES])}, V | ALL_RED) for color in ("255 0 0", "1.0 0.0 0.0", "1.0 0.0 0.0 1.0")},
    "vertices coloured without alpha": ({"a.off": off(first="COFF\n12 8 0", rows=[f"{row} 255 0 0" for row in ROWS])}, V | ALL_RED),
    "colours behind normals": ({"a.off": off(first="CNOFF\n12 8 0", rows=[f"{row} 0 0 1 255 0 0 255" for row in ROWS])}, V | ALL_RED),
    "off with commas": ({"a.off": off(rows=[row.replace(" ", ",5 ", 1) for row in ROWS])}, {"refused": "comma"}),
}  # fmt: skip
assert np.ptp(CORNERS, axis=0).tolist() == [60, 40, 20]
