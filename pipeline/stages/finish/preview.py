"""preview: pictures of the model, drawn without a GPU or a display."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, Pictures
from pipeline.geometry.units import as_matrix
from pipeline.stages.finish._model import model_of
from pipeline.stages.finish._render import Camera, Studio
from pipeline.workspace import Workspace

EDGE, THUMBNAIL = 512, 128


def run(mesh: Mesh, ws: Workspace) -> Pictures:
    """Write preview.png (512²) and thumbnail.png (128²) below output/; Y up, three-quarter view from the front
    (library: Open3D's RaycastingScene)."""
    studio = studio_of(mesh, ws)
    ws.progress(0.1, "drawing the preview")
    picture = Image.fromarray(studio.picture(Camera(), EDGE))
    picture.save(ws.output("preview.png"))
    picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS).save(ws.output("thumbnail.png"))
    return Pictures(preview="preview.png", extra=("thumbnail.png",))


def studio_of(mesh: Mesh, ws: Workspace) -> Studio:
    model = model_of(mesh, ws).placed(as_matrix(mesh.frame))
    image = None
    if model.image is not None:
        with Image.open(model.image) as opened:
            image = np.asarray(opened.convert("RGB"))
    return Studio(replace(model.surface, normals=None), image)
