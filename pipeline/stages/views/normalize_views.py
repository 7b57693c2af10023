"""normalize_views: the object is cut out of every view, and all views get one size and one scale."""

from __future__ import annotations

import json
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import View, Views
from pipeline.geometry.colour import spread
from pipeline.stages.views._matting import cut, network_in
from pipeline.weights.tensorfile import sha256
from pipeline.workspace import Workspace

SIZE, FILL = 512, 0.85  # edge of a canonical view; how much of it the largest object fills
STEADY = 0.12  # of the object's height: views whose tops and bottoms agree that well were taken by one steady camera
RIM = 4  # pixels of a picture that an outline may be blurred or out by


class Frame(NamedTuple):
    """The square of a picture that becomes the view: centre and edge in pixels."""

    x: float
    y: float
    edge: float


def run(views: Views, ws: Workspace) -> Views:
    """Returns square RGBA views of 512 pixels, the same scale in all of them, named by azimuth, and writes views/views.json.

    Says per view which matting method was used. Raises InputRejected, naming the picture and the reason, where no object can be
    cut out (libraries: Pillow, OpenCV, scipy, and onnxruntime where models/matting/ holds a network).
    """
    from PIL import Image

    pictures = []
    for k, view in enumerate(views.views):
        ws.progress(0.8 * k / len(views.views), f"cutting out {view.source}")
        with Image.open(ws.path(view.image)) as opened:
            rgba = np.asarray(opened.convert("RGBA"))
        found = cut(rgba, view.source, ws.models)
        for note in found.notes:
            ws.warn(note)
        pictures.append((found.rgba, found.method))
    cuts = []
    for view, (rgba, method), frame in zip(views.views, pictures, frames([rgba[..., 3] > 127 for rgba, _ in pictures]), strict=True):
        name = f"views/{view.azimuth:03.0f}.png"
        picture = np.asarray(_cropped(Image.fromarray(rgba), frame))
        Image.fromarray(picture if method == "alpha" else _without_rim(picture, frame)).save(ws.path(name), compress_level=4)
        cuts.append(view.model_copy(update={"image": name, "matting": method, "fov": _fov(view, frame, rgba.shape[0])}))
    result = views.model_copy(update={"views": tuple(cuts), "cut": True})
    ws.path("views/views.json").write_text(json.dumps(result.model_dump(), indent=1) + "\n")
    return result


def weights(ws: Workspace) -> dict[str, str]:
    """The network that cuts objects out, where there is one."""
    network = network_in(ws.models)
    return {f"matting/{network.name}": sha256(network)} if network else {}


def frames(masks: list[NDArray[Any]]) -> list[Frame]:
    """One square per mask (H,W). Where one steady camera saw the object turn, its own centre and one scale are kept; otherwise
    each object is centred and all get the same height, for all views stand at one elevation."""
    low, high = (np.array(corner) for corner in zip(*map(_corners, masks), strict=True))  # (V,2) each: x, y
    middles = np.array([mask.shape[::-1] for mask in masks]) / 2
    extent = high - low
    ends = np.ptp(np.stack([low[:, 1], high[:, 1]]), axis=1).max()  # how far tops and bottoms wander
    if len(masks) > 1 and len({mask.shape for mask in masks}) == 1 and ends <= STEADY * extent[:, 1].max():
        reach = max((middles - low).max(), (high - middles).max())
        return [Frame(x, y, 2 * reach / FILL) for x, y in middles]
    widest = (extent.max(axis=1) / extent[:, 1]).max()
    edges = extent[:, 1] * widest / FILL
    return [Frame(x, y, edge) for (x, y), edge in zip((low + high) / 2, edges, strict=True)]


def _corners(mask: NDArray[Any]) -> tuple[tuple[int, int], tuple[int, int]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return (columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)


def _cropped(image: Any, frame: Frame) -> Any:
    from PIL import Image

    low, high = (frame.x - frame.edge / 2, frame.y - frame.edge / 2), (frame.x + frame.edge / 2, frame.y + frame.edge / 2)
    edge = math.ceil(frame.edge)
    square = image.transform((edge, edge), Image.Transform.EXTENT, (*low, *high), Image.Resampling.BILINEAR, fillcolor=(0, 0, 0, 0))
    return square.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _without_rim(rgba: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """The cut-out RGBA (S,S,4) whose rim, where the background is mixed in, has the colours of what lies further inside."""
    margin = RIM * max(1.0, SIZE / frame.edge)  # the rim of a small picture grew with it
    alpha = rgba[..., 3:]
    rgb = spread(rgba[..., :3], alpha[..., 0] > 127, margin)
    return np.concatenate([np.where(alpha > 0, rgb, 0).astype(np.uint8), alpha], axis=-1)


def _fov(view: View, frame: Frame, height: int) -> float | None:
    if view.fov is None:
        return None
    return math.degrees(2 * math.atan(math.tan(math.radians(view.fov) / 2) * frame.edge / height))
