"""GLB: binary glTF 2.0, metres, Y up; one mesh, one PBR material, texture embedded, or vertex
colours in linear light."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear
from pipeline.geometry.topology import vertex_normals
from pipeline.stages.finish._model import GREY, MATERIAL, Model

FLOAT, UINT16, UINT32 = 5126, 5123, 5125
ARRAY_BUFFER, INDEX_BUFFER = 34962, 34963
MIME = {".png": "image/png", ".jpg": "image/jpeg"}


class Document:
    """A glTF document and its one buffer."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "inbox3d"},
            "bufferViews": [],
            "accessors": [],
        }
        self.blob = bytearray()

    def view(self, data: bytes, target: int | None = None) -> int:
        self.blob += b"\0" * (-len(self.blob) % 4)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data)}
        self.blob += data
        self.json["bufferViews"].append(view | ({"target": target} if target else {}))
        return len(self.json["bufferViews"]) - 1

    def accessor(self, array: NDArray[Any], component: int, kind: str, **more: Any) -> int:
        target = INDEX_BUFFER if kind == "SCALAR" else ARRAY_BUFFER
        entry = {
            "bufferView": self.view(array.tobytes(), target),
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        self.json["accessors"].append(entry | more)
        return len(self.json["accessors"]) - 1

    def image(self, path: Path) -> dict[str, int]:
        images = self.json.setdefault("images", [])
        images.append({"bufferView": self.view(path.read_bytes()), "mimeType": MIME[path.suffix]})
        self.json.setdefault(
            "samplers", [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}]
        )
        self.json.setdefault("textures", []).append({"sampler": 0, "source": len(images) - 1})
        return {"index": len(self.json["textures"]) - 1}

    def write(self, path: Path) -> None:
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.json["buffers"] = self.buffers()
        text = json.dumps(self.json, separators=(",", ":"), sort_keys=True).encode()
        text += b" " * (-len(text) % 4)
        with path.open("wb") as out:
            out.write(struct.pack("<4sII", b"glTF", 2, 12 + 8 + len(text) + 8 + len(self.blob)))
            out.write(struct.pack("<I4s", len(text), b"JSON") + text)
            out.write(struct.pack("<I4s", len(self.blob), b"BIN\0"))
            out.write(self.blob)

    def buffers(self) -> list[dict[str, Any]]:
        return [{"byteLength": len(self.blob)}]


def write(model: Model, path: Path) -> None:
    """Write MODEL, which stands in Y-up metres, to PATH. Same model, same bytes."""
    document = Document()
    surface = model.surface
    points = surface.vertices.astype(np.float32)
    normals = (
        surface.normals
        if surface.normals is not None
        else vertex_normals(surface.vertices, surface.faces)
    )
    bounds = {"min": points.min(axis=0).tolist(), "max": points.max(axis=0).tolist()}
    attributes = {
        "POSITION": document.accessor(points, FLOAT, "VEC3", **bounds),
        "NORMAL": document.accessor(unit(normals), FLOAT, "VEC3"),
    }
    if surface.uv is not None and model.image is not None:
        flipped = np.stack([surface.uv[:, 0], 1.0 - surface.uv[:, 1]], axis=1).astype(np.float32)
        attributes["TEXCOORD_0"] = document.accessor(flipped, FLOAT, "VEC2")
    elif surface.colors is not None:
        # four of 16 bits: eight are too few for dark tones in linear light
        linear = np.ones((len(points), 4), np.uint16) * 65535
        linear[:, :3] = np.round(to_linear(surface.colors) * 65535)
        attributes["COLOR_0"] = document.accessor(linear, UINT16, "VEC4", normalized=True)
    indices = document.accessor(surface.faces.astype(np.uint32).ravel(), UINT32, "SCALAR")
    primitive = {"attributes": attributes, "indices": indices, "material": 0, "mode": 4}
    document.json |= {
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "model"}],
        "meshes": [{"name": "model", "primitives": [primitive]}],
        "materials": [material(document, model)],
    }
    if model.label:
        document.json["asset"]["extras"] = {"label": model.label}
    document.write(path)


def material(document: Document, model: Model) -> dict[str, Any]:
    metallic: dict[str, Any] = {"metallicFactor": 0.0, "roughnessFactor": 0.8}
    material: dict[str, Any] = {
        "name": MATERIAL,
        "pbrMetallicRoughness": metallic,
        "doubleSided": True,
    }
    if model.surface.uv is not None and model.image is not None:
        metallic["baseColorTexture"] = document.image(model.image)
        if model.normal_map is not None:
            material["normalTexture"] = document.image(model.normal_map)
    elif model.surface.colors is None:
        metallic["baseColorFactor"] = [GREY, GREY, GREY, 1.0]
    return material


def unit(normals: NDArray[Any]) -> NDArray[np.float32]:
    """Unit length in float32, which the validator checks; a missing normal points up."""
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-9, normals / np.maximum(length, 1e-9), [0.0, 1.0, 0.0]).astype(
        np.float32
    )
