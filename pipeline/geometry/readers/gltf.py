"""glTF 2.0: the scene that is shown, with node transforms, all kinds of triangles, morph targets'
default weights and base colours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import gltf
from pipeline.geometry.colour import to_srgb
from pipeline.geometry.readers.accessors import MESHOPT, Accessors
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.declared import Ledger
from pipeline.geometry.readers.gltfmaterials import Looks
from pipeline.geometry.readers.parts import Contents, Part, checked, damaged

Array = NDArray[Any]
DRACO = "KHR_draco_mesh_compression"
APPLIED = frozenset(
    {
        *MESHOPT,
        DRACO,
        "KHR_texture_transform",
        "KHR_mesh_quantization",
        "EXT_texture_webp",
        "KHR_materials_unlit",
        "KHR_materials_pbrSpecularGlossiness",
        "KHR_texture_basisu",
        "EXT_mesh_gpu_instancing",
        "EXT_texture_avif",
    }
)
SILENT = (
    "KHR_materials_",
    "EXT_materials_",
    "KHR_lights",
    "KHR_xmp",
    "KHR_animation",
    "EXT_lights",
    "MSFT_lod",
    "ADOBE_",
)
DEEPEST = 200  # nodes below nodes
MOST_NODES = 1_000_000  # that are placed: nodes which several others hold count each time


def read(name: str, path: Path, beside: Companions) -> Contents:
    document, blob = gltf.read(name, path)
    ledger = Ledger()
    _extensions(name, document, ledger)
    accessors = Accessors(name, document, blob, beside)
    scene = _Scene(name, document, accessors, ledger)
    parts = [
        part for mesh, world, weights in scene.placed() for part in scene.mesh(mesh, world, weights)
    ]
    if document.get("animations"):
        ledger.declare("part", "its animation")
    return Contents(parts, ledger)


def _extensions(name: str, document: dict[str, Any], ledger: Ledger) -> None:
    """Refuse what is required and would change the shape; name what is used and not applied."""
    required = set(document.get("extensionsRequired", ()))
    for one in sorted(required - APPLIED):
        if not one.startswith(SILENT):
            raise InputRejected(
                f"{name} requires the extension {one}, which is not read here",
                remedy=f"Export it without {one}.",
            )
    for one in sorted(set(document.get("extensionsUsed", ())) - APPLIED):
        if one.startswith(("KHR_materials_", "EXT_materials_")):
            ledger.declare("maps")
        elif not one.startswith(SILENT):
            ledger.declare("extension", one)


class _Scene:
    def __init__(
        self, name: str, document: dict[str, Any], accessors: Accessors, ledger: Ledger
    ) -> None:
        self.name, self.document, self.accessors, self.ledger = name, document, accessors, ledger
        self.looks = Looks(name, document, accessors, ledger)
        self._placed = 0

    def placed(self) -> Iterator[tuple[dict[str, Any], Array, list[float] | None]]:
        """(mesh, transform to the world, weights of its morph targets) for each mesh of the scene
        that is shown."""
        nodes, scenes = self.document.get("nodes", []), self.document.get("scenes", [])
        shown = self.document.get("scene", 0)
        if len(scenes) > 1:
            self.ledger.declare("part", f"{len(scenes) - 1} of its {len(scenes)} scenes")
        if scenes:
            roots = scenes[shown].get("nodes", [])
        else:
            below = {child for node in nodes for child in node.get("children", ())}
            roots = [index for index in range(len(nodes)) if index not in below]
        if not nodes and not scenes:
            for mesh in self.document.get("meshes", []):
                yield mesh, np.eye(4), None
        for root in roots:
            yield from self._below(root, np.eye(4), 0)

    def _below(
        self, index: int, above: Array, depth: int
    ) -> Iterator[tuple[dict[str, Any], Array, list[float] | None]]:
        self._placed += 1
        if depth > DEEPEST or self._placed > MOST_NODES:
            raise damaged(self.name, "its nodes hang below each other without end")
        node = self.document["nodes"][index]
        here = above @ _own(node)
        if "mesh" in node:
            if "skin" in node:
                self.ledger.declare("part", "the pose of its skeleton")
            mesh = self.document["meshes"][node["mesh"]]
            for instance in self._instances(node):
                yield mesh, here @ instance, node.get("weights")
        for child in node.get("children", ()):
            yield from self._below(child, here, depth + 1)

    def _instances(self, node: dict[str, Any]) -> list[Array]:
        told = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes")
        if not told:
            return [np.eye(4)]
        given = {
            key.lower(): self.accessors.array(number)
            for key, number in told.items()
            if key in ("TRANSLATION", "ROTATION", "SCALE")
        }
        count = max((len(rows) for rows in given.values()), default=0)
        return [_own({key: rows[k].tolist() for key, rows in given.items()}) for k in range(count)]

    def mesh(
        self, mesh: dict[str, Any], world: Array, weights: list[float] | None
    ) -> Iterator[Part]:
        for primitive in mesh.get("primitives", ()):
            part = self._primitive(primitive, weights or mesh.get("weights") or [])
            if part is not None:
                yield _moved(part, world)

    def _primitive(self, primitive: dict[str, Any], weights: list[float]) -> Part | None:
        mode, attributes = primitive.get("mode", 4), primitive["attributes"]
        arrays, indices = self._arrays(primitive)
        if "POSITION" not in arrays:
            self.ledger.declare("part", "a primitive without positions")
            return None
        points = arrays["POSITION"].astype(np.float64)
        for weight, target in zip(weights, primitive.get("targets", ()), strict=False):
            if weight and "POSITION" in target:
                points = points + weight * self.accessors.array(target["POSITION"])
        order = (
            np.arange(len(points))
            if indices is None
            else checked(self.name, indices.astype(np.int64), len(points))
        )
        if mode in (1, 2, 3):
            self.ledger.declare(
                "lines", "", max(len(order) // 2 if mode == 1 else len(order) - (mode == 3), 0)
            )
            return None
        faces = np.zeros((0, 3), np.int64) if mode == 0 else _triangles(self.name, order, mode)
        if mode:
            self.ledger.declare("faces", "", len(faces))
            self.ledger.arrive("faces", "", len(faces))
        for key in sorted(attributes):
            if key.startswith("COLOR_") and key != "COLOR_0":
                self.ledger.declare("attribute", f"a second set of colours ({key})")
        material, uv = self.looks.of(primitive.get("material"), arrays)
        colors = arrays.get("COLOR_0")
        part = Part(points, faces, normals=arrays.get("NORMAL"), uv=uv, material=material)
        if colors is None:
            return part
        linear = (
            colors[:, :3]
            if colors.dtype.kind == "f"
            else colors[:, :3] / np.iinfo(colors.dtype).max
        )
        return replace(part, colors=to_srgb(linear))

    def _arrays(self, primitive: dict[str, Any]) -> tuple[dict[str, Array], Array | None]:
        packed = primitive.get("extensions", {}).get(DRACO)
        if packed is not None:
            from pipeline.geometry.readers.draco import unpacked

            return unpacked(self.name, packed, primitive, self.accessors)
        wanted = {
            key: number
            for key, number in primitive["attributes"].items()
            if key in ("POSITION", "NORMAL", "COLOR_0") or key.startswith("TEXCOORD_")
        }
        arrays = {key: self.accessors.array(number) for key, number in wanted.items()}
        count = len(arrays.get("POSITION", ()))
        for key, rows in arrays.items():
            if len(rows) != count:
                raise damaged(
                    self.name, f"it has {count} positions and {len(rows)} values of {key}"
                )
        return arrays, (
            self.accessors.array(primitive["indices"])[:, 0] if "indices" in primitive else None
        )


def _own(node: dict[str, Any]) -> Array:
    """The node's own transform, 4×4."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = (
        np.array(turn, np.float64) / (np.linalg.norm(turn) or 1.0)
        if (turn := node.get("rotation"))
        else (0.0, 0.0, 0.0, 1.0)
    )
    own = np.eye(4)
    own[:3, :3] = np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]) * np.array(node.get("scale", (1, 1, 1)), np.float64)  # fmt: skip
    own[:3, 3] = node.get("translation", (0, 0, 0))
    return own


def _moved(part: Part, world: Array) -> Part:
    """PART in the world: normals by the inverse transpose, faces turned where the transform
    mirrors."""
    if np.array_equal(world, np.eye(4)):
        return part
    linear = world[:3, :3]
    mirrored, flat = np.linalg.det(linear) < 0, abs(np.linalg.det(linear)) < 1e-30
    normals = None
    if part.normals is not None and not flat:
        normals = part.normals @ np.linalg.inv(linear)
        normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    faces = part.faces[:, ::-1] if mirrored else part.faces
    return replace(
        part, vertices=part.vertices @ linear.T + world[:3, 3], normals=normals, faces=faces
    )


def _triangles(name: str, order: Array, mode: int) -> Array:
    """Triangles of a list (4), a strip (5) or a fan (6)."""
    if mode == 4:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if mode not in (5, 6):
        raise damaged(name, f"it has a primitive of the unknown mode {mode}")
    if len(order) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == 6:
        return np.stack([np.repeat(order[:1], len(order) - 2), order[1:-1], order[2:]], axis=1)
    made = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
    made[1::2, :2] = made[1::2, 1::-1]
    return np.asarray(
        made[(made[:, 0] != made[:, 1]) & (made[:, 1] != made[:, 2]) & (made[:, 2] != made[:, 0])]
    )
