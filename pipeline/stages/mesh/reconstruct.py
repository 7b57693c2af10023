"""reconstruct: views become a mesh, by the backend that was asked for or the best that is there."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Mesh, Views
from pipeline.backends import Effort, Picture, Reconstruction, choose
from pipeline.geometry import surface as surfaces
from pipeline.geometry.topology import verdict
from pipeline.workspace import Workspace


def run(views: Views, ws: Workspace) -> Mesh:
    """Returns a coloured mesh in the canonical frame (Y up, front +Z), one field unit to a metre; it has at least one face.

    ``label`` is "draft" or "placeholder" where the backend or the views deserve no better word, and the warnings say so.
    Raises BackendUnavailable for a named backend that lacks something, MeshEmpty, OutOfGpuMemory.
    """
    from PIL import Image

    options = ws.options
    name, backend = choose(options.backend, len(views.views), ws.models)
    pictures = []
    for view in views.views:
        with Image.open(ws.path(view.image)) as opened:
            rgba = np.asarray(opened.convert("RGBA"))
        pictures.append(Picture(f"{view.azimuth:03.0f}", rgba, view.azimuth, view.elevation, view.fov))
    made = backend.reconstruct(pictures, ws.models, Effort(grid=options.tier.grid, seed=options.seed, progress=ws.progress))
    label = views.label or made.label
    _say(name, label, made, ws)
    shape = verdict(made.surface.faces)
    facts = {"backend": name, "views": list(made.used), **made.facts}
    return surfaces.store(
        ws,
        "mesh/reconstructed.npz",
        made.surface,
        {
            "watertight": shape.closed and shape.manifold and shape.oriented,
            "manifold": shape.manifold and shape.oriented,
            "label": label,
            "reconstruction": facts,
        },
    )


def _say(name: str, label: str | None, made: Reconstruction, ws: Workspace) -> None:
    if label == "placeholder":
        ws.warn("Placeholder: no model weights made this; it only shows that the line works. See `inbox3d models list`.")
    elif label == "draft":
        seen = made.facts.get("reprojection_iou", {})
        fits = f", which its views confirm to {np.mean(list(seen.values())):.0%}" if seen else ""
        ws.warn(f"Draft by {name} from {len(made.used)} view{'s' * (len(made.used) > 1)}{fits}; cavities cannot be recovered.")
