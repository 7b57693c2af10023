"""Cutting the object out of a picture: alpha, a configured network, a colour key on an even background, GrabCut; else a refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected

Array = NDArray[Any]
EVEN = 5.0  # Lab units: 95 % of the border lie that close to a smooth background
KEY = 9.0  # Lab units from the background: object
WORK = 512  # edge of the picture that GrabCut sees
REMEDY = "Give a picture of one whole object on a plain background, or one that is cut out already (PNG with transparency)."


class Cut(NamedTuple):
    alpha: Array  # (H,W) uint8
    method: str


def cut(rgba: Array, name: str, models: Path | None) -> Cut:
    """The object in an RGBA picture (H,W,4); InputRejected where no method finds one (libraries: OpenCV, scipy, onnxruntime)."""
    if (rgba[..., 3] < 255).any():
        return Cut(_plausible(rgba[..., 3], name), "alpha")
    network = network_in(models)
    if network is not None:
        return Cut(_plausible(_onnx(rgba[..., :3], network), name), "onnx")
    keyed = _colour_key(rgba[..., :3])
    if keyed is not None and _fault(keyed) is None:
        return Cut(keyed, "colour key")
    return Cut(_plausible(_grabcut(rgba[..., :3]), name), "GrabCut")


def network_in(models: Path | None) -> Path | None:
    """The saliency network of this host's MODELS, the first by name."""
    return next(iter(sorted((models / "matting").glob("*.onnx"))), None) if models else None


def _fault(alpha: Array) -> str | None:
    inside = alpha > 127
    share = inside.mean()
    touching = sum(bool(side.mean() > 0.02) for side in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))
    if share < 0.01:
        return "no object stands out from the background"
    if share > 0.9:
        return "the object fills the whole picture"
    return "the object leaves the picture on three sides" if touching >= 3 else None


def _plausible(alpha: Array, name: str) -> Array:
    if fault := _fault(alpha):
        raise InputRejected(f"{name}: {fault}.", remedy=REMEDY)
    return alpha


def _colour_key(rgb: Array) -> Array | None:
    """Alpha by distance from a background that a quadratic surface in Lab describes; None where the border is not that even."""
    import cv2
    from scipy.ndimage import label

    lab = cv2.cvtColor((rgb / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    height, width = rgb.shape[:2]
    v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    ring = np.ones((height, width), bool)
    edge = max(2, round(0.03 * min(height, width)))
    ring[edge:-edge, edge:-edge] = False
    keep = ring.copy()
    for _ in range(3):  # an object that crosses the border stands out from the first fit and is left out of the next
        fit = np.linalg.lstsq(terms[keep], lab[keep], rcond=None)[0]
        distance = np.linalg.norm(lab - terms @ fit, axis=-1)
        keep = ring & (distance <= np.quantile(distance[ring], 0.9))
    if np.quantile(distance[keep], 0.95) > EVEN:
        return None
    like = cv2.blur(distance, (3, 3)) < KEY
    regions, count = label(like)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    outside = np.unique(regions[ring])
    background = np.isin(regions, outside) | (sizes[regions] > 0.002 * like.size)
    return _largest(~(background & like))


def _grabcut(rgb: Array) -> Array:
    import cv2

    scale = min(1.0, WORK / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    inset = max(2, round(0.03 * min(height, width)))
    mask, box = np.zeros((height, width), np.uint8), (inset, inset, width - 2 * inset, height - 2 * inset)
    cv2.setRNGSeed(0)
    cv2.grabCut(small[..., ::-1].copy(), mask, box, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    found = _largest(np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)))
    full: Array = cv2.resize(found, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return full


def _onnx(rgb: Array, path: Path) -> Array:
    """Alpha from a saliency network of the U²-Net kind: [1,3,S,S] normalised in, [1,1,S,S] out."""
    import cv2
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    edge = entry.shape[2] if isinstance(entry.shape[2], int) else 320
    unit = cv2.resize(rgb, (edge, edge), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    normal = (unit - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    found = session.run(None, {entry.name: normal.transpose(2, 0, 1)[None].astype(np.float32)})[0][0, 0]
    found = (found - found.min()) / max(float(np.ptp(found)), 1e-6)
    full: Array = (cv2.resize(found, rgb.shape[1::-1]) * 255 + 0.5).astype(np.uint8)
    return full


def _largest(mask: Array) -> Array:
    """Alpha of the largest part and of parts at least a twentieth as large."""
    from scipy.ndimage import label

    regions, count = label(mask)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.where((sizes >= 0.05 * sizes.max())[regions] & mask, 255, 0).astype(np.uint8)
