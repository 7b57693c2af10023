"""glTF 2.0: the scene that is shown, with node transforms, all kinds of triangles, morph targets'
default weights and base colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats import gltf
from pipeline.formats.account import Account
from pipeline.geometry.readers.accessors import MESHOPT, Accessors
from pipeline.geometry.readers.companions import Companions
from pipeline.geometry.readers.gltfattributes import DRACO
from pipeline.geometry.readers.gltfscene import VISIBILITY, Scene
from pipeline.geometry.readers.gltftechniques import TECHNIQUES
from pipeline.geometry.readers.parts import Contents

Array = NDArray[Any]
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
        "MSFT_texture_dds",
        TECHNIQUES,
        VISIBILITY,
    }
)
VARIANTS = "KHR_materials_variants"  # other materials than those that are shown
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


def read(name: str, path: Path, beside: Companions) -> Contents:
    document, blob = gltf.read(name, path)
    account = Account(name)
    if (version := str(document.get("asset", {}).get("version", "2.0"))) not in ("2", "2.0"):
        account.remark(f"it is glTF {version[:20]} and was read as 2.0")
    _extensions(name, document, account)
    accessors = Accessors(name, document, blob, beside)
    scene = Scene(name, document, accessors, account)
    parts = [part for placed in scene.placed() for part in scene.mesh(placed)]
    if document.get("animations"):
        account.declare("part", "its animation")
    return Contents(parts, account, holds=_holds(document))


def _holds(document: dict[str, Any]) -> tuple[str, ...]:
    """What there is besides meshes."""
    lights = document.get("extensions", {}).get("KHR_lights_punctual", {}).get("lights", ())
    empty = [node for node in document.get("nodes", ()) if not {"mesh", "camera"} & node.keys()]
    counts = {
        "camera": len(document.get("cameras", ())),
        "light": len(lights),
        "empty node": len(empty),
    }
    return tuple(f"{many} {what}{'s' * (many > 1)}" for what, many in counts.items() if many)


def _extensions(name: str, document: dict[str, Any], account: Account) -> None:
    """Refuse what is required and would change the shape; name what is used and not applied."""
    required = set(document.get("extensionsRequired", ()))
    for one in sorted(required - APPLIED):
        if not one.startswith(SILENT):
            raise InputRejected(
                f"{name} requires the extension {one}, which is not read here",
                remedy=f"Export it without {one}.",
            )
    for one in sorted(set(document.get("extensionsUsed", ())) - APPLIED):
        if one.startswith(("KHR_materials_", "EXT_materials_")) and one != VARIANTS:
            account.declare("maps")
        elif one == VARIANTS or not one.startswith(SILENT):
            account.declare("extension", one)
