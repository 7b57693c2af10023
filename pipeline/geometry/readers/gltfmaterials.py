"""glTF's materials: base colour factor and picture, KHR_texture_transform, pictures in other
containers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats.account import Account
from pipeline.geometry.readers import gltftechniques
from pipeline.geometry.readers.accessors import Accessors
from pipeline.geometry.readers.parts import Material, damaged
from pipeline.geometry.readers.pictures import decoded

Array = NDArray[Any]
# extensions of a texture that name another picture
SOURCES = ("EXT_texture_webp", "EXT_texture_avif", "KHR_texture_basisu", "MSFT_texture_dds")
QUANTIZED = "KHR_mesh_quantization"
CLAMPED, MIRRORED = 33071, 33648


class Looks:
    """The materials of one document; each picture is decoded once."""

    def __init__(
        self, name: str, document: dict[str, Any], accessors: Accessors, account: Account
    ) -> None:
        self.name, self.document, self.accessors, self.account = name, document, accessors, account
        self._pictures: dict[int, Any] = {}
        self._mirrored: set[int] = set()
        self._known: dict[int | None, Material] = {None: Material(color=None)}

    def of(self, index: int | None, arrays: dict[str, Array]) -> tuple[Material, Array | None]:
        """Material INDEX, and the uv (N,2), from the lower left corner, that its picture lies
        on."""
        base = self._base(index)
        texture = base.get("baseColorTexture") or {}
        if index not in self._known:
            self._known[index] = self._material(index, base, texture)
        material = self._known[index]
        if material.image is None:
            return material, None
        moved = texture.get("extensions", {}).get("KHR_texture_transform", {})
        uv = arrays.get(f"TEXCOORD_{moved.get('texCoord', texture.get('texCoord', 0))}")
        if uv is None:
            self.account.declare("part", "a texture on faces without texture coordinates")
            return material, None
        laid = _transformed(self._plain(uv), moved)
        if texture["index"] in self._mirrored and (
            laid.min(initial=0) < -1e-6 or laid.max(initial=0) > 1 + 1e-6
        ):
            self.account.remark("a picture of it repeats mirrored; it was repeated as it is")
        return material, _flipped(laid)

    def _plain(self, uv: Array) -> Array:
        """Whole numbers are texels of nobody's but KHR_mesh_quantization's, whose transform scales
        them; elsewhere the word that they are shares is missing."""
        if uv.dtype.kind == "f" or QUANTIZED in self.document.get("extensionsUsed", ()):
            return uv
        return uv / np.iinfo(uv.dtype).max

    def _base(self, index: int | None) -> dict[str, Any]:
        """What gives the base colour, whichever way of shading the material is written for."""
        if index is None or (material := self._listed("materials", "material", index)) is None:
            return {}
        other = material.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
        if other is not None and "baseColorTexture" not in material.get("pbrMetallicRoughness", {}):
            return {
                "baseColorFactor": other.get("diffuseFactor", (1, 1, 1, 1)),
                "baseColorTexture": other.get("diffuseTexture"),
            }
        base: dict[str, Any] = material.get("pbrMetallicRoughness", {})
        if not base and (named := gltftechniques.base(material)) is not None:
            self.account.remark(
                "its materials are programs (KHR_techniques_webgl); of each the base colour was"
                " taken by its name"
            )
            return named
        return base

    def _listed(self, key: str, what: str, index: int) -> dict[str, Any] | None:
        """Entry INDEX of a list of the document; one that is not in it is said."""
        entries: list[dict[str, Any]] = self.document.get(key, [])
        if 0 <= index < len(entries):
            return entries[index]
        self.account.remark(f"it speaks of {what} {index}, which is not in it")
        return None

    def _material(
        self, index: int | None, base: dict[str, Any], texture: dict[str, Any]
    ) -> Material:
        material = {} if index is None else self._listed("materials", "material", index) or {}
        if material.get("alphaMode", "OPAQUE") != "OPAQUE":
            self.account.declare("transparency")
        if (
            any(key in material for key in ("normalTexture", "occlusionTexture", "emissiveTexture"))
            or "metallicRoughnessTexture" in base
            or any(material.get("emissiveFactor", ()))
        ):
            self.account.declare("maps")
        linear = np.clip(np.array(base.get("baseColorFactor", (1, 1, 1, 1)), np.float64)[:3], 0, 1)
        curved = np.where(
            linear <= 0.0031308, linear * 12.92, 1.055 * np.power(linear, 1 / 2.4) - 0.055
        )
        red, green, blue = (round(float(value), 6) for value in curved)
        image, repeats = (
            self._texture(texture["index"]) if "index" in texture else (None, (True, True))
        )
        return Material(str(material.get("name", "")), (red, green, blue), image, repeats)

    def _texture(self, index: int) -> tuple[Any, tuple[bool, bool]]:
        texture = self._listed("textures", "texture", index)
        if texture is None:
            return None, (True, True)
        sampler = {}
        if "sampler" in texture:
            sampler = self._listed("samplers", "sampler", texture["sampler"]) or {}
        repeats = (sampler.get("wrapS", 10497) != CLAMPED, sampler.get("wrapT", 10497) != CLAMPED)
        if MIRRORED in (sampler.get("wrapS"), sampler.get("wrapT")):
            self._mirrored.add(index)
        sources = [
            texture["extensions"][key]["source"]
            for key in SOURCES
            if key in texture.get("extensions", ())
        ]
        sources += [texture["source"]] if "source" in texture else []
        for number in sources:
            if (image := self._picture(number, last=number == sources[-1])) is not None:
                return image, repeats
        if not sources:
            self.account.declare("texture", f"number {index}")
            self.account.explain(
                "texture", f"number {index}", "texture {name} has no picture that is read"
            )
        return None, repeats

    def _picture(self, number: int, last: bool) -> Any:
        """Picture NUMBER; one that has another to stand in for it is not missed."""
        if number not in self._pictures:
            entry = self._listed("images", "picture", number)
            if entry is None:
                self._pictures[number] = None
                return None
            uri = entry.get("uri", "")
            inside = "uri" not in entry or uri.startswith("data:")
            name = (
                str(entry.get("name") or f"number {number}")
                if inside
                else uri.replace("\\", "/").rpartition("/")[2]
            )
            account = self.account if last else Account("")
            account.declare("texture", name)
            try:
                data = self._bytes(entry)
            except InputRejected:
                self._pictures[number] = None
            else:
                self._pictures[number] = decoded(data, name, account)
        return self._pictures[number]

    def _bytes(self, entry: dict[str, Any]) -> bytes:
        if "uri" in entry:
            return self.accessors.resource(entry["uri"], "texture")
        if "bufferView" not in entry:
            raise damaged(self.name, "a picture of it is nowhere")
        return self.accessors.view(entry["bufferView"])[0]


def _transformed(uv: Array, moved: dict[str, Any]) -> Array:
    """KHR_texture_transform on uv from the upper left corner: scaled, turned, moved."""
    if not moved.keys() & {"offset", "rotation", "scale"}:
        return uv
    cos, sin = np.cos(moved.get("rotation", 0.0)), np.sin(moved.get("rotation", 0.0))
    u, v = (uv * np.array(moved.get("scale", (1.0, 1.0)), np.float64)).T
    return np.stack([cos * u + sin * v, cos * v - sin * u], axis=1) + np.array(
        moved.get("offset", (0.0, 0.0)), np.float64
    )


def _flipped(uv: Array) -> Array:
    return np.stack([uv[:, 0], 1.0 - uv[:, 1]], axis=1)
