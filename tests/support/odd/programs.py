"""What programs and people write beside the letter of mesh formats, in the manner of public bug reports and peers' own suites."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile

import numpy as np

from tests.support.meshfiles import (
    CORNERS,
    POLYGONS,
    TRIANGLES,
    model_3mf,
    obj,
    off,
    ply,
    prism_3mf,
    prism_gltf,
    stl,
    stl_text,
    threemf,
)
from tests.support.odd.meshes import (
    ALL_RED,
    BLUE,
    FACES,
    HALF,
    HEAD,
    INDEX,
    RED,
    ROWS,
    XYZ,
    Case,
    V,
    painted,
    text_ply,
)
from tests.support.odd.packages import (
    BASE,
    LOOSE,
    SMALL,
    first,
    laid,
    model,
    nodes,
    plain,
    rows,
)

USED = "mtllib m.mtl\nusemtl one\n"
TEXT = obj().decode()
VERTICES = [line for line in TEXT.splitlines() if line.startswith("v ")]
LINES = [line for line in TEXT.splitlines() if line.startswith("f ")]
CLOSED = [[*face, face[0]] for face in POLYGONS]


def lines(*parts: str) -> bytes:
    return "\n".join(parts).encode() + b"\n"


def coloured(color: str, kd: str) -> dict[str, bytes]:
    return {"a.obj": obj(head=USED, color=color), "m.mtl": f"newmtl one\nKd {kd}\n".encode()}


def twice(*libraries: str, head: str = USED) -> dict[str, bytes]:
    held = {f"{name}.mtl": text.encode() for name, text in zip("mn", libraries, strict=False)}
    return {"a.obj": obj(head=head), **held}


OBJ: dict[str, Case] = {
    "a number goes on behind a backslash": ({"a.obj": TEXT.replace("v 60 ", "v 60 \\\n", 1).encode()}, V),
    "no line end at the end": ({"a.obj": TEXT.rstrip().encode()}, V),
    **{f"in {coding}": ({"a.obj": TEXT.encode(coding)}, V) for coding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32")},
    "capital keywords": ({"a.obj": re.sub(r"(?m)^[vf]", lambda m: m[0].upper(), TEXT).encode()}, V),
    "colours at the first six": ({"a.obj": lines(*(line + " 1 0 0" * (k < 6) for k, line in enumerate(VERTICES)), *LINES)}, V),
    "a slash behind corners": ({"a.obj": obj(corner="{}/")}, V),
    "faces of two and of one": ({"a.obj": obj() + b"f 1 2\nf 3\n"}, V | {"says": "10 faces are declared, 8"}),
    "corners that are no whole numbers": ({"a.obj": TEXT.replace("f 6 ", "f 6.5 ").encode()}, {"refused": "6.5"}),
    "a vertex that is infinite": ({"a.obj": TEXT.replace("v 60 0 0", "v inf 0 0", 1).encode()}, {"says": "not numbers"}),
    "rings that close themselves": ({"a.obj": lines(*VERTICES, *("f " + " ".join(str(k + 1) for k in face) for face in CLOSED))}, V),
    "library behind the faces": ({"a.obj": lines(*VERTICES, "usemtl r", *LINES, "mtllib m.mtl"), "m.mtl": b"newmtl r\nKd 1 0 0\n"}, ALL_RED),
    "library without a material": (twice("Kd 1 0 0\n"), V | {"says": "material one is used but not defined"}),
    "empty library": (twice(""), V | {"says": "material one"}),
    "a material defined twice": (twice("newmtl one\nKd 0 0 1\nnewmtl one\nKd 1 0 0\n"), ALL_RED | {"says": "defined twice"}),
    "a material in two libraries": (twice("newmtl one\nKd 0 0 1\n", "newmtl one\nKd 1 0 0\n", head="mtllib m.mtl\nmtllib n.mtl\nusemtl one"), ALL_RED | {"says": "defined twice"}),
    "a library named twice": (twice("newmtl one\nKd 1 0 0\n", head="mtllib m.mtl\nmtllib m.mtl\nusemtl one"), ALL_RED | {"quiet": True}),
    "a picture with # in its name": (painted("newmtl one\nmap_Kd t#1.png\n") | {"t#1.png": HALF}, ALL_RED),
    "a picture of another suffix": (painted("newmtl one\nmap_Kd t.tga\n", t__png=HALF), V | {"says": "t.tga is named"}),
    "a picture without a name": (painted("newmtl one\nKd 1 0 0\nmap_Kd \n"), ALL_RED | {"quiet": True}),
    "a library indented by tabs": (painted("newmtl one\n\tKd 1 1 1\n\tmap_Kd\tt.png\n", t__png=HALF), ALL_RED),
    "coloured vertices under a grey material": (coloured(" 1 0 0", "0.8 0.8 0.8"), ALL_RED | {"quiet": True}),
    "coloured vertices under a black material": (coloured(" 1 0 0", "0 0 0"), ALL_RED),
    "coloured vertices under a blue material": (coloured(" 1 0 0", "0 0 1"), ALL_RED | {"says": "besides those of its materials"}),
    "white vertices under a red material": (coloured(" 1 1 1", "1 0 0"), ALL_RED),
    "a weight before the colour": ({"a.obj": obj(color=" 1.0 1 0 0")}, ALL_RED),
    "colours of 10 bits": ({"a.obj": obj(color=" 1023 0 0")}, ALL_RED | {"says": "1023 was taken as white"}),
    "a second object without uv": ({"a.obj": lines(HEAD.strip(), *VERTICES, *(re.sub(r"(\d+)", r"\1/1", line) for line in LINES[:4]), "o b", *LINES[4:]),
                                    "m.mtl": b"newmtl one\nmap_Kd t.png\n", "t.png": HALF}, {"says": "without texture coordinates"}),
}  # fmt: skip


def binary_off(order: str = ">", colors: bool = False) -> bytes:
    body = struct.pack(f"{order}3i", 12, 8, 0) + CORNERS.astype(f"{order}f4").tobytes()
    for face in POLYGONS:
        body += struct.pack(f"{order}{len(face) + 1}i", len(face), *face)
        body += struct.pack(f"{order}i3f", 3, 1, 0, 0) if colors else struct.pack("i", 0)
    return b"OFF BINARY\n" + body


STL_OFF: dict[str, Case] = {
    "an empty solid before the true one": ({"a.stl": b"solid a\nendsolid a\n" + stl_text()}, V),
    "lines of colours": ({"a.stl": stl_text().replace(b" outer", b"color 1 0 0\n outer")}, V | {"says": "begin with color"}),
    "a comment before its first line": ({"a.stl": b"; made somewhere\n" + stl_text()}, V),
    "all on one line": ({"a.stl": stl_text().replace(b"\n", b" ")}, V),
    "no last line": ({"a.stl": stl_text().rpartition(b"endsolid")[0]}, V | {"says": "has no end"}),
    "a first solid without an end": ({"a.stl": stl_text(solids=2).replace(b"endsolid part of a vertex\n", b"", 1)}, V | {"says": "has no end"}),
    "no first line": ({"a.stl": stl_text().partition(b"\n")[2]}, V),
    "CR alone": ({"a.stl": stl_text().replace(b"\n", b"\r")}, V),
    "normals that are no numbers": ({"a.stl": stl_text().replace(b"normal 0 0 0", b"normal -nan(ind) nan nan")}, V),
    "a facet of two corners": ({"a.stl": stl_text().replace(b"endsolid", b"facet\nouter loop\nvertex 0 0 0\nvertex 1 0 0\nendloop\nendfacet\nendsolid")}, V | {"says": "21 faces are declared, 20"}),
    "two files one behind the other": ({"a.stl": stl() + stl()}, V | {"says": "room for 21 more"}),
    "blanks as attributes": ({"a.stl": stl(attribute=[0x2020] * 20)}, V | {"quiet": True}),
    "a count that is one too high": ({"a.stl": stl(count=21)}, {"refused": "promises 21 triangles, 20"}),
    "off on one line": ({"a.off": b" ".join(off().split()) + b"\n"}, V),
    "off with every number on a line": ({"a.off": b"\n".join(off().split()) + b"\n"}, V),
    "off whose vertices take two lines": ({"a.off": off(rows=[row.replace(" ", "\n", 1) for row in ROWS])}, V),
    "COFF on one line": ({"a.off": b" ".join(off(first="COFF 12 8 0", rows=[f"{row} 1 0 0 1" for row in ROWS]).split()) + b"\n"}, V | ALL_RED),
    **{f"binary off {order} {'with colours' * colors}": ({"a.off": binary_off(order, colors)}, V | (ALL_RED if colors else {})) for order in "><" for colors in (False, True)},
    "binary off that is cut": ({"a.off": binary_off()[:-9]}, {"refused": "promises 8 faces, 7"}),
    "binary off that promises too much": ({"a.off": b"OFF BINARY\n" + struct.pack(">3i", 1 << 20, 8, 0) + bytes(99)}, {"refused": "promises 1048576 vertices"}),
    "off rings that close themselves": ({"a.off": off(faces=[f"{len(face)} {' '.join(map(str, face))}" for face in CLOSED])}, V),
    "off of some coloured faces": ({"a.off": off(faces=[face + " 255 0 0" * (k < 4) for k, face in enumerate(FACES)])}, V),
    "off of edges": ({"a.off": off(first="OFF\n12 9 0", faces=[*FACES, "2 0 1"])}, V | {"says": "9 faces are declared, 8"}),
}  # fmt: skip


def one_list(name: str) -> dict[str, bytes]:
    return {"a.ply": text_ply(XYZ, ROWS, f"property list uchar int {name}")}


STRIP = f"{4 * len(TRIANGLES)} " + " ".join(f"{a} {b} {c} -1" for a, b, c in TRIANGLES)
PLY: dict[str, Case] = {
    "a second list at faces": ({"a.ply": text_ply(XYZ, ROWS, INDEX + ";property list uchar float weights", [f"{face} 2 1 2" for face in FACES])}, V | {"says": "the faces' weights"}),
    "a number at faces": ({"a.ply": text_ply(XYZ, ROWS, INDEX + ";property float quality", [f"{face} {k}" for k, face in enumerate(FACES)])}, V | {"says": "the faces' quality"}),
    "the same number at all faces": ({"a.ply": text_ply(XYZ, ROWS, INDEX + ";property float quality", [f"{face} 7" for face in FACES])}, V | {"quiet": True}),
    "corners called otherwise": (one_list("indices"), V | {"says": "list indices was taken"}),
    "corners as three numbers": ({"a.ply": text_ply(XYZ, ROWS, "property int v1;property int v2;property int v3", [" ".join(map(str, face)) for face in TRIANGLES])}, {"refused": "20 faces are declared, 0"}),
    "faces before vertices": ({"a.ply": ("ply\nformat ascii 1.0\nelement face 8\n" + INDEX + "\nelement vertex 12\n" + XYZ.replace(";", "\n") + "\nend_header\n" + "\n".join(FACES + ROWS) + "\n").encode()}, V),
    "DOS's end of text": ({"a.ply": ply() + b"\x1a"}, V),
    "CR LF around binary rows": ({"a.ply": ply("binary_big_endian", end="\r\n")}, V),
    "a word among the rows": ({"a.ply": ply().replace(FACES[0].encode(), b"comment faces\n" + FACES[0].encode())}, {"refused": "comment faces"}),
    "colours r g b a as shares": ({"a.ply": text_ply(XYZ + ";property float r;property float g;property float b;property float a", [f"{row} 1 0 0 1" for row in ROWS])}, ALL_RED),
    "colours before the corners of faces": ({"a.ply": text_ply(XYZ, ROWS, "property uchar red;property uchar green;property uchar blue;" + INDEX, [f"255 0 0 {face}" for face in FACES])}, V | ALL_RED),
    "red alone": ({"a.ply": text_ply(XYZ + ";property uchar red", [f"{row} 255" for row in ROWS])}, V | {"says": "red"}),
    "half of uv": ({"a.ply": text_ply(XYZ + ";property float s", [f"{row} {k}" for k, row in enumerate(ROWS)])}, V | {"says": "vertices' s"}),
    "packed colours": ({"a.ply": text_ply(XYZ + ";property uint rgb", [f"{row} {255 << 16}" for row in ROWS])}, V | {"says": "rgb"}),
    "strips with colours": ({"a.ply": text_ply(XYZ + ";property uchar red;property uchar green;property uchar blue", [f"{row} 255 0 0" for row in ROWS], "property list int int vertex_indices", [STRIP]).replace(b"element face", b"element tristrips")}, V | ALL_RED),
    "uv at some corners alone": ({"a.ply": text_ply(XYZ, ROWS, INDEX + ";property list uchar float texcoord", [f"{face} 0" if k else f"{face} {2 * len(POLYGONS[k])}" + " 0.75 0.5" * len(POLYGONS[k]) for k, face in enumerate(FACES)],
                                                   before="comment TextureFile t.png"), "t.png": HALF}, V | {"says": "without texture coordinates"}),
    "a picture under a path with blanks": ({"a.ply": text_ply(XYZ + ";property float s;property float t", [f"{row} 0.75 0.5" for row in ROWS], before="comment TextureFile C:\\x\\my tex.png"), "my tex.png": HALF}, ALL_RED),
    "quads with a corner twice": ({"a.ply": text_ply(XYZ, ROWS, faces=[f"4 {a} {b} {c} {c}" for a, b, c in TRIANGLES])}, V),
    "types of all sizes": ({"a.ply": text_ply("property double x;property short y;property uchar z", ROWS)}, V),
}  # fmt: skip


def padded(before: bytes, behind: bytes) -> dict[str, bytes]:
    """A GLB whose JSON begins with BEFORE and is filled up with BEHIND."""
    text = before + json.dumps(LOOSE.json | {"buffers": [{"byteLength": len(LOOSE.blob)}]}).encode()
    text += behind * (8 - len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(LOOSE.blob), b"BIN\0") + LOOSE.blob
    return {"a.glb": struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks}


def backslashes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("_rels\\.rels", "<Relationships/>")
        archive.writestr("3D\\a.model", model_3mf(prism_3mf()))
    return stream.getvalue()


DOUBLES = np.ascontiguousarray(CORNERS / 1000)
SLICES = "http://schemas.microsoft.com/3dmanufacturing/slice/2015/07"
BOOLEAN = "http://schemas.3mf.io/3dmanufacturing/booleanoperations/2023/07"
GLTF: dict[str, Case] = {
    "its JSON filled up with zeros": (padded(b"", b"\0"), SMALL),
    "its JSON behind a byte order mark": (padded(b"\xef\xbb\xbf", b" "), SMALL),
    "null where nothing is": (plain(lambda made: (first(made).update(targets=None, material=None), made.json.update(scene=None, skins=None))), SMALL),
    "-1 where nothing is": (plain(lambda made: (first(made).update(material=-1), made.json["nodes"][0].update(skin=-1, camera=-1))), SMALL),
    "places of an accessor below 0": (plain(lambda made: first(made)["attributes"].update(POSITION=-1)), {"refused": "accessor -1"}),
    "a child below 0": (plain(nodes({"children": [-1]}, {"mesh": 0})), {"refused": "node -1"}),
    "places as doubles": (plain(lambda made: (made.json["accessors"].append({"bufferView": made.view(DOUBLES.tobytes()), "componentType": 5130, "count": 12, "type": "VEC3"}),
                                              first(made)["attributes"].update(POSITION=len(made.json["accessors"]) - 1))), SMALL),
    "a type that is none": (plain(lambda made: made.json["accessors"][0].update(componentType=5124)), {"refused": "VEC3 of 5124"}),
    "a question behind its .bin": ({"a.gltf": LOOSE.gltf("x.bin?v=2"), "x.bin": LOOSE.blob}, SMALL),
    "a .bin that is longer": ({"a.gltf": LOOSE.gltf("x.bin"), "x.bin": LOOSE.blob + bytes(7)}, SMALL),
    "a .bin that is shorter": ({"a.gltf": LOOSE.gltf("x.bin"), "x.bin": LOOSE.blob[:-9]}, {"refused": "375 bytes, 384"}),
    "a place at infinity": (plain(lambda made: rows("POSITION", np.vstack([DOUBLES[:-1], [[np.inf] * 3]]).astype("f4"))(made)), {"says": "not numbers"}),
    "the third of six uv": (laid(change=lambda made: [rows(f"TEXCOORD_{k}", np.full((12, 2), 0.25, "f4"))(made) for k in range(1, 6)], texCoord=3), {"shares": {BLUE: 1}}),
    "a uv that is not there": (laid(texCoord=3), SMALL | {"says": "without texture coordinates"}),
    "a scene without nodes": (plain(lambda made: made.json.update(scenes=[{}])), SMALL | {"says": "names no nodes; all of them were read"}),
    "rows with a stride": (plain(lambda made: (made.json["accessors"].append({"bufferView": made.view(np.hstack([DOUBLES, DOUBLES]).astype("f4").tobytes(), byteStride=24), "componentType": 5126, "count": 12, "type": "VEC3"}),
                                               first(made)["attributes"].update(POSITION=len(made.json["accessors"]) - 1))), SMALL),
    "transparent red": (plain(lambda made: (made.json.update(materials=[{"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 0.3]}}]), first(made).update(material=0))), ALL_RED | {"says": "transparency"}),
    "a damaged picture": (laid(change=lambda made: made.json["images"][0].update(bufferView=made.view(b"\x89PNG\r\n\x1a\nxxxx"))), SMALL | {"says": "no picture that can be read"}),
    "a centre in Cesium's words": (plain(lambda made: made.json.update(extensionsUsed=["CESIUM_RTC"], extensions={"CESIUM_RTC": {"center": [1, 2, 3]}})), SMALL | {"says": "CESIUM_RTC"}),
    "a mesh in two places": (plain(nodes({"mesh": 0, "children": [1]}, {"mesh": 0, "translation": [1, 0, 0]})), {"volume": 64000e-9}),
    "coloured instances": (plain(lambda made: (made.json["nodes"][0].update(extensions={"EXT_mesh_gpu_instancing": {"attributes": {
        "TRANSLATION": made.accessor(np.array([[0, 0, 0], [1, 0, 0]], "f4")), "_COLOR_0": made.accessor(np.eye(3, dtype="f4")[:2])}}}),
        made.json.update(extensionsUsed=["EXT_mesh_gpu_instancing"]))), {"volume": 64000e-9, "says": "the instances' _COLOR_0"}),
    "sparse places without others": (plain(lambda made: (made.json["accessors"].append({"componentType": 5126, "count": 12, "type": "VEC3", "sparse": {"count": 12,
        "indices": {"bufferView": made.view(np.arange(12, dtype="u1").tobytes()), "componentType": 5121}, "values": {"bufferView": made.view(DOUBLES.astype("f4").tobytes())}}}),
        first(made)["attributes"].update(POSITION=len(made.json["accessors"]) - 1))), SMALL),
    "materials of glTF 1.0's extensions": (plain(lambda made: (made.json.update(materials=[{"extensions": {"KHR_techniques_webgl": {"technique": 0}}}], extensionsUsed=["KHR_techniques_webgl"]),
                                                                 first(made).update(material=0))), SMALL | {"says": "KHR_techniques_webgl"}),
    "the second of two scenes": (plain(lambda made: made.json.update(nodes=[{"mesh": 0}, {"mesh": 0, "scale": [2, 2, 2]}], scenes=[{"nodes": [0]}, {"nodes": [1]}], scene=1)), {"volume": 8 * 32000e-9, "says": "1 of its 2 scenes"}),
    "3mf with backslashes": ({"a.3mf": backslashes()}, V),
    "3mf without a build": (model(prism_3mf(), ""), V),
    "3mf of one thing twice": (model(prism_3mf(), '<item objectid="1"/><item objectid="1" transform="1 0 0 0 1 0 0 0 1 99 0 0"/>'), {"volume": 64000}),
    "3mf of slices alone": (model(f'<object id="1" type="model" s:slicestackid="3" xmlns:s="{SLICES}"><mesh><vertices/><triangles/></mesh></object>'), {"refused": "slices"}),
    "3mf of a difference": (model(prism_3mf() + f'<object id="2" type="model"><b:booleanshape xmlns:b="{BOOLEAN}" objectid="1"/></object>', '<item objectid="1"/><item objectid="2"/>'), V | {"says": "the booleanshape of an object"}),
    "3mf mixed by two materials": (model(BASE + '<m:compositematerials id="6" matid="5" matindices="0 1"><m:composite values="0 1"/></m:compositematerials>' + prism_3mf('pid="6" pindex="0"')), V | ALL_RED | {"says": "mixing"}),
    **{f"3mf of a colour {method} a base": (model(BASE + '<m:colorgroup id="7"><m:color color="#FF0000"/></m:colorgroup>' + f'<m:multiproperties id="6" pids="5 7" blendmethods="{method}"><m:multi pindices="0 0"/></m:multiproperties>'
                                                  + prism_3mf('pid="6" pindex="0"')), V | ALL_RED | {"says": "mixing"}) for method in ("mix", "multiply")},
    "3mf of a picture over a base": ({"a.3mf": threemf(model_3mf(BASE + '<m:texture2d id="4" path="/3D/t.png" contenttype="image/png"/><m:texture2dgroup id="5" texid="4"><m:tex2coord u="0.25" v="0.5"/><m:tex2coord u="0.75" v="0.5"/></m:texture2dgroup>'
                                                                 + '<m:multiproperties id="6" pids="9 5"><m:multi pindices="0 1"/></m:multiproperties>' + prism_3mf('pid="6" pindex="0"')), **{"3D__t_dot_png": HALF})}, ALL_RED | {"says": "mixing"}),
    "3mf of a colour that is not there": (model(prism_3mf('pid="7" pindex="0"')), V | {"says": "material 7"}),
}  # fmt: skip
assert RED != BLUE
assert prism_gltf().blob == LOOSE.blob
