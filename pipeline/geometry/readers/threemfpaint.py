"""The colours of 3MF: groups of colours and of places in pictures, at the corners of triangles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry.readers.parts import (
    Material,
    Part,
    checked,
    joined_corners,
)
from pipeline.geometry.readers.threemfmodel import Document, Object
from pipeline.geometry.readers.threemfpackage import Package

Array = NDArray[Any]


def painted(package: Package, document: Document, entry: Object) -> list[Part]:
    """The mesh of one object by picture; triangles of colour groups have a colour at each
    corner."""
    if not len(entry.faces):
        return []
    corners = checked(package.name, entry.faces, len(entry.vertices))
    groups = [pid if pid is not None else entry.pid for pid, *_ in entry.properties]
    index = np.array(
        [
            (p1, p2, p3) if pid is not None or p1 >= 0 else (entry.pindex,) * 3
            for pid, p1, p2, p3 in entry.properties
        ]
    )
    colors = np.full((len(corners), 3, 3), 180, np.uint8)
    colored = np.zeros(len(corners), bool)
    made: list[Part] = []
    for group in dict.fromkeys(groups):
        mine = np.array([one == group for one in groups])
        if group in document.colors:
            values, at = document.colors[group], index[mine]
            good = (at >= 0) & (at < len(values))
            if not good.all():
                package.account.remark(
                    f"{int((~good).sum())} corners name a colour that is not there"
                )
            colors[mine] = values[np.where(good, at, 0)] if len(values) else 180
            colored |= mine
        elif group in document.textures:
            made += _textured(package, document, entry, corners[mine], index[mine], group)
            mine_plain = ~mine
            corners, index, colors, colored = (
                corners[mine_plain],
                index[mine_plain],
                colors[mine_plain],
                colored[mine_plain],
            )
            groups = [one for one in groups if one != group]
        elif group is not None:
            package.account.declare("material", group)
    if not len(corners):
        return made
    if not colored.any():
        return [*made, Part(entry.vertices, corners)]
    slots, flat = corners.ravel(), colors.reshape(-1, 3)
    first, vertex = joined_corners([slots, flat.astype(np.int64) @ np.array([65536, 256, 1])])
    return [*made, Part(entry.vertices[slots[first]], vertex.reshape(-1, 3), flat[first])]


def _textured(
    package: Package, document: Document, entry: Object, corners: Array, index: Array, group: str
) -> list[Part]:
    texture, uv = document.textures[group]
    file, repeats = document.images.get(texture, ("", (True, True)))
    image = package.picture(file) if file else None
    at = np.clip(index.ravel(), 0, max(len(uv) - 1, 0))
    first, vertex = joined_corners([corners.ravel(), at])
    laid = uv[at[first]] if image is not None and len(uv) else None
    return [
        Part(
            entry.vertices[corners.ravel()[first]],
            vertex.reshape(-1, 3),
            uv=laid,
            material=Material(texture, None, image, repeats),
        )
    ]
