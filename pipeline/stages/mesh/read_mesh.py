"""read_mesh: the one mesh file of a drop becomes a Mesh."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.artefacts import Dropped, Mesh
from pipeline.errors import InputRejected
from pipeline.geometry import surface as surfaces
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import verdict, weld
from pipeline.geometry.units import frame_for
from pipeline.stages.mesh._sniff import check
from pipeline.stages.mesh._unpack import find_mesh
from pipeline.workspace import Workspace

UNIT_OF = {".stl": "mm", ".glb": "m", ".gltf": "m"}
UP_OF = {".obj": "y", ".glb": "y", ".gltf": "y"}
UNIT_NAMES = {"millimeter": "mm", "millimeters": "mm", "centimeter": "cm", "centimeters": "cm", "meter": "m", "meters": "m",
              "inch": "inch", "inches": "inch", "foot": "ft", "feet": "ft", "mm": "mm", "cm": "cm", "m": "m"}  # fmt: skip


def run(dropped: Dropped, ws: Workspace) -> Mesh:
    """Read OBJ, STL, PLY, GLB, glTF, OFF or 3MF, also as .gz or .zip (library: trimesh).

    Returns the mesh in the file's own coordinates and unit; ``frame`` maps it to Y-up metres. All vertices are finite and there
    is at least one face. Textures become one image. Raises InputRejected, naming file and fact, for anything else.
    """
    path = find_mesh(dropped.names, ws)
    check(path)
    ws.progress(0.1, f"reading {path.name}")
    surface, image, declared = _parse(path, ws)
    surface = _usable(path.name, surface, ws)
    unit, up = _unit(path, surface, declared, ws), ws.options.up
    if up == "auto":
        up = UP_OF.get(path.suffix.lower(), "z")
    if image is not None and surface.uv is not None:
        image.convert("RGB").save(ws.path("mesh/read.png"))
    shape = verdict(weld(surface.vertices)[surface.faces])
    return surfaces.store(
        ws,
        "mesh/read.npz",
        surface,
        {
            "watertight": shape.closed and shape.manifold and shape.oriented,
            "manifold": shape.manifold and shape.oriented,
            "unit": unit,
            "frame": frame_for(unit, up),
            "image": "mesh/read.png" if image is not None and surface.uv is not None else None,
        },
    )


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


def _parse(path: Path, ws: Workspace) -> tuple[Surface, Any, str | None]:
    """Surface, texture image or None, and the unit the file declares."""
    import trimesh

    suffix = path.suffix.lower()
    try:
        scene = trimesh.load_scene(io.BytesIO(path.read_bytes()), file_type=suffix[1:], resolver=_Beside(path.parent), process=False)
        declared = scene.units
        scene = trimesh.Scene([part for part in scene.dump(concatenate=False) if isinstance(part, trimesh.Trimesh)])
    except InputRejected:
        raise
    except Exception as error:  # trimesh raises whatever the broken file led it to
        raise InputRejected(f"{path.name} cannot be read as {suffix[1:].upper()}: {type(error).__name__}: {error}"[:300]) from None
    return _joined(scene, suffix in (".glb", ".gltf"), ws) + (declared or _unit_in_3mf(path),)


def _unit_in_3mf(path: Path) -> str | None:
    """The unit of a 3MF (trimesh reads the numbers only); the format's default is the millimetre."""
    import re
    import zipfile

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

    pieces = list(scene.geometry.values())
    if not pieces:
        return Surface(np.zeros((0, 3)), np.zeros((0, 3), np.int32)), None
    images = [_image(piece) for piece in pieces]
    if len(pieces) > 1 and any(images):
        # trimesh packs the materials of all parts into one image
        pieces = [trimesh.util.concatenate(pieces)]
        images = [_image(pieces[0])]
    if len(pieces) == 1 and images[0] is not None and getattr(pieces[0].visual, "uv", None) is not None:
        piece = pieces[0]
        if any(getattr(piece.visual.material, name, None) is not None for name in ("normalTexture", "metallicRoughnessTexture")):
            ws.warn("Of the materials only the base colour was kept.")
        return Surface(np.array(piece.vertices, float), np.array(piece.faces, np.int32), normals=_normals(piece), uv=_uv(piece)), images[0]
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    colors = [_colors(piece, linear) for piece in pieces]
    normals = [_normals(piece) for piece in pieces]
    return Surface(
        np.concatenate([np.array(piece.vertices, float) for piece in pieces]),
        np.concatenate([np.array(piece.faces, np.int64) + start for piece, start in zip(pieces, starts, strict=False)]).astype(np.int32),
        colors=None if all(c is None for c in colors) else _filled(colors, [len(piece.vertices) for piece in pieces]),
        normals=np.concatenate(normals) if all(n is not None for n in normals) else None,  # type: ignore[arg-type]
    ), None


def _image(piece: Any) -> Any:
    material = getattr(piece.visual, "material", None)
    return getattr(material, "baseColorTexture", None) or getattr(material, "image", None)


def _uv(piece: Any) -> Any:
    return np.array(piece.visual.uv, np.float32)


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


def _filled(colors: list[Any], counts: list[int]) -> Any:
    grey = np.array([180, 180, 180], np.uint8)
    return np.concatenate([np.tile(grey, (count, 1)) if part is None else part for part, count in zip(colors, counts, strict=True)])


def _usable(name: str, surface: Surface, ws: Workspace) -> Surface:
    """The surface without faces that touch a vertex that is not a number; refuses what has no face left."""
    if not len(surface.faces):
        raise InputRejected(f"{name} holds {len(surface.vertices)} points but no faces", remedy="Drop point clouds as scan passes (kind = scan).")
    if surface.faces.min() < 0 or surface.faces.max() >= len(surface.vertices):
        raise InputRejected(f"{name} is damaged: a face refers to vertex {surface.faces.max()}, only {len(surface.vertices)} are there")
    sound = np.isfinite(surface.vertices).all(axis=1) & (np.abs(surface.vertices) < 1e12).all(axis=1)
    keep = sound[surface.faces].all(axis=1)
    lost = int((~keep).sum())
    if lost:
        ws.warn(f"{name}: {lost} of {len(keep)} faces touch coordinates that are not numbers and were left out.")
        surface = surface.only(surface.faces[keep])
    if not len(surface.faces) or surface.size == 0:
        raise InputRejected(f"{name} has no face with an area")
    return surface


def _unit(path: Path, surface: Surface, declared: str | None, ws: Workspace) -> str:
    """The unit of the file's coordinates: asked for, declared, the format's, or guessed from the size with a warning."""
    asked = str(ws.options.unit)
    known = UNIT_NAMES.get(declared or "") or UNIT_OF.get(path.suffix.lower())
    if asked != "auto":
        return asked
    if known:
        return known
    unit = "m" if surface.size < 10 else "mm"
    ws.warn(f"{path.name} names no unit; {unit} was taken because it is {surface.size:.4g} large. Set unit= if that is wrong.")
    return unit
