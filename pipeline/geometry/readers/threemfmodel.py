"""One model part of a 3MF: its XML as objects, colours, places in pictures and items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.geometry.readers import threemfmixes, threemfsaid
from pipeline.geometry.readers.parts import damaged
from pipeline.geometry.readers.pictures import CLEAR

Array = NDArray[Any]
PRODUCTION = "{http://schemas.microsoft.com/3dmanufacturing/production/2015/06}path"


@dataclass
class Object:
    vertices: Array
    faces: Array
    pid: str | None
    pindex: int
    # pid, p1, p2, p3 of each triangle; -1 for none
    properties: list[tuple[str | None, int, int, int]]
    kind: str
    # part, object, transform
    components: list[tuple[str, str, Array]] = field(default_factory=list)


@dataclass
class Document:
    """One model part of the package: its objects, and colours or uv by property group."""

    objects: dict[str, Object] = field(default_factory=dict)
    colors: dict[str, Array] = field(default_factory=dict)  # (N,3) uint8
    # group → (texture, uv (N,2))
    textures: dict[str, tuple[str, Array]] = field(default_factory=dict)
    # texture → (file in the package, repeats)
    images: dict[str, tuple[str, tuple[bool, bool]]] = field(default_factory=dict)
    items: list[tuple[str, str, Array]] = field(default_factory=list)
    unit: str = "millimeter"


def parsed(name: str, part: str, data: bytes, account: Account) -> Document:
    from lxml import etree

    try:
        root = etree.fromstring(
            data, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        )
    except etree.XMLSyntaxError:
        raise damaged(name, f"its part {part} is no sound XML") from None
    document = Document(unit=root.get("unit", "millimeter"))
    threemfsaid.extensions(root, account)
    for node in root.iter(etree.Element):
        match etree.QName(node).localname:
            case "object":
                document.objects[node.get("id", "")] = _object(name, node)
                threemfsaid.others(node, account)
            case "basematerials":
                document.colors[node.get("id", "")] = _colors(
                    (child.get("displaycolor") for child in node), account
                )
            case "colorgroup":
                document.colors[node.get("id", "")] = _colors(
                    (child.get("color") for child in node), account
                )
            case "texture2d":
                if "mirror" in (node.get("tilestyleu"), node.get("tilestylev")):
                    account.remark(
                        "a picture of it repeats mirrored; its edge was drawn out instead"
                    )
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
                threemfmixes.mixed(document.colors, document.textures, node)
                account.declare("part", "the mixing of several colours on one face")
            case "item":
                document.items.append(
                    (
                        node.get(PRODUCTION, ""),
                        node.get("objectid", ""),
                        _matrix(name, node.get("transform")),
                    )
                )
            case "beamlattice":
                account.declare("part", "a beam lattice")
    return document


def _object(name: str, node: Any) -> Object:
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
    return Object(
        _places(name, vertices),
        np.array(faces, dtype=np.int64).reshape(-1, 3),
        node.get("pid"),
        int(node.get("pindex", "0")),
        [_properties(child) for child in triangles],
        node.get("type", "model"),
        components,
    )


def _places(name: str, texts: Sequence[tuple[str | None, ...]]) -> Array:
    try:
        return np.array(texts, dtype=np.float64).reshape(-1, 3)
    except (ValueError, TypeError):
        if any("," in (text or "") for row in texts for text in row):
            raise InputRejected(
                f"{name} writes its numbers with decimal commas",
                remedy="Export it again with decimal points.",
            ) from None
        raise damaged(name, "a vertex of it has no three numbers") from None


def _properties(child: Any) -> tuple[str | None, int, int, int]:
    first = int(child.get("p1", "-1"))
    return child.get("pid"), first, int(child.get("p2", first)), int(child.get("p3", first))


def _colors(texts: Iterable[str | None], account: Account) -> Array:
    """#RRGGBB or #RRGGBBAA, grey where there is none."""
    found = []
    for text in texts:
        try:
            said = bytes.fromhex((text or "").strip().lstrip("#") or "b4b4b4")
        except ValueError:
            said = b""
        if len(said) not in (3, 4):
            account.remark(f"the colour {(text or '')[:20]!r} is none; grey was taken")
            said = b"\xb4\xb4\xb4"
        if len(said) > 3 and said[3] < CLEAR:
            account.declare("transparency")
        found.append(tuple(said[:3]))
    return np.array(found, np.uint8).reshape(-1, 3)


def _matrix(name: str, text: str | None) -> Array:
    own = np.eye(4)
    if text:
        values = [float(word) for word in text.split()]
        if len(values) != 12:
            raise damaged(name, f"a transform of it has {len(values)} numbers, not 12")
        own[:3] = np.array(values).reshape(4, 3).T
    return own
