"""Parses a mesh file that was checked before: all parts of its scene become one surface (library: trimesh)."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputRejected
from pipeline.geometry.surface import Surface
from pipeline.workspace import Workspace

AGAIN = "Export it again and drop it anew."


class _Beside(dict[str, bytes]):
    """Gives trimesh the files next to the mesh by bare name, and nothing else on this disk."""

    def __init__(self, folder: Path) -> None:
        super().__init__({item.name: b"" for item in folder.iterdir() if item.is_file()})
        self.folder = folder

    def __getitem__(self, name: str) -> bytes:
        bare = Path(name.replace("\\", "/")).name
        if bare not in self.keys():
            raise KeyError(bare)
        return (self.folder / bare).read_bytes()

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if Path(name).name in self.keys() else default


def parse(path: Path, ws: Workspace) -> tuple[Surface, Any, str | None]:
    """Surface, texture image or None, and the unit the file declares."""
    import trimesh

    suffix = path.suffix.lower()
    try:
        scene = trimesh.load_scene(io.BytesIO(path.read_bytes()), file_type=suffix[1:], resolver=_Beside(path.parent), process=False)
        declared = scene.units
    except InputRejected:
        raise
    except IndexError:
        raise InputRejected(f"{path.name} is damaged: it speaks of a vertex that is not in it", remedy=AGAIN) from None
    except Exception as error:  # trimesh raises whatever the broken file led it to
        said = f"{path.name} is no sound {suffix[1:].upper()} file ({type(error).__name__}: {error})"[:300]
        raise InputRejected(said, remedy=AGAIN) from None
    return (*_joined(scene, suffix in (".glb", ".gltf"), ws), declared or _unit_in_3mf(path))


def _unit_in_3mf(path: Path) -> str | None:
    """The unit of a 3MF (trimesh reads the numbers only); the format's default is the millimetre."""
    if path.suffix.lower() != ".3mf":
        return None
    with zipfile.ZipFile(path) as archive:
        model = next(name for name in archive.namelist() if name.lower().endswith(".model"))
        with archive.open(model) as stream:
            said = re.search(rb"<model[^>]*\bunit\s*=\s*[\"'](\w+)", stream.read(65536))
    return said.group(1).decode() if said else "millimeter"


def _joined(scene: Any, linear: bool, ws: Workspace) -> tuple[Surface, Any]:
    """All parts of a scene as one surface; LINEAR says that vertex colours are linear light, as glTF wants."""
    import trimesh

    pieces = []
    for node in scene.graph.nodes_geometry:
        matrix, name = scene.graph[node]
        if isinstance(scene.geometry[name], trimesh.Trimesh):
            pieces.append((scene.geometry[name], matrix))
    images = [_image(piece) for piece, _ in pieces]
    if len(pieces) > 1 and any(images):
        # trimesh packs the materials of all parts into one image
        pieces = [(trimesh.util.concatenate([part for part in scene.dump() if isinstance(part, trimesh.Trimesh)]), np.eye(4))]
        images = [_image(pieces[0][0])]
    if len(pieces) == 1 and images[0] is not None and getattr(pieces[0][0].visual, "uv", None) is not None:
        material = pieces[0][0].visual.material
        if any(getattr(material, name, None) is not None for name in ("normalTexture", "metallicRoughnessTexture")):
            ws.warn("Of the materials only the base colour was kept.")
        return _surface(*pieces[0], linear, textured=True), images[0]
    return _concatenated([_surface(piece, matrix, linear, textured=False) for piece, matrix in pieces]), None


def _surface(piece: Any, matrix: Any, linear: bool, textured: bool) -> Surface:
    bare = Surface(
        np.array(piece.vertices, np.float64),
        np.array(piece.faces, np.int32),
        colors=None if textured else _colors(piece, linear),
        normals=_normals(piece),
        uv=np.array(piece.visual.uv, np.float32) if textured else None,
    )
    return bare if np.array_equal(matrix, np.eye(4)) else bare.transformed(matrix)


def _concatenated(parts: list[Surface]) -> Surface:
    if not parts:
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32))
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    grey = np.array([180, 180, 180], np.uint8)
    colors = [np.tile(grey, (len(part.vertices), 1)) if part.colors is None else part.colors for part in parts]
    normals = [part.normals for part in parts if part.normals is not None]
    return Surface(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces.astype(np.int64) + start for part, start in zip(parts, starts, strict=False)]).astype(np.int32),
        colors=np.concatenate(colors) if any(part.colors is not None for part in parts) else None,
        normals=np.concatenate(normals) if len(normals) == len(parts) else None,
    )


def _image(piece: Any) -> Any:
    material = getattr(piece.visual, "material", None)
    return getattr(material, "baseColorTexture", None) or getattr(material, "image", None)


def _normals(piece: Any) -> Any:
    """Vertex normals that stood in the file; None where there are none."""
    stored = piece._cache.cache.get("vertex_normals")
    return None if stored is None or len(stored) != len(piece.vertices) else np.array(stored, np.float32)


def _colors(piece: Any, linear: bool) -> Any:
    """Vertex colours (V,3) uint8 sRGB, or None where the file gives none."""
    from pipeline.geometry.colour import to_srgb

    stored = getattr(piece.visual, "vertex_attributes", {}).get("color")
    if stored is not None:
        full = np.iinfo(stored.dtype).max if np.issubdtype(stored.dtype, np.integer) else 1.0
        rgb = stored[:, :3] / full * 255.0
    elif piece.visual.kind in ("vertex", "face"):
        rgb = np.array(piece.visual.vertex_colors)[:, :3]
    elif piece.visual.kind == "texture":
        main = getattr(piece.visual.material, "main_color", None)
        if main is None or tuple(main[:3]) in ((255, 255, 255), (102, 102, 102)):  # trimesh's stand-ins for "none given"
            return None
        rgb = np.tile(np.asarray(main[:3], np.uint8), (len(piece.vertices), 1))
    else:
        return None
    return to_srgb(rgb / 255.0) if linear else np.round(rgb).astype(np.uint8)
