"""An object before an even background: what is as the background is not object, and a shadow on it
neither."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
EVEN = 5.0  # Lab units: 95 % of the border lie that close to a smooth background
KEY, LEAST = 9.0, 3.5  # Lab units from the background: object; where the background has no noise
# Lab units from the colour of most of the border beyond which something else is there; the places
# at which it may be, and the largest share of the border
OFF, MOST_ARCS, MOST_CROSSED = 15.0, 4, 0.45
# pixels over which an outline is blurred: there, object is what differs more than half as much as
# what lies beside it
EDGE = 2
SCALE = 512  # edges that gradients are told for
# Lab units of lightness per pixel: below, between and beyond there is no, perhaps an, and surely an
# outline
FLAT, STEEP = 0.7, 2.2
SHARP = 1.8  # times that an outline is steeper from nearby than from three times as far
# a shadow leaves that much of the light, and takes alike from red, green and blue
DARKEST, HUE = 0.2, 0.1


class Keyed(NamedTuple):
    """alpha (H,W) uint8. contrast (H,W): the largest distance from the background nearby, in Lab
    units; key: from which on there is an object. shadow: one was found and left out; dim (H,W):
    what could be ground in a hard one. faint: share of the picture that is nearly as the
    background, and not quite."""

    alpha: Array
    contrast: Array
    key: float
    shadow: bool
    dim: Array
    faint: float


def colour_key(rgb: Array) -> Keyed | None:
    """Alpha by distance from a background that a quadratic surface in Lab describes; None where the
    border is not that even."""
    import cv2
    from scipy.ndimage import binary_dilation, binary_opening, label, maximum_filter

    lab = cv2.cvtColor((rgb / 255).astype(np.float32), cv2.COLOR_RGB2LAB)
    ring, ground, distance, noise = _background(lab)
    if noise > EVEN:
        return None
    key = float(np.clip(3 * noise, LEAST, KEY))
    like = cv2.blur(distance, (3, 3)) < key
    dim, outlined = _shade(rgb, lab, ground)
    shade = dim & ~outlined & ~like
    outside = _joined(like | shade, ring)
    shadow = shade & outside
    regions, count = label(like)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    background = like & (
        np.isin(regions, np.unique(regions[ring])) | (sizes[regions] > 0.002 * like.size) | outside
    )
    near = maximum_filter(distance, 2 * EDGE + 1)
    rim = binary_dilation(background | shadow, iterations=EDGE) & (distance < near / 2)
    faint = binary_opening(like & (distance > max(1.0, 2 * noise)) & ~ring, iterations=4)
    return Keyed(
        largest(~(background | shadow | rim)),
        near,
        key,
        bool(shadow.mean() > 0.002),
        dim & ~like,
        float(faint.mean()),
    )


def _background(lab: Array) -> tuple[Array, Array, Array, float]:
    """(the border (H,W), the background's Lab (H,W,3), distance from it (H,W), its noise)."""
    height, width = lab.shape[:2]
    v, u = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=-1)
    ring = np.ones((height, width), bool)
    edge = max(2, round(0.03 * min(height, width)))
    ring[edge:-edge, edge:-edge] = False
    # an object that crosses the border stands out from the first fit and is left out of the next
    ground, distance, keep = _fitted(terms, lab, ring, ring, lambda found: np.quantile(found, 0.9))
    noise = float(np.quantile(distance[keep], 0.95))
    if noise > EVEN and (even := _without_arcs(lab, ring)) is not None:
        ground, distance, keep = _fitted(terms, lab, ring, even, lambda found: OFF)
        noise = float(np.quantile(distance[keep], 0.95))
    return ring, ground, distance, noise


def _fitted(
    terms: Array, lab: Array, ring: Array, keep: Array, most: Callable[[Array], float]
) -> tuple[Array, Array, Array]:
    """(ground, distance from it, the border's pixels that count), begun with those that KEEP."""
    for _ in range(3):
        fit = np.linalg.lstsq(terms[keep], lab[keep], rcond=None)[0]
        ground = terms @ fit
        distance = np.linalg.norm(lab - ground, axis=-1)
        keep = ring & (distance <= most(distance[ring]))
    return ground, distance, keep


def _without_arcs(lab: Array, ring: Array) -> Array | None:
    """The border's pixels (H,W) of the colour that most of it has, where the others lie together in
    a few places and are quite different: an object that goes on beyond the picture. None where the
    border is not like that (library: scipy)."""
    from scipy.ndimage import label

    distance = np.linalg.norm(lab - np.median(lab[ring], axis=0), axis=-1)
    even = ring & (distance < OFF)
    arcs, count = label(ring & ~even)
    sizes = np.bincount(arcs.ravel(), minlength=count + 1)[1:]
    others = int(sizes.sum())
    together = np.sort(sizes)[::-1][:MOST_ARCS].sum() > 0.9 * others
    return even if together and others < MOST_CROSSED * ring.sum() else None


def _shade(rgb: Array, lab: Array, ground: Array) -> tuple[Array, Array]:
    """(where the background may lie in shadow: darker, of the same hue; where outlines are)
    (libraries: OpenCV, scipy)."""
    import cv2
    from scipy.ndimage import gaussian_gradient_magnitude

    from pipeline.geometry.colour import to_linear

    behind = cv2.cvtColor(ground.astype(np.float32), cv2.COLOR_LAB2RGB).clip(0, 1)
    light = (to_linear(rgb) + 1e-3) / (to_linear((behind * 255).astype(np.uint8)) + 1e-3)
    spread = np.ptp(light, axis=-1) / light.mean(axis=-1)
    scale = max(1.0, max(rgb.shape[:2]) / SCALE)
    near, far = (gaussian_gradient_magnitude(lab[..., 0], size * scale) * scale for size in (1, 3))
    outlined = (near > STEEP) | ((near > FLAT) & (near > SHARP * far))
    mean = light.mean(axis=-1)
    return (mean > DARKEST) & (mean < 1) & (spread < HUE), outlined


def _joined(mask: Array, ring: Array) -> Array:
    """The parts of MASK that reach the border."""
    from scipy.ndimage import label

    regions, _ = label(mask)
    return np.isin(regions, np.setdiff1d(regions[ring], 0))


def largest(mask: Array) -> Array:
    """Alpha of the largest part and of parts at least a twentieth as large."""
    from scipy.ndimage import label

    regions, count = label(mask)
    sizes = np.bincount(regions.ravel(), minlength=count + 1)
    sizes[0] = 0
    return np.where((sizes >= 0.05 * sizes.max())[regions] & mask, 255, 0).astype(np.uint8)
