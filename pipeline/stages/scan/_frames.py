"""Colour and depth frames → passes: each depth map becomes the points that its camera saw, in the
camera's frame, with the colours of the picture beside it."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.formats.frames import Frame, pairs
from pipeline.formats.refusals import broken
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._camera_texts import Camera
from pipeline.stages.scan._frame_cameras import Texts
from pipeline.stages.scan._raw import Raw
from pipeline.workspace import Workspace

MOST = 48  # frames that become passes; of more, so many are taken, evenly
_POINTS = 120_000  # of one frame
_LARGEST = 64_000_000  # pixels
_MILLIMETRES, _TUM = 1000.0, 5000.0  # units of a depth map in a metre
_FARTHEST = 10.0  # metres: beyond, depth cameras guess
_STEP = 0.04  # share of the depth by which neighbours differ where one surface ends
_FEWEST = 1000  # points of a frame that shows something
_GUESS = 0.82  # focal length by the picture's width, as most depth cameras have


def read(files: Mapping[str, Path], texts: Mapping[str, Path], ws: Workspace) -> list[Raw]:
    """All frames among FILES (by their names in the drop), metres; empty where none pair.

    Poses that TEXTS give stand in Raw.pose; cameras of which nothing is told are guessed, with a
    warning. Raises InputRejected for a damaged picture by name.
    """
    frames = pairs(files)
    if not frames:
        return []
    told = Texts(texts)
    poses = told.poses(frames)
    posed = [k for k, pose in enumerate(poses) if pose is not None]
    chosen = posed if 2 * len(posed) > len(frames) else list(range(len(frames)))
    if len(chosen) > MOST:
        ws.warn(f"{MOST} of {len(chosen)} frames were used, evenly chosen")
        chosen = [chosen[k] for k in np.linspace(0, len(chosen) - 1, MOST).round().astype(int)]
    per_metre = _TUM if _is_tum(texts) else _MILLIMETRES
    guessed = False
    empty: list[Raw] = []
    raws: list[Raw] = []
    for number, k in enumerate(chosen):
        ws.progress(number / len(chosen), f"reading frame {frames[k].key}")
        camera = told.camera(frames[k])
        guessed = guessed or camera is None
        raw = _frame(frames[k], files, camera, per_metre, poses[k])
        (raws if len(raw.points) >= _FEWEST else empty).append(raw)
    for raw in empty:
        ws.warn(f"{raw.name}: its depth map shows next to nothing; the frame was left out")
    if not raws:
        raise InputRejected(
            f"none of the {len(frames)} depth maps shows anything within {_FARTHEST:g} metres",
            remedy="Export the depth maps as 16-bit images in millimetres.",
        )
    if guessed:
        ws.warn(
            "no file tells the camera's focal length, so that of usual depth cameras was taken:"
            " sizes and angles may be off; add intrinsics.json with fx, fy, cx, cy"
        )
    return raws


def _is_tum(texts: Mapping[str, Path]) -> bool:
    """TUM's data sets count 5000 to the metre, and lie beside lists of their own."""
    names = {name.lower().rpartition("/")[2] for name in texts}
    return {"rgb.txt", "depth.txt"} <= names or "groundtruth.txt" in names


def _frame(
    frame: Frame,
    files: Mapping[str, Path],
    camera: Camera | None,
    per_metre: float,
    pose: Array | None,
) -> Raw:
    depth = _opened(frame.depth, files[frame.depth]).astype(np.float64)
    if depth.ndim != 2:
        raise InputRejected(
            f"{frame.depth} is a picture in colours, not a depth map",
            remedy="Export depth as 16-bit images in millimetres, not as a coloured picture.",
        )
    colour = _opened(frame.colour, files[frame.colour])
    colour = colour if colour.ndim == 3 else np.repeat(colour[..., None], 3, axis=2)
    high, wide = depth.shape
    own = (camera or _usual(wide, high)).of(wide, high)
    depth = depth / per_metre
    keep = (depth > 0.05) & (depth < _FARTHEST) & ~_edges(depth)
    if frame.confidence is not None:
        keep &= _trusted(_opened(frame.confidence, files[frame.confidence]), depth.shape)
    step = max(1, int(np.ceil(np.sqrt(keep.sum() / _POINTS))))
    thinned = np.zeros_like(keep)
    thinned[::step, ::step] = True
    row, column = np.nonzero(keep & thinned)
    z = depth[row, column]
    points = np.stack([(column - own.cx) / own.fx * z, (row - own.cy) / own.fy * z, z], axis=1)
    at_row = np.minimum((row + 0.5) * colour.shape[0] / high, colour.shape[0] - 1).astype(int)
    at_column = np.minimum((column + 0.5) * colour.shape[1] / wide, colour.shape[1] - 1).astype(int)
    seen_by = own.of(colour.shape[1], colour.shape[0])
    return Raw(
        frame.key, points, None, colour[at_row, at_column, :3].astype(np.uint8),
        np.stack([row // step, column // step], axis=1).astype(np.int32),
        scanner=np.zeros(3), pose=pose, unit="m",
        picture=colour[..., :3].astype(np.uint8),
        camera=(seen_by.fx, seen_by.fy, seen_by.cx, seen_by.cy),
    )  # fmt: skip


def _usual(wide: int, high: int) -> Camera:
    return Camera(_GUESS * wide, _GUESS * wide, (wide - 1) / 2, (high - 1) / 2, wide, high)


def _edges(depth: Array) -> NDArray[np.bool_]:
    """Where one surface ends before another: sensors mix the two there."""
    from scipy import ndimage

    known = np.where(depth > 0, depth, np.nan)
    low = ndimage.minimum_filter(np.where(np.isnan(known), np.inf, known), 3)
    high = ndimage.maximum_filter(np.where(np.isnan(known), -np.inf, known), 3)
    return np.asarray(high - low > _STEP * np.maximum(depth, 1e-9))


def _trusted(confidence: NDArray[np.generic], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """All but the lowest of a phone's levels of confidence, where it tells several."""
    levels = np.unique(confidence)
    if confidence.ndim != 2 or confidence.shape != shape or len(levels) < 2:
        return np.ones(shape, bool)
    return np.asarray(confidence > levels[0])


def _opened(name: str, path: Path) -> NDArray[np.generic]:
    """Pixels (H,W) or (H,W,3) of a picture, packed by gzip or not."""
    from PIL import Image, UnidentifiedImageError

    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as packed:
                data = packed.read(8 * _LARGEST)
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _LARGEST:
                raise broken(name, f"it is {image.width} × {image.height} pixels large")
            deep = image.mode.startswith(("I", "F", "L")) and image.mode not in ("LA", "La")
            return np.asarray(image if deep else image.convert("RGB"))
    except (UnidentifiedImageError, OSError, EOFError, ValueError, SyntaxError) as error:
        raise broken(name, "it cannot be decoded as a picture") from error
