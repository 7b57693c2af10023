"""Materials that are programs of WebGL (KHR_techniques_webgl): the base colour and picture that
their values name."""

from __future__ import annotations

from typing import Any

TECHNIQUES = "KHR_techniques_webgl"
# what COLLADA2GLTF, obj2gltf and Cesium call them: u_diffuse, u_tex, diffuse
NAMES = ("diffuse", "basecolor", "tex")


def base(material: dict[str, Any]) -> dict[str, Any] | None:
    """As a pbrMetallicRoughness would have it; None where MATERIAL is no such program."""
    told = material.get("extensions", {}).get(TECHNIQUES)
    if told is None:
        return None
    found: dict[str, Any] = {}
    for name in reversed(NAMES):
        for key, value in told.get("values", {}).items():
            if name not in key.lower():
                continue
            if isinstance(value, dict) and "index" in value:
                found["baseColorTexture"] = value
            elif isinstance(value, list) and len(value) in (3, 4):
                found["baseColorFactor"] = value
    return found
