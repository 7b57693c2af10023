"""Reads written files back with an independent reader and compares: faces, bounds, uv, image
size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.errors import ReadBackFailed
from pipeline.stages.finish._model import Model
from pipeline.stages.finish.writers import writer


class Seen(NamedTuple):
    """What a reader found in a file: faces, bounds (2,3), whether there are uv, texture edge or
    None."""

    faces: int
    bounds: Any
    uv: bool
    image: tuple[int, int] | None


def compare(path: Path, model: Model) -> None:
    """Raise ReadBackFailed unless PATH reads back as MODEL; sizes agree to one part in 10⁵ of the
    model's size."""
    seen = read(path)
    surface = model.surface
    if seen.faces != len(surface.faces):
        raise ReadBackFailed(
            f"{path.name}: {len(surface.faces)} faces were written, {seen.faces} read back"
        )
    wanted = np.stack([surface.vertices.min(axis=0), surface.vertices.max(axis=0)])
    # float32 coordinates cannot hold more digits than this far from the origin
    allowed = 1e-5 * surface.size + 4e-7 * float(np.abs(wanted).max())
    if not np.allclose(seen.bounds, wanted, rtol=0, atol=allowed):
        raise ReadBackFailed(
            f"{path.name}: bounds {wanted.tolist()} were written,"
            f" {np.asarray(seen.bounds).tolist()} read back"
        )
    if path.suffix in (".stl", ".3mf", ".ply") or model.image is None:
        return
    if not seen.uv:
        raise ReadBackFailed(f"{path.name}: the texture coordinates did not read back")
    from PIL import Image

    with Image.open(model.image) as image:
        if seen.image != image.size:
            raise ReadBackFailed(
                f"{path.name}: the texture is {image.size}, {seen.image} read back"
            )


def read(path: Path) -> Seen:
    """What an independent reader sees in PATH: Blender's importer for FBX, usd-core for USDZ,
    trimesh for the rest."""
    if path.suffix in (".fbx", ".usdz"):
        seen = writer(path.suffix[1:]).read(path)
        return Seen(
            seen["faces"],
            np.asarray(seen["bounds"]),
            seen["uv"],
            None if seen["image"] is None else tuple(seen["image"]),
        )
    return _by_trimesh(path)


def _by_trimesh(path: Path) -> Seen:
    import trimesh

    resolver = {
        item.name: item.read_bytes()
        for item in path.parent.glob(f"{path.stem}.*")
        if item.suffix in (".mtl", ".png")
    }
    scene = trimesh.load_scene(
        io.BytesIO(path.read_bytes()),
        file_type=path.suffix[1:],
        resolver=resolver if path.suffix == ".obj" else None,
        process=False,
    )
    pieces = list(scene.geometry.values())
    visual = pieces[0].visual if pieces else None
    material = getattr(visual, "material", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    return Seen(
        faces=sum(len(piece.faces) for piece in pieces),
        bounds=scene.bounds,
        uv=getattr(visual, "uv", None) is not None,
        image=None if image is None else image.size,
    )
