"""Cutting the object out of a picture: alpha, a configured network, a colour key on an even
background, GrabCut; else a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.geometry.colour import spread
from pipeline.stages.views import _alpha
from pipeline.stages.views._cutters import INSET, by_network, grabcut, network_in
from pipeline.stages.views._key import Keyed, colour_key

Array = NDArray[Any]
LEAST, MOST = 0.01, 0.9  # share of the picture that an object found in colours may fill
TOUCH = 0.02  # share of a border that an object may cover without being cut off there
FAINT = 0.2  # share of the outline that may hardly stand out without a word
REMEDY = (
    "Give a picture of one whole object on a plain background, or one that is cut out already (PNG"
    " with transparency)."
)
SIDES = ("top", "bottom", "left", "right")


class Cut(NamedTuple):
    rgba: Array  # (H,W,4) uint8
    method: str
    notes: tuple[str, ...] = ()  # what the person should know


def cut(rgba: Array, name: str, models: Path | None) -> Cut:
    """The object in an RGBA picture (H,W,4); InputRejected where no method finds one (libraries:
    OpenCV, scipy, onnxruntime)."""
    said = _alpha.cut_out(rgba)
    notes = [f"{name}: {said.note}."] if said.note else []
    if said.alpha is not None:
        if not (said.alpha > 127).any():
            raise InputRejected(f"{name}: everything in it is transparent.", remedy=REMEDY)
        own = np.dstack([_alpha.straight(rgba)[..., :3], said.alpha])
        notes += [*_small(said.alpha, name), *_ends(said.alpha, name)]
        return Cut(own, "alpha", tuple(notes))
    # corners that are clear take the background's colour
    rgb = spread(rgba[..., :3], rgba[..., 3] >= _alpha.CLEAR)
    network = network_in(models)
    if network is not None:
        alpha, method = by_network(rgb, network), "onnx"
    else:
        keyed = colour_key(rgb)
        alpha, method = (
            (keyed.alpha, "colour key")
            if keyed and _fault(keyed.alpha) is None
            else (grabcut(rgb), "GrabCut")
        )
        if keyed and method == "colour key":
            notes += _doubts(keyed, name)
    if fault := _fault(alpha):
        raise InputRejected(f"{name}: {fault}.", remedy=REMEDY)
    # GrabCut is told that nothing lies along the border
    cut_at = _touched(alpha, 1.5 * INSET if method == "GrabCut" else 0)
    if cut_at:
        notes.append(
            f"{name}: the object is cut off at the {' and the '.join(cut_at)} of the picture; the"
            " model ends there."
        )
    return Cut(np.dstack([rgb, alpha]), method, tuple(notes))


def _ends(alpha: Array, name: str) -> list[str]:
    """A word where a cut-out object ends at the border; one that does so at all four was trimmed to
    its size."""
    at = _touched(alpha)
    edges = (alpha[:3], alpha[-3:], alpha[:, :3], alpha[:, -3:])
    if not at or all((edge > 127).any() for edge in edges):
        return []
    return [
        f"{name}: the object reaches the {' and the '.join(at)} of the picture; if it is cut off"
        " there, the model ends there."
    ]


def _touched(alpha: Array, inset: float = 0) -> list[str]:
    """The borders, or lines INSET (a share of the smaller edge) within them, at which the object
    goes on."""
    inside = alpha > 127
    if margin := round(inset * min(inside.shape)):
        inside = inside[margin:-margin, margin:-margin]
    return [
        side
        for side, row in zip(
            SIDES, (inside[0], inside[-1], inside[:, 0], inside[:, -1]), strict=True
        )
        if row.mean() > TOUCH
    ]


def _fault(alpha: Array) -> str | None:
    share = (alpha > 127).mean()
    if share < 1e-4:
        return "no object stands out from the background"
    if share < LEAST:
        return f"what stands out from the background fills only {100 * share:.2g} % of the picture"
    if share > MOST:
        return "the object fills the whole picture, or nothing stands out from the background"
    return "the object leaves the picture on three sides" if len(_touched(alpha)) >= 3 else None


def _small(alpha: Array, name: str) -> list[str]:
    share = (alpha > 127).mean()
    return (
        [
            f"{name}: the object fills only {100 * share:.2g} % of the picture; a closer one shows"
            " more."
        ]
        if share < LEAST
        else []
    )


def _doubts(keyed: Keyed, name: str) -> list[str]:
    """What is not sure about an object that was found by its colours (library: scipy)."""
    from scipy.ndimage import binary_erosion

    inside = keyed.alpha > 127
    rim = inside & ~binary_erosion(inside, iterations=3)
    faint = float((keyed.contrast[rim] < 2 * keyed.key).mean())
    notes = (
        [f"{name}: a shadow on the ground was taken away; check the outline."]
        if keyed.shadow
        else []
    )
    if _may_be_shadow(keyed, inside):
        notes.append(
            f"{name}: the lower part of the object may be its shadow; if it is, cut it out or use"
            " softer light."
        )
    if faint > FAINT or (not keyed.shadow and keyed.faint > 0.05 * inside.mean()):
        notes.append(
            f"{name}: a part of the outline hardly stands out from the background; parts of the"
            " object may be missing."
        )
    return notes


def _may_be_shadow(keyed: Keyed, inside: Array) -> bool:
    """Whether a good part of the object, and not most of it, is like the ground but darker, and
    lies low."""
    from scipy.ndimage import binary_opening

    dim = binary_opening(keyed.dim & inside, iterations=4)
    rows = np.flatnonzero(inside.any(axis=1))
    return bool(0.05 < dim.sum() / inside.sum() < 0.6 and np.nonzero(dim)[0].mean() > rows.mean())
