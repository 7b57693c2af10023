"""Who cuts an object out: GrabCut, or a network where its weights are there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import BackendUnavailable
from pipeline.stages.views._key import largest
from pipeline.weights.tensorfile import no_data, not_there

Array = NDArray[Any]
WORK = 512  # edge of the picture that GrabCut sees
INSET = 0.03  # share of the smaller edge along the border that GrabCut takes for background


def network_in(models: Path | None) -> Path | None:
    """The saliency network of this host's MODELS, the first by name."""
    return next(iter(sorted((models / "matting").glob("*.onnx"))), None) if models else None


def grabcut(rgb: Array) -> Array:
    import cv2

    scale = min(1.0, WORK / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    inset = max(2, round(INSET * min(height, width)))
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


def by_network(rgb: Array, path: Path) -> Array:
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
