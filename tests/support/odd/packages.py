"""glTF and 3MF: what their specifications allow and few files show."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.meshfiles import CORNERS, Gltf, model_3mf, png, prism_3mf, prism_gltf, threemf
from tests.support.odd.meshes import ALL_RED, BLUE, HALF, RED, Case

SMALL, V = {"volume": 32000e-9}, {"volume": 32000}
QUANTIZED = ["KHR_mesh_quantization"]


def first(made: Gltf) -> dict[str, Any]:
    found: dict[str, Any] = made.json["meshes"][0]["primitives"][0]
    return found


def plain(change: Callable[[Gltf], Any]) -> dict[str, bytes]:
    made = prism_gltf()
    change(made)
    return {"a.glb": made.glb()}


def rows(name: str, values: Any, **more: Any) -> Callable[[Gltf], Any]:
    return lambda made: first(made)["attributes"].update(
        {name: made.accessor(np.asarray(values), **more)}
    )


def laid(
    kind: str = "f4", u: float = 0.75, change: Callable[[Gltf], Any] | None = None, **texture: Any
) -> dict[str, bytes]:
    """The prism with the right, red half of a picture."""
    made = prism_gltf()
    first(made)["material"] = made.material(
        baseColorTexture={"index": made.picture(HALF)} | texture
    )
    flag = {} if kind == "f4" else {"normalized": True}
    rows(
        "TEXCOORD_0", np.full((12, 2), u * (np.iinfo(kind).max if flag else 1)).astype(kind), **flag
    )(made)
    if change is not None:
        change(made)
    return {"a.glb": made.glb()}


def by_picture(**entry: Any) -> Callable[[Gltf], Any]:
    return lambda made: made.json["images"].__setitem__(0, entry)


def in_texels(made: Gltf) -> None:
    rows("TEXCOORD_0", np.full((12, 2), 750, "u2"))(made)
    made.json["extensionsUsed"] = made.json["extensionsRequired"] = [
        *QUANTIZED,
        "KHR_texture_transform",
    ]


def variants(made: Gltf) -> None:
    first(made)["material"] = made.material(baseColorFactor=[1, 0, 0, 1])
    made.json["extensionsUsed"] = ["KHR_materials_variants"]


def quantized(made: Gltf, values: Any, scale: float, **more: Any) -> None:
    rows("POSITION", values, **more)(made)
    made.json["nodes"][0]["scale"] = [scale] * 3
    made.json["extensionsRequired"] = QUANTIZED


def sparse(made: Gltf) -> None:
    right = (CORNERS / 1000).astype("f4")
    wrong = right.copy()
    wrong[3] = 9
    rows("POSITION", wrong)(made)
    made.json["accessors"][-1]["sparse"] = {
        "count": 1, "indices": {"bufferView": made.view(np.array([3], "u2").tobytes()), "componentType": 5123},
        "values": {"bufferView": made.view(right[3].tobytes())}}  # fmt: skip


def nodes(*held: dict[str, Any], **more: Any) -> Callable[[Gltf], Any]:
    return lambda made: made.json.update({"nodes": list(held), "scenes": [{"nodes": [0]}], **more})


def address(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


LOOSE = prism_gltf()
GLTF: dict[str, Case] = {
    **{f"colours {kind} of {wide}": (plain(rows("COLOR_0", np.tile(np.array([[most, 0, 0, most][:wide]], kind), (12, 1)), normalized=kind != "f4")), ALL_RED)
       for kind, most in (("u1", 255), ("u2", 65535), ("f4", 1)) for wide in (3, 4)},
    "colours of a second set": (plain(rows("COLOR_1", np.zeros((12, 3), "f4"))), SMALL | {"says": "COLOR_1"}),
    **{f"uv as {kind}": (laid(kind), ALL_RED) for kind in ("f4", "u1", "u2")},
    "uv in texels, scaled by their transform": (laid(change=in_texels, extensions={"KHR_texture_transform": {"scale": [0.001, 0.001]}}), ALL_RED),
    "a transform that moves": (laid(extensions={"KHR_texture_transform": {"offset": [-0.5, 0]}}), {"shares": {BLUE: 1}}),
    "the second uv": (laid(change=rows("TEXCOORD_1", np.full((12, 2), 0.25, "f4")), texCoord=1), {"shares": {BLUE: 1}}),
    "the uv that a transform names": (laid(change=rows("TEXCOORD_1", np.full((12, 2), 0.25, "f4")), extensions={"KHR_texture_transform": {"texCoord": 1}}), {"shares": {BLUE: 1}}),
    "cut-outs without a threshold": (laid(change=lambda made: made.json["materials"][0].update(alphaMode="MASK")), ALL_RED),
    "a picture of the wrong type": (laid(change=lambda made: made.json["images"][0].update(mimeType="image/jpeg")), ALL_RED),
    "a picture in an address": (laid(change=by_picture(uri=address(HALF, "image/png"))), ALL_RED),
    "a picture of an address without type": (laid(change=by_picture(uri=address(HALF, ""))), ALL_RED),
    "a picture beside it, %20 and letters": (laid(change=by_picture(uri="my%20t%C3%A4x.png")) | {"my täx.png": HALF}, ALL_RED | {"quiet": True}),
    "a picture on the net": (laid(change=by_picture(uri="https://example.com/x.png")), SMALL | {"says": "x.png"}),
    "a red factor on a white picture": (laid(change=lambda made: (made.json["materials"][0]["pbrMetallicRoughness"].update(baseColorFactor=[1, 0, 0, 1]),
                                                                  made.json["images"][0].update(bufferView=made.view(png((255, 255, 255)))))), ALL_RED),
    "red vertices under a white picture": (laid(change=lambda made: (rows("COLOR_0", np.tile(np.array([[1, 0, 0]], "f4"), (12, 1)))(made),
                                                                     made.json["images"][0].update(bufferView=made.view(png((255, 255, 255)))))), ALL_RED),
    "variants of materials": (plain(variants), ALL_RED | {"says": "KHR_materials_variants"}),
    **{f"indices {kind}": (plain(lambda made, kind=kind: first(made).update(indices=made.accessor(np.arange(12).astype(kind))) or first(made)), {"faces": 4})
       for kind in ("u1", "u2", "u4")},
    "mirrored": (plain(nodes({"mesh": 0, "scale": [-1, 1, 1]})), SMALL),
    "sheared": (plain(nodes({"children": [1], "scale": [2, 1, 1]}, {"mesh": 0, "rotation": [0, 0, 0.3826834, 0.9238795]})), {"volume": 64000e-9}),
    "a quaternion that is too long": (plain(nodes({"mesh": 0, "rotation": [0, 0, 2, 2]})), SMALL | {"mm": (60, 40, 20)}),
    "no scene": (plain(lambda made: (made.json.pop("scene"), made.json.pop("scenes"))), SMALL),
    "a node that is switched off": (plain(lambda made: (made.json["nodes"][0].update(extensions={"KHR_node_visibility": {"visible": False}}),
                                                        made.json.update(extensionsUsed=["KHR_node_visibility"]))), {"or_says": "visib"}),
    "shares of 16 bits as places": (plain(lambda made: quantized(made, np.round(CORNERS / 60 * 32767).astype("i2"), 0.06, normalized=True)), SMALL),
    "whole numbers as places": (plain(lambda made: quantized(made, CORNERS.astype("u1"), 0.001)), SMALL),
    "sparse places": (plain(sparse), SMALL),
    "four bytes behind the end": ({"a.glb": prism_gltf().glb() + bytes(4)}, SMALL),
    "a part of an unknown kind": ({"a.glb": (lambda data: data[:8] + (len(data) + 12).to_bytes(4, "little") + data[12:] + (4).to_bytes(4, "little") + b"XTRAabcd")(prism_gltf().glb())}, SMALL),
    "loose, %20 in its name": ({"a.gltf": LOOSE.gltf("my%20data.bin"), "my data.bin": LOOSE.blob}, SMALL | {"quiet": True}),
    "loose, and the half is missing": ({"a.gltf": LOOSE.gltf("geo.bin")}, {"refused": "geo.bin"}),
    **{f"loose in an address, {how}": ({"a.gltf": LOOSE.gltf(change(address(LOOSE.blob + b"\xff\xfb\xff\xfe", "application/octet-stream")))}, SMALL) for how, change in (
        ("without its last signs", lambda text: text.rstrip("=")), ("in letters of addresses", lambda text: text.replace("+", "-").replace("/", "_").replace("application_", "application/")),
        ("broken into lines", lambda text: text[:90] + "\n" + text[90:]))},
    "loose in an address that is damaged": ({"a.gltf": LOOSE.gltf("data:;base64,AAA*AAA")}, {"refused": "base64"}),
    "loose in an address": ({"a.gltf": LOOSE.gltf(address(LOOSE.blob, "application/gltf-buffer"))}, SMALL),
    "a required extension of a firm": (plain(lambda made: made.json.update(extensionsRequired=["FIRM_shapes"])), {"refused": "FIRM_shapes"}),
}  # fmt: skip


def package(*parts: tuple[str, str | bytes]) -> dict[str, bytes]:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return {"a.3mf": stream.getvalue()}


def start(target: str, quote: str = '"') -> tuple[str, str]:
    kind = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
    said = f'<Relationships><Relationship Type="{kind}" Target="{target}" Id="r"/></Relationships>'
    return "_rels/.rels", said.replace('"', quote)


def model(resources: str, build: str = '<item objectid="1"/>', **more: Any) -> dict[str, bytes]:
    return {"a.3mf": threemf(model_3mf(resources, build, **more))}


BASE = '<basematerials id="5"><base name="b" displaycolor="#0000FF"/><base name="r" displaycolor="#FF0000FF"/></basematerials>'
TWICE = '<component objectid="1"/><component objectid="1" transform="1 0 0 0 1 0 0 0 1 99 0 0"/>'
APART = '<object id="2" type="model"><components><component p:path="/3D/o1.model" objectid="1"/><component p:path="/3D/o2.model" objectid="1" transform="1 0 0 0 1 0 0 0 1 99 0 0"/></components></object>'
PART = model_3mf(prism_3mf(), "")
THREEMF: dict[str, Case] = {
    **{f"in {unit}": (model(prism_3mf(), unit=f'unit="{unit}"'), {"mm": (60 * mm, 40 * mm, 20 * mm)})
       for unit, mm in (("micron", 0.001), ("centimeter", 10), ("inch", 25.4), ("foot", 304.8), ("meter", 1000))},
    "mirrored item": (model(prism_3mf(), '<item objectid="1" transform="-1 0 0 0 1 0 0 0 1 5 5 5"/>'), V),
    "components": (model(prism_3mf() + f'<object id="2" type="model"><components>{TWICE}</components></object>', '<item objectid="2"/>'), {"volume": 64000}),
    "a material of the object": (model(BASE + prism_3mf('pid="5" pindex="1"')), ALL_RED),
    "a material that comes later": (model(prism_3mf('pid="5" pindex="1"') + BASE), ALL_RED),
    "a material of each triangle": (model(BASE + prism_3mf('pid="5" pindex="0"', 'p1="1"')), ALL_RED),
    "a colour that is none": (model('<m:colorgroup id="5"><m:color color="red"/></m:colorgroup>' + prism_3mf('pid="5" pindex="0"')), V | {"says": "'red' is none"}),
    "decimal commas": (model(prism_3mf().replace('x="60"', 'x="60,5"')), {"refused": "comma"}),
    "relations in single quotes": (package(start("/3D/two.model", "'"), ("3D/one.model", model_3mf(prism_3mf(), '<item objectid="1" transform="3 0 0 0 1 0 0 0 1 0 0 0"/>')),
                                           ("3D/two.model", model_3mf(prism_3mf()))), V),
    "%20 in a relation": (package(start("/3D/my%20m.model"), ("3D/a.model", PART), ("3D/my m.model", model_3mf(prism_3mf()))), V),
    "a model in UTF-16": (package(start("3D/m.model"), ("3D/m.model", model_3mf(prism_3mf()).replace("?>", ' encoding="utf-16"?>').encode("utf-16"))), V),
    "two parts of one id": (package(start("/3D/m.model"), ("3D/m.model", model_3mf(APART, '<item objectid="2"/>')), ("3D/o1.model", PART),
                                    ("3D/o2.model", PART.replace('"60"', '"30"'))), {"mm": (129, 40, 20)}),
    "parts of two units": (package(start("/3D/m.model"), ("3D/m.model", model_3mf(APART, '<item objectid="2"/>')), ("3D/o1.model", PART),
                                   ("3D/o2.model", PART.replace("millimeter", "inch"))), {"says": "o2.model counts in inch"}),
    "a part that is not there": (package(start("/3D/m.model"), ("3D/m.model", model_3mf(APART, '<item objectid="2"/>')), ("3D/o1.model", PART)), {"refused": "o2"}),
    "a required extension": (model(prism_3mf(), more='requiredextensions="v" xmlns:v="http://schemas.3mf.io/3dmanufacturing/volumetric/2022/01"'), V | {"says": "volumetric"}),
}  # fmt: skip
assert RED != BLUE
