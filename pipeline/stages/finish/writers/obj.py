"""OBJ with its MTL and PNG: the drop's own unit and frame; text, so coordinates keep nine
digits."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from pipeline.stages.finish._model import MATERIAL, Model


def write(model: Model, path: Path) -> None:
    """Write MODEL to PATH, and beside it the material and the texture where there is one."""
    surface = model.surface
    textured = surface.uv is not None and model.image is not None
    if textured and model.image is not None:
        shutil.copyfile(model.image, path.with_suffix(".png"))
    material = [
        f"newmtl {MATERIAL}",
        "Ka 0 0 0",
        "Kd 1 1 1" if textured else "Kd 0.7 0.7 0.7",
        "Ks 0 0 0",
        "illum 1",
    ]
    material += [f"map_Kd {path.with_suffix('.png').name}"] if textured else []
    path.with_suffix(".mtl").write_text("\n".join([*material, ""]), "ascii")
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write(f"mtllib {path.with_suffix('.mtl').name}\no model\nusemtl {MATERIAL}\n")
        out.write(_vertex_lines(model))
        if textured and surface.uv is not None:
            out.write("".join(map("vt {:.7f} {:.7f}\n".format, *surface.uv.T.tolist())))
        corners = (surface.faces + 1).ravel().tolist()
        if textured:
            corners = [corner for corner in corners for _ in (0, 1)]
        line = "f {}/{} {}/{} {}/{}\n" if textured else "f {} {} {}\n"
        out.write((line * len(surface.faces)).format(*corners))


def _vertex_lines(model: Model) -> str:
    surface = model.surface
    if surface.colors is None or surface.uv is not None:
        return "".join(map("v {:.9g} {:.9g} {:.9g}\n".format, *surface.vertices.T.tolist()))
    columns = np.concatenate([surface.vertices, surface.colors / 255.0], axis=1)
    return "".join(map("v {:.9g} {:.9g} {:.9g} {:.4f} {:.4f} {:.4f}\n".format, *columns.T.tolist()))
