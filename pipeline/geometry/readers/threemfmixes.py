"""Groups of 3MF that mix others: layers one over the other, and materials by their shares."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def mixed(colors: dict[str, Array], textures: dict[str, tuple[str, Array]], node: Any) -> None:
    """Add the group NODE, multiproperties or compositematerials, to COLORS (N,3) or TEXTURES. Of
    layers the uppermost counts, which hides those below as long as it is opaque; a picture counts
    before what is multiplied with it."""
    key = node.get("id", "")
    if node.get("matid") is not None:
        _shares(colors, node)
        return
    layers = (node.get("pids") or "").split()
    known = [at for at, one in enumerate(layers) if one in colors or one in textures]
    methods = [*(node.get("blendmethods") or "").split(), *(["mix"] * len(layers))]
    hidden = max((at for at in known if at and methods[at - 1] == "mix"), default=0)
    seen = [at for at in known if at >= hidden]
    if not seen:
        return
    layer = max(seen, key=lambda at: (layers[at] in textures, at))
    index = [(child.get("pindices") or "").split() for child in node]
    rows = [int(one[layer]) if layer < len(one) else 0 for one in index]
    if layers[layer] in textures:
        picture, uv = textures[layers[layer]]
        if len(uv):
            textures[key] = (picture, uv[np.clip(rows, 0, len(uv) - 1)])
    elif len(held := colors[layers[layer]]):
        colors[key] = held[np.clip(rows, 0, len(held) - 1)]


def _shares(colors: dict[str, Array], node: Any) -> None:
    """Composites of base materials: their colours by their shares."""
    base = colors.get(node.get("matid", ""))
    if base is None or not len(base):
        return
    which = np.array((node.get("matindices") or "0").split(), np.int64).clip(0, len(base) - 1)
    made = []
    for child in node:
        share = np.zeros(len(which))
        said = np.array((child.get("values") or "").split()[: len(which)], np.float64)
        share[: len(said)] = said
        share = share / share.sum() if share.sum() > 0 else np.eye(len(which))[0]
        made.append(np.round(share @ base[which]))
    colors[node.get("id", "")] = np.array(made, np.uint8).reshape(-1, 3)
