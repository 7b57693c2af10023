"""normalize_views: the object is cut out of every view, and all views get one size and one
scale."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import View, Views
from pipeline.geometry.colour import spread
from pipeline.geometry.units import percent
from pipeline.kept.options import NormalizeViews
from pipeline.stages.views._cutters import network_in
from pipeline.stages.views._framing import AGREE, Frame, Framing, Told, framing
from pipeline.stages.views._matting import cut
from pipeline.weights.tensorfile import sha256
from pipeline.workspace import StageWorkspace, Workspace

SIZE = 512  # edge of a canonical view
RIM = 4  # pixels of a picture that an outline may be blurred or out by


def run(views: Views, ws: StageWorkspace[NormalizeViews]) -> Views:
    """Returns square RGBA views of 512 pixels, framed so that their outlines fit together, named by
    azimuth, and writes views/views.json.

    The camera's lens and height are those that are told, else those that fit the outlines best.
    Says per view which matting method was used. Raises InputRejected, naming the picture and the
    reason, where no object can be cut out (libraries: Pillow, OpenCV, scipy, and onnxruntime where
    models/matting/ holds a network).
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
    ws.progress(0.8, "looking for the camera")
    framed = framing(
        [rgba[..., 3] > 127 for rgba, _ in pictures],
        [_told(v, p, ws.options) for v, (p, _) in zip(views.views, pictures, strict=True)],
        looks_for_height=all(view.seed is None for view in views.views),
    )
    _say(framed, ws)
    cuts = []
    for k, (view, (rgba, method)) in enumerate(zip(views.views, pictures, strict=True)):
        name = f"views/{view.azimuth:03.0f}.png"
        picture = np.asarray(_cropped(Image.fromarray(rgba), framed.frames[k]))
        Image.fromarray(
            picture if method == "alpha" else _without_rim(picture, framed.frames[k])
        ).save(ws.path(name), compress_level=4)
        facts = {
            "image": name,
            "matting": method,
            "fov": framed.fovs[k],
            "elevation": framed.elevations[k],
        }
        cuts.append(view.model_copy(update=facts))
    result = views.model_copy(update={"views": tuple(cuts), "cut": True})
    ws.path("views/views.json").write_text(json.dumps(result.model_dump(), indent=1) + "\n")
    return result


def _told(view: View, rgba: NDArray[Any], options: NormalizeViews) -> Told:
    """What is known of a view's camera, by its name, its generator or the options; those tell the
    lens of the picture's longer edge."""
    height, width = rgba.shape[:2]
    lens = options.fov and math.degrees(
        2 * math.atan(math.tan(math.radians(options.fov) / 2) * height / max(height, width))
    )
    return Told(view.azimuth, view.elevation or options.elevation, view.fov or lens)


def _say(framed: Framing, ws: StageWorkspace[NormalizeViews]) -> None:
    if framed.estimated:
        side = "above" if framed.elevations[0] > 0 else "below"
        ws.warn(
            f"The camera seems to have stood {abs(framed.elevations[0]):.0f}° {side} the object's"
            " middle: so the views fit together best. The option elevation says it surely."
        )
    if framed.fit is not None and framed.fit < AGREE:
        ws.warn(
            f"The views' outlines fit together to {percent(framed.fit)} only: check that they show"
            " one object from the sides that their names say, and that the camera kept its"
            " distance and height. The option elevation tells its height."
        )


def weights(ws: Workspace) -> dict[str, str]:
    """The network that cuts objects out, where there is one."""
    network = network_in(ws.models)
    return {f"matting/{network.name}": sha256(network)} if network else {}


def _cropped(image: Any, frame: Frame) -> Any:
    from PIL import Image

    low, high = (
        (frame.x - frame.edge / 2, frame.y - frame.edge / 2),
        (frame.x + frame.edge / 2, frame.y + frame.edge / 2),
    )
    edge = math.ceil(frame.edge)
    square = image.transform(
        (edge, edge),
        Image.Transform.EXTENT,
        (*low, *high),
        Image.Resampling.BILINEAR,
        fillcolor=(0, 0, 0, 0),
    )
    return square.resize((SIZE, SIZE), Image.Resampling.LANCZOS)


def _without_rim(rgba: NDArray[np.uint8], frame: Frame) -> NDArray[np.uint8]:
    """The cut-out RGBA (S,S,4) whose rim, where the background is mixed in, has the colours of what
    lies further inside."""
    margin = RIM * max(1.0, SIZE / frame.edge)  # the rim of a small picture grew with it
    alpha = rgba[..., 3:]
    rgb = spread(rgba[..., :3], alpha[..., 0] > 127, margin)
    return np.concatenate([np.where(alpha > 0, rgb, 0).astype(np.uint8), alpha], axis=-1)
