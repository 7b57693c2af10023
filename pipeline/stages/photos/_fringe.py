"""What lies along the outlines of a thing and shows what is behind it.

Pictures are compared by windows, so a depth reaches as far beyond an outline as half a window, and
all photographs agree about it: a rim of sky along a roof. It is told by its colour: that of a plain
background beside it, and not that of the thing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

REACH = 6  # pixels from the outline of what others confirm
PLAIN = 6.0  # grey levels by which a plain background differs from its mean around
UNLIKE = 24.0  # by which it must differ from the thing, all three colours together
NEARER = 0.6  # of a colour's distance to the thing's: how near that to the background's must be
SOME = 0.05  # share of the pixels around from which on they have a mean


def along(keep: NDArray[np.bool_], colours: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of the pixels to KEEP (H, W) have the colour (H, W, 3) of the plain background beside
    them (library: OpenCV)."""
    import cv2

    side = 2 * REACH + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # what others confirm is full of small gaps
    whole = cv2.morphologyEx(keep.astype(np.uint8), cv2.MORPH_CLOSE, disc)
    inner = cv2.erode(whole, disc)
    values = colours.astype(np.float32)
    grey = values.mean(2)
    smooth = cv2.boxFilter(grey, -1, (5, 5))
    plain = (cv2.boxFilter(np.abs(grey - smooth), -1, (5, 5)) < PLAIN).astype(np.uint8)
    behind = _from_the_rim(cv2.bitwise_and(cv2.erode(1 - whole, np.ones((3, 3), np.uint8)), plain))
    ours, some = _around(values, inner, 2 * side + 1)
    theirs, others = _around(values, behind, 2 * side + 1)
    to_ours, to_theirs, apart = (
        np.linalg.norm(a - b, axis=2) for a, b in ((values, ours), (values, theirs), (ours, theirs))
    )
    told = keep & (inner == 0) & (some > SOME) & (others > SOME) & (apart > UNLIKE)
    return np.asarray(told & (to_theirs < NEARER * to_ours))


def _from_the_rim(mask: Any) -> Any:
    """Those parts of MASK that reach the picture's rim: a plain place inside a thing is its own."""
    import cv2

    _, labels = cv2.connectedComponents(mask)
    rim = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    return (mask & np.isin(labels, np.unique(rim))).astype(np.uint8)


def _around(values: Any, mask: Any, side: int) -> tuple[Any, Any]:
    """The mean (H, W, 3) of VALUES in MASK over a window, and the share of it that is in there."""
    import cv2

    weight = mask.astype(np.float32)
    share = cv2.boxFilter(weight, -1, (side, side))
    total = cv2.boxFilter(values * weight[..., None], -1, (side, side))
    return total / np.maximum(share, 1e-6)[..., None], share
