"""preview: pictures of the model, drawn without a GPU or a display."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from PIL import Image

from pipeline.artefacts import Mesh, Pictures
from pipeline.geometry.units import as_matrix
from pipeline.stages.finish._camera import Camera
from pipeline.stages.finish._model import model_of
from pipeline.stages.finish._render import Studio
from pipeline.stages.finish._turntable import Turntable
from pipeline.workspace import Workspace

EDGE, THUMBNAIL = 512, 128
FRAMES, FRAME_EDGE, FRAME_MS = 36, 256, 90


def run(mesh: Mesh, ws: Workspace) -> Pictures:
    """Write preview.png (512²), thumbnail.png (128²) and turntable.webp (36 frames) below output/;
    Y up, three-quarter view from the front (libraries: Open3D's RaycastingScene,
    OpenCV's rasteriser)."""
    studio = studio_of(mesh, ws)
    ws.progress(0.0, "drawing the preview")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        drawn = pool.submit(studio.picture, Camera(), EDGE)
        _turntable(studio, mesh.watertight, pool, ws)
        picture = Image.fromarray(drawn.result())
    picture.save(ws.output("preview.png"))
    picture.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS).save(
        ws.output("thumbnail.png")
    )
    return Pictures(preview="preview.png", extra=("turntable.webp", "thumbnail.png"))


def studio_of(mesh: Mesh, ws: Workspace) -> Studio:
    """The mesh with its colours in the studio, in Y-up metres."""
    model = model_of(mesh, ws).placed(as_matrix(mesh.frame))
    image = None
    if model.image is not None:
        with Image.open(model.image) as opened:
            image = np.asarray(opened.convert("RGB"))
    return Studio(replace(model.surface, normals=None), image)


def _turntable(studio: Studio, closed: bool, pool: ThreadPoolExecutor, ws: Workspace) -> None:
    cameras = [Camera(azimuth=Camera.azimuth + 360.0 * turn / FRAMES) for turn in range(FRAMES)]
    ws.progress(0.3, "drawing the turntable")
    table = Turntable(studio, cameras, FRAME_EDGE, closed)
    frames = [Image.fromarray(drawn) for drawn in pool.map(table.picture, cameras)]
    frames[0].save(
        ws.output("turntable.webp"),
        save_all=True,
        append_images=frames[1:],
        duration=FRAME_MS,
        loop=0,
        quality=84,
        method=2,
    )
