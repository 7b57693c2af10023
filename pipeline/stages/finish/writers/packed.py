"""A GLB for the viewer of pages and reports: quantised and compressed with meshopt
(EXT_meshopt_compression, KHR_mesh_quantization), a tenth of the plain file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.colour import to_linear
from pipeline.geometry.topology import vertex_normals
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers.glb import FLOAT, UINT16, UINT32, Document, material, unit

Array = NDArray[Any]
BYTE = 5120
COMPRESSION, QUANTISED = "EXT_meshopt_compression", "KHR_mesh_quantization"
STEPS = 65535  # of a coordinate, over the longest edge of the box


class Packed(Document):
    """A document whose arrays are compressed; ``plain`` bytes they have when they are not."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = 0
        self.json |= {
            "extensionsUsed": [COMPRESSION, QUANTISED],
            "extensionsRequired": [COMPRESSION, QUANTISED],
            "nodes": [],
            "meshes": [],
        }

    def packed(self, data: Array, count: int, mode: str, encode: Callable[[], bytes]) -> int:
        """A compressed view of DATA, COUNT rows."""
        view = self.view(encode())
        entry = self.json["bufferViews"][view]
        packed = entry | {"byteStride": data.nbytes // count, "count": count, "mode": mode}
        entry |= {"buffer": 1, "byteOffset": self.plain, "byteLength": data.nbytes}
        if mode == "ATTRIBUTES":
            entry["byteStride"] = packed["byteStride"]
        entry["extensions"] = {COMPRESSION: packed}
        self.plain += -(-data.nbytes // 4) * 4
        return view

    def attribute(self, rows: Array, component: int, kind: str, **more: Any) -> int:
        """ROWS (N,k), whose rows are four bytes' multiples long, as an accessor of KIND."""
        import meshoptimizer

        rows = np.ascontiguousarray(rows)
        size = rows.nbytes // len(rows)
        view = self.packed(
            rows,
            len(rows),
            "ATTRIBUTES",
            lambda: meshoptimizer.encode_vertex_buffer(rows, len(rows), size),
        )
        return self.listed(view, component, len(rows), kind, **more)

    def indices(self, faces: Array, vertices: int) -> int:
        import meshoptimizer

        flat = np.ascontiguousarray(faces, np.uint32).ravel()
        view = self.packed(
            flat,
            len(flat),
            "TRIANGLES",
            lambda: meshoptimizer.encode_index_buffer(flat, len(flat), vertices),
        )
        return self.listed(view, UINT32, len(flat), "SCALAR")

    def listed(self, view: int, component: int, count: int, kind: str, **more: Any) -> int:
        entry = {"bufferView": view, "componentType": component, "count": count, "type": kind}
        self.json["accessors"].append(entry | more)
        return len(self.json["accessors"]) - 1

    def positions(self, points: Array) -> tuple[int, dict[str, Any]]:
        """POINTS (N,3) in 16 bits, and the node's place and scale that give them back."""
        low = points.min(axis=0)
        step = max(float(np.ptp(points, axis=0).max()), 1e-9) / STEPS
        rows = np.zeros((len(points), 4), np.uint16)
        rows[:, :3] = np.round((points - low) / step)
        bounds = {"min": rows[:, :3].min(0).tolist(), "max": rows[:, :3].max(0).tolist()}
        place = {"translation": [float(value) for value in low], "scale": [step] * 3}
        return self.attribute(rows, UINT16, "VEC3", **bounds), place

    def node(self, primitive: dict[str, Any], **more: Any) -> None:
        self.json["meshes"].append({"primitives": [primitive]})
        self.json["nodes"].append({"mesh": len(self.json["meshes"]) - 1, **more})

    def close(self, path: Path, facts: dict[str, Any]) -> None:
        self.json["scenes"] = [{"nodes": list(range(len(self.json["nodes"]))), "extras": facts}]
        self.json["scene"] = 0
        self.write(path)

    def buffers(self) -> list[dict[str, Any]]:
        unpacked = {"byteLength": self.plain, "extensions": {COMPRESSION: {"fallback": True}}}
        return [*super().buffers(), unpacked]


def add_model(document: Packed, model: Model) -> None:
    """The surface of MODEL, which stands in Y-up metres, as the node "model"."""
    surface = model.surface
    order, faces = _in_order(surface.faces, len(surface.vertices))
    position, place = document.positions(surface.vertices[order])
    normals = surface.normals
    if normals is None:
        normals = vertex_normals(surface.vertices, surface.faces)
    turned = np.zeros((len(order), 4), np.int8)
    turned[:, :3] = np.round(unit(normals)[order] * 127)
    attributes = {
        "POSITION": position,
        "NORMAL": document.attribute(turned, BYTE, "VEC3", normalized=True),
    }
    if surface.uv is not None and model.image is not None:
        flipped = np.stack([surface.uv[order, 0], 1.0 - surface.uv[order, 1]], axis=1)
        if flipped.min() >= 0 and flipped.max() <= 1:
            rows = np.round(flipped * 65535).astype(np.uint16)
            attributes["TEXCOORD_0"] = document.attribute(rows, UINT16, "VEC2", normalized=True)
        else:
            attributes["TEXCOORD_0"] = document.attribute(flipped.astype(np.float32), FLOAT, "VEC2")
    elif surface.colors is not None:
        linear = np.full((len(order), 4), 65535, np.uint16)
        linear[:, :3] = np.round(to_linear(surface.colors[order]) * 65535)
        attributes["COLOR_0"] = document.attribute(linear, UINT16, "VEC4", normalized=True)
    primitive = {"attributes": attributes, "indices": document.indices(faces, len(order))}
    document.json["materials"] = [material(document, model)]
    document.node(primitive | {"material": 0, "mode": 4}, name="model", **place)


def add_points(document: Packed, number: int, points: Array, off: Array) -> None:
    """POINTS (N,3) of pass NUMBER; OFF (N,) is how far each lies outside the surface, metres."""
    order = _along(points)
    position, place = document.positions(points[order])
    # twelve bits of the mantissa are kept: the rest is noise that compresses badly
    rough = (off[order].astype(np.float32).view(np.uint32) & 0xFFFFF800).view(np.float32)
    attributes = {
        "POSITION": position,
        "_OFF": document.attribute(rough[:, None], FLOAT, "SCALAR"),
    }
    document.node(
        {"attributes": attributes, "mode": 0},
        name=f"pass {number}",
        **place,
        extras={"pass": number},
    )


def _in_order(faces: Array, count: int) -> tuple[Array, Array]:
    """(vertices in the order of their use, faces in their numbers): what lies together compresses
    well."""
    import meshoptimizer

    flat = np.ascontiguousarray(faces, np.uint32).ravel()
    cached = np.zeros_like(flat)
    meshoptimizer.optimize_vertex_cache(cached, flat, len(flat), count)
    used, first, back = np.unique(cached, return_index=True, return_inverse=True)
    rank = np.argsort(first, kind="stable")
    new = np.empty_like(rank)
    new[rank] = np.arange(len(rank))
    return used[rank], new[back].reshape(-1, 3)


def _along(points: Array) -> Array:
    """An order in which neighbours follow each other: by cells of a 64³ grid."""
    span = max(float(np.ptp(points, axis=0).max()), 1e-12)
    cell = ((points - points.min(axis=0)) / span * 63).astype(np.int64)
    return np.lexsort((cell[:, 0], cell[:, 1], cell[:, 2]))
