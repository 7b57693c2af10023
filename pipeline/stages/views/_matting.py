"""Cutting the object out of a picture: alpha, a configured network, a colour key on an even
background, GrabCut; else a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendUnavailable, InputRejected
from pipeline.geometry.colour import spread
from pipeline.stages.views import _alpha
from pipeline.stages.views._key import Keyed, colour_key, largest
from pipeline.weights.tensorfile import no_data, not_there

Array = NDArray[Any]
WORK = 512  # edge of the picture that GrabCut sees
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
        return Cut(own, "alpha", (*notes, *_small(said.alpha, name)))
    # corners that are clear take the background's colour
    rgb = spread(rgba[..., :3], rgba[..., 3] >= _alpha.CLEAR)
    network = network_in(models)
    if network is not None:
        alpha, method = _onnx(rgb, network), "onnx"
    else:
        keyed = colour_key(rgb)
        alpha, method = (
            (keyed.alpha, "colour key")
            if keyed and _fault(keyed.alpha) is None
            else (_grabcut(rgb), "GrabCut")
        )
        if keyed and method == "colour key":
            notes += _doubts(keyed, name)
    if fault := _fault(alpha):
        raise InputRejected(f"{name}: {fault}.", remedy=REMEDY)
    cut_at = _touched(alpha)
    if cut_at:
        notes.append(
            f"{name}: the object is cut off at the {' and the '.join(cut_at)} of the picture; the"
            " model ends there."
        )
    return Cut(np.dstack([rgb, alpha]), method, tuple(notes))


def _touched(alpha: Array) -> list[str]:
    """The borders at which the object goes on."""
    inside = alpha > 127
    return [
        side
        for side, row in zip(
            SIDES, (inside[0], inside[-1], inside[:, 0], inside[:, -1]), strict=True
        )
        if row.mean() > TOUCH
    ]


def network_in(models: Path | None) -> Path | None:
    """The saliency network of this host's MODELS, the first by name."""
    return next(iter(sorted((models / "matting").glob("*.onnx"))), None) if models else None


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


def _grabcut(rgb: Array) -> Array:
    import cv2

    scale = min(1.0, WORK / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    inset = max(2, round(0.03 * min(height, width)))
    mask, box = (
        np.zeros((height, width), np.uint8),
        (inset, inset, width - 2 * inset, height - 2 * inset),
    )
    cv2.setRNGSeed(0)
    cv2.grabCut(
        small[..., ::-1].copy(),
        mask,
        box,
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        4,
        cv2.GC_INIT_WITH_RECT,
    )
    found = largest(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    full: Array = cv2.resize(found, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return full


def _onnx(rgb: Array, path: Path) -> Array:
    """Alpha from a saliency network of the U²-Net kind: [1,3,S,S] normalised in, [1,1,S,S] out."""
    import cv2
    import onnxruntime

    try:
        if trouble := not_there(path) or no_data(path):
            raise ValueError(trouble)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a dozen classes of its own for a file that is none
        why = (str(error).splitlines() or [""])[0][:200]
        cure = (
            "Put a whole .onnx there with `inbox3d models import FILE.onnx`, or take it away"
            " (docs/models.md)."
        )
        raise BackendUnavailable(
            f"The network that cuts objects out does not load: {path.name} {why}.", remedy=cure
        ) from None
    entry = session.get_inputs()[0]
    edge = entry.shape[2] if isinstance(entry.shape[2], int) else 320
    unit = cv2.resize(rgb, (edge, edge), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    normal = (unit - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    found = session.run(None, {entry.name: normal.transpose(2, 0, 1)[None].astype(np.float32)})[0][
        0, 0
    ]
    found = (found - found.min()) / max(float(np.ptp(found)), 1e-6)
    full: Array = (cv2.resize(found, rgb.shape[1::-1]) * 255 + 0.5).astype(np.uint8)
    return full
