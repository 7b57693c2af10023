"""Masks beside photographs: what is black in them does not count. They are drawn as the photograph
is shown, white for what counts, in any size."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import InputRejected
from pipeline.formats.refusals import Source
from pipeline.geometry.readers import picture
from pipeline.workspace import Workspace

MIDDLE = 128  # grey from which a pixel counts
GREY = 0.2  # share of pixels that are neither black nor white from which on it is no mask
SHAPE = 0.02  # by which the proportions of a mask may differ from its photograph's
RIM = 0.75  # share of the pixels along the edges that count where a mask may be inverted
# from the shown picture back to the photograph's copy, by its orientation (Pillow's Transpose)
_BACK = {3: 3, 6: 2, 8: 4}


def copied(
    mask: Source, photo: str, size: tuple[int, int], orientation: int, target: Path, ws: Workspace
) -> bool:
    """Write MASK of PHOTO (its copy has this ORIENTATION) to TARGET as black and white of SIZE, as
    the copy is; False, and said, where it is none. InputRejected where it leaves nothing."""
    from PIL import Image

    try:
        image = picture.read(mask.path, mask.name, lambda _: None, longest=None)
    except InputRejected as error:
        ws.warn(f"the mask of {photo} is not used: {error.message}")
        return False
    grey = np.asarray(image.getchannel("A") if _cut_out(image) else image.convert("L"))
    if ((grey > 32) & (grey < 224)).mean() > GREY:
        ws.warn(f"{mask.name} is no black and white picture: {photo} is used without a mask")
        return False
    shown = Image.fromarray(np.where(grey >= MIDDLE, 255, 0).astype(np.uint8))
    stored = shown.transpose(Image.Transpose(_BACK[orientation])) if orientation in _BACK else shown
    fitting = next((one for one in (stored, shown) if _like(one.size, size)), None)
    if fitting is None:
        ws.warn(
            f"{mask.name} has not the proportions of {photo} ({shown.width} × {shown.height}"
            " pixels): it is used without a mask"
        )
        return False
    if grey.max() < MIDDLE:
        raise InputRejected(
            f"its mask {mask.name} is black all over: nothing of it counts",
            remedy="Draw white in the mask what counts, or take the mask out.",
        )
    fitting.resize(size, Image.Resampling.NEAREST).save(target, compress_level=1)
    return True


def say_if_inverted(masks: Iterable[str], ws: Workspace) -> None:
    """A warning where most MASKS (files of the workspace) keep their edges all around and leave
    out what is inside: that is how a thing is cut out the wrong way round."""
    from PIL import Image

    around = []
    for mask in masks:
        with Image.open(ws.path(mask)) as opened:
            counts = np.asarray(opened) >= MIDDLE
        rim = np.concatenate([counts[0], counts[-1], counts[:, 0], counts[:, -1]])
        around.append(rim.mean() > RIM and not counts.all())
    if around and np.mean(around) > 0.5:
        ws.warn(
            f"{sum(around)} of {len(around)} masks are white all around and black inside, where the"
            " thing may be: white is what counts; invert them if it was meant the other way"
        )


def beside(copy: str) -> str:
    """Where pycolmap looks for the mask of a working COPY."""
    return copy.replace("copies", "masks") + ".png"


def whole(unmasked: Iterable[tuple[str, tuple[int, int]]], ws: Workspace) -> None:
    """A mask that leaves nothing out for each UNMASKED working copy, by its size: beside others
    that have one, pycolmap finds no features where there is none."""
    from PIL import Image

    for copy, size in unmasked:
        Image.new("L", size, 255).save(ws.path(beside(copy)), compress_level=1)


def _cut_out(image: Any) -> bool:
    """Whether the picture tells by its transparency what counts."""
    return int(image.getchannel("A").getextrema()[0]) < MIDDLE


def _like(a: tuple[int, int], b: tuple[int, int]) -> bool:
    return abs(a[0] * b[1] / (a[1] * b[0]) - 1) < SHAPE
