"""reconstruct: views become a mesh, by the backend that was asked for or the best that is there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.artefacts import Mesh, View, Views
from pipeline.backends import Effort, Picture, Reconstruction, choose, loaded_by, passed_over
from pipeline.geometry import surface as surfaces
from pipeline.geometry.topology import verdict
from pipeline.geometry.units import percent
from pipeline.kept.options import Reconstruct
from pipeline.weights import fingerprint
from pipeline.workspace import StageWorkspace, Workspace


def run(views: Views, ws: StageWorkspace[Reconstruct]) -> Mesh:
    """Returns a coloured mesh in the canonical frame (Y up, front +Z), one field unit to a metre;
    it has at least one face.

    ``label`` is "draft" or "placeholder" where the backend or the views deserve no better word, and
    the warnings say so. What the better backends lacked stands in ``reconstruction``. Views that
    the backend drew itself are kept in views/drawn/. Raises BackendUnavailable for a named backend
    that lacks something, MeshEmpty, OutOfGpuMemory.
    """
    from PIL import Image

    effort = _effort(ws)
    name, backend = choose(ws.options.backend, len(views.views), ws.models, effort)
    pictures = []
    for view in views.views:
        with Image.open(ws.path(view.image)) as opened:
            rgba = np.asarray(opened.convert("RGBA"))
        pictures.append(
            Picture(f"{view.azimuth:03.0f}", rgba, view.azimuth, view.elevation, view.fov)
        )
    made = backend.reconstruct(pictures, ws.models, effort)
    label = views.label or made.label
    ws.warn("Pictures tell no scale: the model's size is arbitrary.")
    for note in made.notes:
        ws.warn(note)
    _say(name, label, made, ws)
    shape = verdict(made.surface.faces)
    weights = {model: fingerprint(ws.models, model) for model in made.models}
    facts = {"backend": name, "models": weights, "views": list(made.used), **made.facts}
    if ws.options.backend == "auto" and (
        better := passed_over(name, len(views.views), ws.models, effort)
    ):
        facts["better_ones_lack"] = better
    return surfaces.store(
        ws,
        "mesh/reconstructed.npz",
        made.surface,
        {
            "watertight": shape.closed and shape.manifold and shape.oriented,
            "manifold": shape.manifold and shape.oriented,
            "label": label,
            "reconstruction": facts,
            "drawn": _keep(made.drawn, name, ws),
        },
    )


def weights(views: Views, ws: StageWorkspace[Reconstruct]) -> dict[str, str]:
    """What the backend that would be chosen here loads."""
    _, backend = choose(ws.options.backend, len(views.views), ws.models, _effort(ws))
    return {
        name: fingerprint(ws.models, name)
        for name in loaded_by(backend, len(views.views), ws.models)
    }


def _effort(ws: StageWorkspace[Reconstruct]) -> Effort:
    options = ws.options
    return Effort(
        grid=options.grid,
        seed=options.seed,
        steps=options.flow_steps,
        deadline=ws.deadline,
        memory=ws.memory,
        progress=ws.progress,
    )


def _keep(pictures: Sequence[Picture], backend: str, ws: Workspace) -> tuple[View, ...]:
    """Store the views that the backend made itself below views/drawn/."""
    from PIL import Image

    kept = []
    for picture in pictures:
        name = f"views/drawn/{picture.name}.png"
        Image.fromarray(picture.rgba[..., :3]).save(ws.path(name), compress_level=4)
        kept.append(
            View(
                image=name,
                azimuth=picture.azimuth,
                elevation=picture.elevation,
                fov=picture.fov,
                source=backend,
            )
        )
    return tuple(kept)


def _say(name: str, label: str | None, made: Reconstruction, ws: Workspace) -> None:
    if label == "placeholder":
        ws.warn(
            "Placeholder: no model weights made this; it only shows that the line works. See"
            " `inbox3d models list`."
        )
    elif label == "draft":
        seen = made.facts.get("reprojection_iou", {})
        fits = (
            f", which its views confirm to {percent(float(np.mean(list(seen.values()))))}"
            if seen
            else ""
        )
        ws.warn(
            f"Draft by {name} from {len(made.used)} view{'s' * (len(made.used) > 1)}{fits};"
            " cavities cannot be recovered."
        )
