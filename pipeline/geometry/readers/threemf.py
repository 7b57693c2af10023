"""3MF: items and components in their places, in all parts of the package; colours of base
materials, colour groups and textures."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import archives
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.declared import Ledger
from pipeline.geometry.readers.parts import (
    Contents,
    Material,
    Part,
    checked,
    damaged,
    joined_corners,
)
from pipeline.geometry.readers.pictures import decoded

Array = NDArray[Any]
PRODUCTION = "{http://schemas.microsoft.com/3dmanufacturing/production/2015/06}path"
# Namespaces whose elements are read, or say nothing about shape and colour.
KNOWN = ("core/2015/02", "production/2015/06", "material/2015/02")
DEEPEST = 50
LARGEST = 1 << 30  # bytes of one part
UNITS = {
    "micron": 0.001,
    "millimeter": 1.0,
    "centimeter": 10.0,
    "inch": 25.4,
    "foot": 304.8,
    "meter": 1000.0,
}


@dataclass
class _Object:
    vertices: Array
    faces: Array
    pid: str | None
    pindex: int
    # pid, p1, p2, p3 of each triangle; -1 for none
    properties: list[tuple[str | None, int, int, int]]
    # part, object, transform
    components: list[tuple[str, str, Array]] = field(default_factory=list)


@dataclass
class _Document:
    """One model part of the package: its objects, and colours or uv by property group."""

    objects: dict[str, _Object] = field(default_factory=dict)
    colors: dict[str, Array] = field(default_factory=dict)  # (N,3) uint8
    # group → (texture, uv (N,2))
    textures: dict[str, tuple[str, Array]] = field(default_factory=dict)
    # texture → (file in the package, repeats)
    images: dict[str, tuple[str, tuple[bool, bool]]] = field(default_factory=dict)
    items: list[tuple[str, str, Array]] = field(default_factory=list)
    unit: str = "millimeter"


class _Package:
    def __init__(self, name: str, path: Path, ledger: Ledger) -> None:
        self.name, self.ledger = name, ledger
        self.archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
        self.names = {"/" + entry.lstrip("/").lower(): entry for entry in self.archive.namelist()}
        if archives.too_large(
            sum(one.file_size for one in self.archive.infolist()), path.stat().st_size
        ):
            raise InputRejected(
                f"{name} unpacks to far more than it weighs",
                remedy="Export it again, or as STL or PLY.",
            )
        self.documents: dict[str, _Document] = {}
        self._pictures: dict[str, Any] = {}

    def bytes(self, part: str) -> bytes | None:
        entry = self.names.get("/" + part.lstrip("/").lower())
        return (
            None
            if entry is None or self.archive.getinfo(entry).file_size > LARGEST
            else self.archive.read(entry)
        )

    def start(self) -> str:
        """The part that the package begins with: as its relations say, else the first model in
        it."""
        said = re.search(rb'<Relationship\b[^>]*?3dmodel"[^>]*>', self.bytes("/_rels/.rels") or b"")
        target = re.search(rb'Target\s*=\s*"([^"]+)"', said[0]) if said else None
        if target and "/" + target[1].decode().lstrip("/").lower() in self.names:
            return "/" + target[1].decode().lstrip("/")
        found = sorted(
            (name for name in self.names if name.endswith(".model")),
            key=lambda one: (one.count("/"), one),
        )
        if not found:
            raise InputRejected(f"{self.name} is a zip archive without a 3MF model inside")
        return found[0]

    def document(self, part: str) -> _Document:
        key = part.lower()
        if key not in self.documents:
            data = self.bytes(part)
            if data is None:
                raise damaged(self.name, f"it speaks of the part {part}, which is not in it")
            self.documents[key] = _parsed(self.name, part, data, self.ledger)
        return self.documents[key]

    def picture(self, part: str) -> Any:
        if part not in self._pictures:
            short = posixpath.basename(part)
            self.ledger.declare("texture", short)
            data = self.bytes(part)
            self._pictures[part] = None if data is None else decoded(data, short, self.ledger)
        return self._pictures[part]


def read(name: str, path: Path, beside: Companions) -> Contents:
    """The build as it would be printed; coordinates in the model's unit, microns as millimetres."""
    ledger = Ledger()
    try:
        package = _Package(name, path, ledger)
        start = package.start()
        root = package.document(start)
        wanted = root.items or [(start, key, np.eye(4)) for key in root.objects]
        parts = [
            part
            for where, key, matrix in wanted
            for part in _placed(package, where or start, key, matrix, 0)
        ]
    except (zipfile.BadZipFile, EOFError, RuntimeError, NotImplementedError):
        raise damaged(name, "a part of it does not unpack") from None
    _slicer(package)
    if root.unit not in UNITS:
        raise damaged(name, f"its unit is {root.unit[:40]!r}")
    if root.unit == "micron":
        parts = [replace(part, vertices=part.vertices * UNITS["micron"]) for part in parts]
    return Contents(parts, ledger, "millimeter" if root.unit == "micron" else root.unit)


def _slicer(package: _Package) -> None:
    """Name what slicers keep beside or inside the standard: parts that are no solids, painting,
    things that are not printed."""
    settings = b"".join(
        package.bytes(one) or b""
        for one in package.names
        if one.startswith("/metadata/") and one.endswith(".config")
    )
    models = b"".join(package.bytes(one) or b"" for one in package.names if one.endswith(".model"))
    odd = re.findall(
        rb'subtype="(?!normal_part)(\w+)"|"volume_type" value="(?!ModelPart)(\w+)"', settings
    )
    if odd:
        package.ledger.note(
            f"{len(odd)} of its parts are modifiers, cuts or supports to the slicer; they were read"
            " as solids"
        )
    if re.search(rb'\b(?:paint_color|mmu_segmentation)="[0-9A-Fa-f]', models):
        package.ledger.declare("part", "its painting by filaments")
    elif len(set(re.findall(rb'key="extruder" value="(\d+)"', settings)) - {b"0"}) > 1:
        package.ledger.declare("part", "which filament each part is printed with")
    if re.search(rb'<item\b[^>]*\bprintable="0"', models):
        package.ledger.note("some of its things are not meant to be printed; they were read, too")


def _placed(package: _Package, where: str, key: str, matrix: Array, depth: int) -> list[Part]:
    """The parts of one object and of all its components, moved by MATRIX."""
    document = package.document(where)
    if key not in document.objects or depth > DEEPEST:
        raise damaged(
            package.name,
            (
                f"it speaks of the object {key[:20]}, which is not in it"
                if depth <= DEEPEST
                else "its components hold each other"
            ),
        )
    entry, found = document.objects[key], []
    for part in _painted(package, document, entry):
        faces = part.faces if np.linalg.det(matrix[:3, :3]) > 0 else part.faces[:, ::-1]
        found.append(
            replace(part, vertices=part.vertices @ matrix[:3, :3].T + matrix[:3, 3], faces=faces)
        )
    for part_of, other, own in entry.components:
        found += _placed(package, part_of or where, other, matrix @ own, depth + 1)
    return found


# -- colours -----------------------------------------------------------------------------------


def _painted(package: _Package, document: _Document, entry: _Object) -> list[Part]:
    """The mesh of one object by picture; triangles of colour groups have a colour at each
    corner."""
    if not len(entry.faces):
        return []
    corners = checked(package.name, entry.faces, len(entry.vertices))
    groups = [pid if pid is not None else entry.pid for pid, *_ in entry.properties]
    index = np.array(
        [
            (p1, p2, p3) if pid is not None or p1 >= 0 else (entry.pindex,) * 3
            for pid, p1, p2, p3 in entry.properties
        ]
    )
    colors = np.full((len(corners), 3, 3), 180, np.uint8)
    colored = np.zeros(len(corners), bool)
    made: list[Part] = []
    for group in dict.fromkeys(groups):
        mine = np.array([one == group for one in groups])
        if group in document.colors:
            values, at = document.colors[group], index[mine]
            good = (at >= 0) & (at < len(values))
            colors[mine] = values[np.where(good, at, 0)] if len(values) else 180
            colored |= mine
        elif group in document.textures:
            made += _textured(package, document, entry, corners[mine], index[mine], group)
            mine_plain = ~mine
            corners, index, colors, colored = (
                corners[mine_plain],
                index[mine_plain],
                colors[mine_plain],
                colored[mine_plain],
            )
            groups = [one for one in groups if one != group]
        elif group is not None:
            package.ledger.declare("material", group)
    if not len(corners):
        return made
    if not colored.any():
        return [*made, Part(entry.vertices, corners)]
    slots, flat = corners.ravel(), colors.reshape(-1, 3)
    first, vertex = joined_corners([slots, flat.astype(np.int64) @ np.array([65536, 256, 1])])
    return [*made, Part(entry.vertices[slots[first]], vertex.reshape(-1, 3), flat[first])]


def _textured(
    package: _Package, document: _Document, entry: _Object, corners: Array, index: Array, group: str
) -> list[Part]:
    texture, uv = document.textures[group]
    file, repeats = document.images.get(texture, ("", (True, True)))
    image = package.picture(file) if file else None
    at = np.clip(index.ravel(), 0, max(len(uv) - 1, 0))
    first, vertex = joined_corners([corners.ravel(), at])
    laid = uv[at[first]] if image is not None and len(uv) else None
    return [
        Part(
            entry.vertices[corners.ravel()[first]],
            vertex.reshape(-1, 3),
            uv=laid,
            material=Material(texture, None, image, repeats),
        )
    ]


# -- XML ---------------------------------------------------------------------------------------


def _parsed(name: str, part: str, data: bytes, ledger: Ledger) -> _Document:
    from lxml import etree

    try:
        root = etree.fromstring(
            data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        )
    except etree.XMLSyntaxError:
        raise damaged(name, f"its part {part} is no sound XML") from None
    document = _Document(unit=root.get("unit", "millimeter"))
    _extensions(name, root, ledger)
    for node in root.iter(etree.Element):
        match etree.QName(node).localname:
            case "object":
                document.objects[node.get("id", "")] = _object(name, node)
            case "basematerials":
                document.colors[node.get("id", "")] = _colors(
                    child.get("displaycolor") for child in node
                )
            case "colorgroup":
                document.colors[node.get("id", "")] = _colors(child.get("color") for child in node)
            case "texture2d":
                if "mirror" in (node.get("tilestyleu"), node.get("tilestylev")):
                    ledger.note("a picture of it repeats mirrored; its edge was drawn out instead")
                repeats = (
                    node.get("tilestyleu", "wrap") == "wrap",
                    node.get("tilestylev", "wrap") == "wrap",
                )
                document.images[node.get("id", "")] = (node.get("path", ""), repeats)
            case "texture2dgroup":
                uv = np.array(
                    [(float(child.get("u")), float(child.get("v"))) for child in node], np.float64
                ).reshape(-1, 2)
                document.textures[node.get("id", "")] = (node.get("texid", ""), uv)
            case "multiproperties" | "compositematerials":
                _first_layer(document, node)
                ledger.declare("part", "the mixing of several colours on one face")
            case "item":
                document.items.append(
                    (
                        node.get(PRODUCTION, ""),
                        node.get("objectid", ""),
                        _matrix(name, node.get("transform")),
                    )
                )
            case "beamlattice":
                ledger.declare("part", "a beam lattice")
    return document


def _extensions(name: str, root: Any, ledger: Ledger) -> None:
    for prefix in (root.get("requiredextensions") or "").split():
        address = root.nsmap.get(prefix, prefix)
        if not address.endswith(KNOWN):
            ledger.declare(
                "extension",
                "the required 3MF extension"
                f" {posixpath.basename(address.rpartition('/20')[0] or address)}",
            )


def _first_layer(document: _Document, node: Any) -> None:
    """Of what mixes several groups the first one's colours stand for all."""
    first = (node.get("pids") or node.get("matid") or "").split()
    if not first:
        return
    rows = [int((child.get("pindices") or "0").split()[0]) for child in node]
    key = node.get("id", "")
    if first[0] in document.colors and len(document.colors[first[0]]):
        document.colors[key] = document.colors[first[0]][
            np.clip(rows, 0, len(document.colors[first[0]]) - 1)
        ]
    elif first[0] in document.textures and len(document.textures[first[0]][1]):
        texture, uv = document.textures[first[0]]
        document.textures[key] = (texture, uv[np.clip(rows, 0, len(uv) - 1)])


def _object(name: str, node: Any) -> _Object:
    from lxml import etree

    vertices = [
        (child.get("x"), child.get("y"), child.get("z")) for child in node.iter("{*}vertex")
    ]
    triangles = list(node.iter("{*}triangle"))
    faces = [(child.get("v1"), child.get("v2"), child.get("v3")) for child in triangles]
    components = [
        (
            child.get(PRODUCTION, ""),
            child.get("objectid", ""),
            _matrix(name, child.get("transform")),
        )
        for child in node.iter("{*}component")
        if etree.QName(child).localname == "component"
    ]
    return _Object(
        np.array(vertices, dtype=np.float64).reshape(-1, 3),
        np.array(faces, dtype=np.int64).reshape(-1, 3),
        node.get("pid"),
        int(node.get("pindex", "0")),
        [_properties(child) for child in triangles],
        components,
    )


def _properties(child: Any) -> tuple[str | None, int, int, int]:
    first = int(child.get("p1", "-1"))
    return child.get("pid"), first, int(child.get("p2", first)), int(child.get("p3", first))


def _colors(texts: Any) -> Array:
    found = [
        tuple(bytes.fromhex(text.lstrip("#")[:6])) if text else (180, 180, 180) for text in texts
    ]
    return np.array(found, np.uint8).reshape(-1, 3)


def _matrix(name: str, text: str | None) -> Array:
    own = np.eye(4)
    if text:
        values = [float(word) for word in text.split()]
        if len(values) != 12:
            raise damaged(name, f"a transform of it has {len(values)} numbers, not 12")
        own[:3] = np.array(values).reshape(4, 3).T
    return own
