"""What several photographs agree on: only that becomes points (library: torch)."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from pipeline.geometry.stereo import View, compare

APART, PIXELS = 0.006, 1.0  # share of the depth, and pixels there and back, that still agree
SURE = 2  # others that confirm a place, of which one may be missing where all is very alike
ALIKE, VERY_ALIKE = 0.5, 0.85  # likeness below which nothing was seen; from which it is certain
STEEPEST = 0.12  # cosine of the angle to the ray
EDGE = 3  # pixels along the picture's rim, whose windows are not whole
PLANE = 7  # pixels of the window that a normal is taken from


class Seen(NamedTuple):
    """keep (H, W); for each kept pixel, row by row, points (N, 3) and normals (N, 3) in the
    camera's own frame."""

    points: Any
    normals: Any
    keep: Any


def agreed(
    view: View, inverse: Any, score: Any, others: list[tuple[View, Any]], counts: Any = None
) -> Seen:
    """What VIEW with its INVERSE depths shares with the OTHERS (each with its own): with SURE of
    them, or with one less where the pictures are very alike; of few photographs, with those that
    there are. Only pixels that COUNT are looked at."""
    asked = (score > ALIKE) if counts is None else (score > ALIKE) & counts
    asked[:EDGE], asked[-EDGE:], asked[:, :EDGE], asked[:, -EDGE:] = (False,) * 4
    points = compare.rays(view.size, _inverse(view.k), view.gray.device)[:, asked] / inverse[asked]
    total, votes = points.clone(), torch.zeros_like(points[0])
    for other, depths in others:
        agrees, place = _back(view, points, other, depths)
        votes[agrees] += 1
        total[:, agrees] += place
    points = total / (votes + 1)
    sure = min(SURE, max(len(others), 1))
    enough = (votes >= sure) | ((votes >= max(sure - 1, 1)) & (score[asked] > VERY_ALIKE))
    keep, near = torch.zeros_like(asked), torch.zeros_like(inverse)
    keep[asked], near[asked] = enough, 1 / points[2].clamp(min=1e-6)
    normals, flat = _normals(view, near, keep)
    points, normals, flat = points[:, enough], normals[:, keep], flat[keep]
    slant = -(normals * points).sum(0) / points.norm(dim=0).clamp(min=1e-9)
    good = flat & (slant > STEEPEST)
    keep[keep.clone()] = good
    return Seen(points[:, good].T, normals[:, good].T, keep)


def _back(view: View, points: Any, other: View, depths: Any) -> tuple[Any, Any]:
    """Which of POINTS (3, N), in VIEW's frame, OTHER sees in the same place (K,), and where it
    sees these (3, K)."""
    turn = other.rotation @ view.rotation.T
    move = other.translation - turn @ view.translation
    there = _moved(points, turn, move)
    far = there[2].clamp(min=1e-6)
    pixel = _projected(there, other)
    height, width = other.size
    x, y = 2 * pixel[0] / width - 1, 2 * pixel[1] / height - 1
    found = 1 / compare.laid_over(depths, x[None], y[None])[0].clamp(min=1e-6)
    inside = (there[2] > 0) & (x.abs() < 1) & (y.abs() < 1)
    near = (inside & ((found - far).abs() < APART * far)).nonzero()[:, 0]
    place = there[:, near] * (found[near] / far[near])
    back = _moved(place, turn.T, -turn.T @ move)
    home, start = _projected(back, view), _projected(points[:, near], view)
    same = (home - start).norm(dim=0) < PIXELS
    return near[same], back[:, same]


def _moved(points: Any, turn: Any, move: Any) -> Any:
    turning = torch.as_tensor(turn, dtype=torch.float32, device=points.device)
    moving = torch.as_tensor(move, dtype=torch.float32, device=points.device)
    rows = [
        turning[k, 0] * points[0] + turning[k, 1] * points[1] + turning[k, 2] * points[2]
        for k in range(3)
    ]
    return torch.stack([row + moving[k] for k, row in enumerate(rows)])


def _projected(points: Any, view: View) -> Any:
    far = points[2].clamp(min=1e-6)
    k = view.k
    return torch.stack(
        [
            points[0] / far * float(k[0, 0]) + float(k[0, 2]),
            points[1] / far * float(k[1, 1]) + float(k[1, 2]),
        ]
    )


def _inverse(k: Any) -> Any:
    import numpy as np

    return np.linalg.inv(k)


def _normals(view: View, inverse: Any, keep: Any) -> tuple[Any, Any]:
    """Unit normals (3, H, W) toward the camera, and where there are some: a plane is linear in the
    inverse depth, so it is fitted there to the pixels around that are kept."""
    height, width = view.size
    device = inverse.device
    span = torch.arange(PLANE, device=device, dtype=torch.float32) - PLANE // 2
    weight = keep.float()
    value = inverse * weight
    # moments about each pixel: sums of 1, x, y, xx, xy, yy and of q, qx, qy over the window
    one = torch.ones(PLANE, device=device)
    w, wx, wy = _sum(weight, one, one), _sum(weight, span, one), _sum(weight, one, span)
    wxx, wyy = _sum(weight, span**2, one), _sum(weight, one, span**2)
    wxy = _sum(weight, span, span)
    q, qx, qy = _sum(value, one, one), _sum(value, span, one), _sum(value, one, span)
    mx, my, mq = wx / w.clamp(min=1), wy / w.clamp(min=1), q / w.clamp(min=1)
    cxx, cyy, cxy = wxx - w * mx * mx, wyy - w * my * my, wxy - w * mx * my
    cqx, cqy = qx - w * mq * mx, qy - w * mq * my
    det = cxx * cyy - cxy * cxy
    sure = (w >= 6) & (det > 1)
    det = det.clamp(min=1e-6)
    a, b = (cqx * cyy - cqy * cxy) / det, (cqy * cxx - cqx * cxy) / det
    x = torch.arange(width, device=device, dtype=torch.float32) + 0.5
    y = torch.arange(height, device=device, dtype=torch.float32)[:, None] + 0.5
    c = mq - a * (x + mx) - b * (y + my)
    k = view.k
    normal = torch.stack(
        [float(k[0, 0]) * a, float(k[1, 1]) * b, float(k[0, 2]) * a + float(k[1, 2]) * b + c]
    )
    return -normal / normal.norm(dim=0).clamp(min=1e-12), sure


def _sum(values: Any, across: Any, down: Any) -> Any:
    """Sums of VALUES (H, W) over a window, weighted by ACROSS × DOWN."""
    half = len(across) // 2
    rows = torch.nn.functional.conv2d(
        values[None, None], across[None, None, None], padding=(0, half)
    )
    return torch.nn.functional.conv2d(rows, down[None, None, :, None], padding=(half, 0))[0, 0]
