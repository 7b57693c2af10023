"""Mesh files made byte by byte, in the manner of many programs: one L-shaped prism of 60 × 40 × 20, volume 32000, surface 7200."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
OUTLINE = [
    (0, 0),
    (60, 0),
    (60, 20),
    (20, 20),
    (20, 40),
    (0, 40),
]  # counter-clockwise, its notch at (20, 20)
CORNERS = np.array([(x, y, z) for z in (0, 20) for x, y in OUTLINE], float)
POLYGONS = [
    [5, 4, 3, 2, 1, 0],
    [6, 7, 8, 9, 10, 11],
    *([k, (k + 1) % 6, (k + 1) % 6 + 6, k + 6] for k in range(6)),
]
TRIANGLES = np.array([(0, 2, 1), (0, 3, 2), (0, 5, 3), (3, 5, 4), (6, 7, 8), (6, 8, 9), (6, 9, 11), (9, 10, 11),
                      *(t for k in range(6) for t in ((k, (k + 1) % 6, (k + 1) % 6 + 6), (k, (k + 1) % 6 + 6, k + 6)))])  # fmt: skip


def volume(vertices: Array, faces: Array) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def area(vertices: Array, faces: Array) -> float:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def png(
    color: Sequence[int] = (255, 0, 0), size: int = 8, right: Sequence[int] | None = None
) -> bytes:
    """A picture of one colour, or with RIGHT as the colour of its right half."""
    pixels = np.full((size, size, len(color)), color, np.uint8)
    if right is not None:
        pixels[:, size // 2 :] = right
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


def obj(
    polygons: Sequence[Sequence[int]] = POLYGONS,
    head: str = "",
    corner: str = "{}",
    color: str = "",
) -> bytes:
    rows = [head, *(f"v {x:g} {y:g} {z:g}{color}" for x, y, z in CORNERS)]
    rows += ["f " + " ".join(corner.format(k + 1) for k in face) for face in polygons]
    return "\n".join(rows).encode() + b"\n"


def ply(
    form: str = "ascii", *, faces: int = 8, before: str = "", end: str = "\n", count: str = "uchar"
) -> bytes:
    """The prism of polygons; BEFORE: a further property in front of the list of corners."""
    head = f"ply\nformat {form} 1.0\nelement vertex 12\nproperty float x\nproperty float y\nproperty float z\n"
    head += f"element face {faces}\n{before}property list {count} int vertex_indices\nend_header\n"
    header = head.replace("\n", end).encode()
    if form == "ascii":
        rows = [f"{x:g} {y:g} {z:g}" for x, y, z in CORNERS]
        rows += [
            ("7 " if before else "") + f"{len(face)} " + " ".join(map(str, face))
            for face in POLYGONS
        ]
        return header + end.join(rows).encode() + end.encode()
    order, width = (
        ("<" if "little" in form else ">"),
        {"uchar": "B", "ushort": "H", "int": "i"}[count],
    )
    body = CORNERS.astype(order + "f4").tobytes()
    for face in POLYGONS:
        body += (b"\7" if before else b"") + struct.pack(
            f"{order}{width}{len(face)}i", len(face), *face
        )
    return header + body


def stl(
    *,
    header: bytes = b"made here",
    count: int | None = None,
    tail: bytes = b"",
    attribute: Sequence[int] | None = None,
) -> bytes:
    rows = b""
    for k, face in enumerate(TRIANGLES):
        rows += struct.pack(
            "<12fH", 0, 0, 0, *CORNERS[face].ravel(), 0 if attribute is None else attribute[k]
        )
    return (
        header.ljust(80, b" ")
        + struct.pack("<I", len(TRIANGLES) if count is None else count)
        + rows
        + tail
    )


def stl_text(*, solids: int = 1) -> bytes:
    parts = np.array_split(TRIANGLES, solids)
    rows: list[str] = []
    for part in parts:
        rows.append("solid part of a vertex")
        for face in part:
            places = [f"  vertex {x:g} {y:g} {z:g}" for x, y, z in CORNERS[face]]
            rows += ["facet normal 0 0 0", " outer loop", *places, " endloop", "endfacet"]
        rows.append("endsolid part of a vertex")
    return "\n".join(rows).encode() + b"\n"


def off(
    *,
    first: str = "OFF\n12 8 0",
    rows: Sequence[str] | None = None,
    faces: Sequence[str] | None = None,
) -> bytes:
    points = rows or [f"{x:g} {y:g} {z:g}" for x, y, z in CORNERS]
    polygons = faces or [f"{len(face)} " + " ".join(map(str, face)) for face in POLYGONS]
    return "\n".join([first, *points, *polygons]).encode() + b"\n"


# -- glTF --------------------------------------------------------------------------------------

COMPONENTS = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class Gltf:
    """A document that grows; ``glb()`` and ``gltf()`` are its bytes."""

    def __init__(self) -> None:
        self.blob = b""
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "meshes": [{"primitives": []}],
                                     "nodes": [{"mesh": 0}], "scenes": [{"nodes": [0]}], "scene": 0}  # fmt: skip

    def view(self, data: bytes, **more: Any) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.json["bufferViews"].append(
            {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)} | more
        )
        self.blob += data
        return len(self.json["bufferViews"]) - 1

    def accessor(self, rows: Array, **more: Any) -> int:
        rows = np.ascontiguousarray(rows)
        width = 1 if rows.ndim == 1 else rows.shape[1]
        entry = {
            "bufferView": self.view(rows.tobytes()),
            "componentType": COMPONENTS[rows.dtype.str[1:]],
            "count": len(rows),
            "type": KINDS[width],
        }
        self.json["accessors"].append(entry | more)
        return len(self.json["accessors"]) - 1

    def primitive(
        self,
        indices: Array | None = TRIANGLES,
        mode: int = 4,
        material: int | None = None,
        **attributes: int,
    ) -> None:
        entry: dict[str, Any] = {"attributes": attributes, "mode": mode}
        if "POSITION" not in attributes:
            attributes["POSITION"] = self.accessor((CORNERS / 1000).astype("f4"))
        if indices is not None:
            entry["indices"] = self.accessor(np.asarray(indices, "u4").ravel())
        if material is not None:
            entry["material"] = material
        self.json["meshes"][0]["primitives"].append(entry)

    def picture(self, data: bytes, **texture: Any) -> int:
        self.json.setdefault("images", []).append(
            {"bufferView": self.view(data), "mimeType": "image/png"}
        )
        self.json.setdefault("textures", []).append(
            {"source": len(self.json["images"]) - 1} | texture
        )
        return len(self.json["textures"]) - 1

    def material(self, **base: Any) -> int:
        self.json.setdefault("materials", []).append({"pbrMetallicRoughness": base})
        return len(self.json["materials"]) - 1

    def glb(self) -> bytes:
        self.blob += b"\0" * (-len(self.blob) % 4)
        text = json.dumps(self.json | {"buffers": [{"byteLength": len(self.blob)}]}).encode()
        text += b" " * (-len(text) % 4)
        whole = (
            struct.pack("<I4s", len(text), b"JSON")
            + text
            + struct.pack("<I4s", len(self.blob), b"BIN\0")
            + self.blob
        )
        return struct.pack("<4sII", b"glTF", 2, 12 + len(whole)) + whole

    def gltf(self, uri: str) -> bytes:
        return json.dumps(
            self.json | {"buffers": [{"byteLength": len(self.blob), "uri": uri}]}
        ).encode()


def prism_gltf() -> Gltf:
    made = Gltf()
    made.primitive()
    return made


# -- 3MF ---------------------------------------------------------------------------------------

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"


def prism_3mf(attributes: str = "", triangle: str = "") -> str:
    """An object of id 1: the prism; TRIANGLE: further attributes of each triangle."""
    points = "".join(f'<vertex x="{x:g}" y="{y:g}" z="{z:g}"/>' for x, y, z in CORNERS)
    faces = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}" {triangle}/>' for a, b, c in TRIANGLES)
    return f'<object id="1" type="model" {attributes}><mesh><vertices>{points}</vertices><triangles>{faces}</triangles></mesh></object>'


def model_3mf(
    resources: str,
    build: str = '<item objectid="1"/>',
    unit: str = 'unit="millimeter"',
    more: str = "",
) -> str:
    return (f'<?xml version="1.0"?><model {unit} xmlns="{CORE}" xmlns:m="{MATERIALS}" xmlns:p="{PRODUCTION}" {more}>'
            f"<resources>{resources}</resources><build>{build}</build></model>")  # fmt: skip


def threemf(model: str | bytes, **files: bytes) -> bytes:
    """A package whose first part is MODEL; FILES by their place, "__" for a slash and "_dot_" for a dot."""
    stream = io.BytesIO()
    relation = '<Relationship Target="/3D/a.model" Id="r" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/>'
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("_rels/.rels", f"<Relationships>{relation}</Relationships>")
        archive.writestr("3D/a.model", model)
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return stream.getvalue()
