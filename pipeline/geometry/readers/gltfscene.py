"""One scene of a glTF file: which mesh stands where, and its primitives as parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.formats.account import Account
from pipeline.geometry.colour import to_srgb
from pipeline.geometry.readers.accessors import Accessors
from pipeline.geometry.readers.gltfattributes import of_primitive
from pipeline.geometry.readers.gltfmaterials import Looks
from pipeline.geometry.readers.gltfplaces import moved, own, triangles
from pipeline.geometry.readers.gltfskin import morphed, pose, posed
from pipeline.geometry.readers.parts import Part, checked, damaged

Array = NDArray[Any]
VISIBILITY = "KHR_node_visibility"
DEEPEST = 200  # nodes below nodes
MOST_NODES = 1_000_000  # that are placed: nodes which several others hold count each time


class _Placed(NamedTuple):
    """A mesh in its place: world (4,4), the weights of its morph targets, and what its joints do
    (J,4,4) where it has a skeleton, which then counts instead of world."""

    mesh: dict[str, Any]
    world: Array
    weights: list[float] | None = None
    joints: Array | None = None


class Scene:
    def __init__(
        self, name: str, document: dict[str, Any], accessors: Accessors, account: Account
    ) -> None:
        self.name, self.document, self.accessors, self.account = name, document, accessors, account
        self.looks = Looks(name, document, accessors, account)
        self._shown: list[tuple[int, Array]] = []

    def placed(self) -> Iterator[_Placed]:
        """The meshes of the scene that is shown."""
        nodes, scenes = self.document.get("nodes", []), self.document.get("scenes", [])
        if not nodes and not scenes:
            yield from (_Placed(mesh, np.eye(4)) for mesh in self.document.get("meshes", []))
        for root in self._roots(nodes, scenes):
            self._below(root, np.eye(4), 0)
        worlds = dict(self._shown)
        for index, here in self._shown:
            node = nodes[index]
            if "mesh" in node:
                joints = None
                if "skin" in node:
                    skin = self.document["skins"][node["skin"]]
                    joints = pose(skin, worlds, self.accessors, self.account)
                mesh = self.document["meshes"][node["mesh"]]
                for instance in self._instances(node):
                    yield _Placed(mesh, here @ instance, node.get("weights"), joints)

    def _roots(self, nodes: list[dict[str, Any]], scenes: list[dict[str, Any]]) -> list[int]:
        if len(scenes) > 1:
            self.account.declare("part", f"{len(scenes) - 1} of its {len(scenes)} scenes")
        below = {child for node in nodes for child in node.get("children", ())}
        tops = [index for index in range(len(nodes)) if index not in below]
        if not scenes:
            return tops
        roots: list[int] = scenes[self.document.get("scene", 0)].get("nodes", [])
        if not roots and len(scenes) == 1 and any("mesh" in node for node in nodes):
            self.account.remark("its scene names no nodes; all of them were read")
            return tops
        hidden = [top for top in tops if top not in set(roots) and "mesh" in nodes[top]]
        if hidden and len(scenes) == 1:
            self.account.remark(f"what its scene does not show was left out ({len(hidden)} nodes)")
        return roots

    def _below(self, index: int, above: Array, depth: int) -> None:
        if depth > DEEPEST or len(self._shown) > MOST_NODES:
            raise damaged(self.name, "its nodes hang below each other without end")
        if not 0 <= index < len(self.document["nodes"]):
            raise damaged(self.name, f"it speaks of the node {index}, which is not in it")
        node = self.document["nodes"][index]
        if not node.get("extensions", {}).get(VISIBILITY, {}).get("visible", True):
            self.account.remark(f"what a node of it hides ({VISIBILITY}) was left out")
            return
        here = above @ own(node)
        self._shown.append((index, here))
        for child in node.get("children", ()):
            self._below(child, here, depth + 1)

    def _instances(self, node: dict[str, Any]) -> list[Array]:
        told = node.get("extensions", {}).get("EXT_mesh_gpu_instancing", {}).get("attributes")
        if not told:
            return [np.eye(4)]
        given = {
            key.lower(): self.accessors.array(number)
            for key, number in told.items()
            if key in ("TRANSLATION", "ROTATION", "SCALE")
        }
        for key in sorted(told.keys() - {"TRANSLATION", "ROTATION", "SCALE"}):
            self.account.declare("attribute", f"the instances' {key}")
        count = max((len(rows) for rows in given.values()), default=0)
        return [own({key: rows[k].tolist() for key, rows in given.items()}) for k in range(count)]

    def mesh(self, placed: _Placed) -> Iterator[Part]:
        for primitive in placed.mesh.get("primitives", ()):
            part = self._primitive(primitive, placed)
            if part is not None:
                yield part if placed.joints is not None else moved(part, placed.world)

    def _primitive(self, primitive: dict[str, Any], placed: _Placed) -> Part | None:
        skinned = placed.joints is not None
        arrays, indices = of_primitive(self.name, primitive, skinned, self.accessors, self.account)
        if "POSITION" not in arrays:
            self.account.declare("part", "a primitive without positions")
            return None
        weights = placed.weights or placed.mesh.get("weights") or []
        targets = primitive.get("targets", [])
        arrays = morphed(arrays, weights, targets, self.accessors, self.account)
        points, normals = arrays["POSITION"].astype(np.float64), arrays.get("NORMAL")
        if placed.joints is not None:
            points, normals = posed(self.name, arrays, placed.joints, self.account)
        faces = self._faces(primitive.get("mode", 4), indices, len(points))
        if faces is None:
            return None
        material, uv = self.looks.of(primitive.get("material"), arrays)
        colors = arrays.get("COLOR_0")
        part = Part(points, faces, normals=normals, uv=uv, material=material)
        return part if colors is None else replace(part, colors=to_srgb(_shares(colors[:, :3])))

    def _faces(self, mode: int, indices: Array | None, count: int) -> Array | None:
        """Triangles, none of a primitive of points; None for one of lines, which are counted."""
        order = np.arange(count) if indices is None else indices.astype(np.int64)
        order = checked(self.name, order, count)
        if mode in (1, 2, 3):
            lines = len(order) // 2 if mode == 1 else len(order) - (mode == 3)
            self.account.declare("lines", "", max(lines, 0))
            return None
        if mode == 0:
            return np.zeros((0, 3), np.int64)
        if mode == 4 and len(order) % 3:
            self.account.remark("its corners are not whole triangles; the last ones were left out")
        faces = triangles(self.name, order, mode)
        self.account.declare("faces", "", len(faces))
        self.account.arrive("faces", "", len(faces))
        return faces


def _shares(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values / np.iinfo(values.dtype).max
