"""Thin parts, which photographs show and the model lacks.

Twigs, hair and wires are narrower than the windows in which pictures are compared. Pieces of them
are measured that hang on nothing and are cleaned away, or they grow together to lumps, of which
each photograph shows something else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import PosedPicture, PosedPictures
from pipeline.geometry.raycasting import Sized, sized
from pipeline.geometry.rigid import Array
from pipeline.geometry.surface import Surface
from pipeline.stages.scan import _surface
from pipeline.workspace import Workspace

LOST = (
    "{:.1%} of what was measured is not in the model: loose pieces {}, as thin parts leave (rods,"
    " wires, twigs) that were not seen from end to end. Photographs from nearer would show them"
    ' whole; skip = ["clean"] keeps the pieces'
)
DISPUTED = (
    "the photographs do not agree about {:.0%} of the surface, {}: parts of a few pixels there"
    " (twigs, leaves, hair, wires) are missing or grown together, or something shines or moved."
    " Photographs from nearer would show more of them"
)
LOOSE, APART = 0.01, 0.01  # share of the points; of the size, by which they are off the surface
WORTH_SAYING = 0.03  # share of the surface
SAMPLES, MOST = 20_000, 60  # of the surface; photographs that are asked
EDGE, BLUR = 800, 1.5  # pixels of a photograph's longer edge; radius
STEEPEST, SEEING = 0.35, 3  # cosine to the line of sight; photographs that must show a place
UNLIKE = 0.4  # of the contrast of the whole, by which half of the photographs may differ in a place
AROUND, MANY = 0.05, 1 / 3  # share of the size; of the places in it, from which on it is disputed
GAIN = 4.0  # by how much a photograph may be lighter or darker than the others


def say(surface: Surface, up: Array, points: Array, posed: PosedPictures, ws: Workspace) -> None:
    """Warn of thin parts that the SURFACE lacks, of which POINTS (N,3) were measured and POSED
    pictures taken, and at which heights they are; UP: the row (4,) of the frame that is up.

    Only of what the cameras stand around: pieces of a scene are loose where it ends."""
    vertices, faces = surface.vertices.astype(np.float64), surface.faces.astype(np.int32)
    heights = vertices @ up[:3]
    off = _surface.distances(points, vertices, faces) > APART * surface.size
    if posed.about is not None and off.mean() >= LOOSE:
        some = points[:: max(1, len(points) // len(off))][: len(off)]
        ws.warn(LOST.format(off.mean(), _where(some[off] @ up[:3], heights)))
    places, disputed = _disputed(surface, posed.pictures, ws)
    if disputed.mean() >= WORTH_SAYING:
        ws.warn(DISPUTED.format(disputed.mean(), _where(places[disputed] @ up[:3], heights)))


def _where(some: Array, heights: Array) -> str:
    low, high = np.quantile(some, [0.05, 0.95])
    bottom, tall = heights.min(), max(float(np.ptp(heights)), 1e-12)
    shares = np.clip((np.array([low, high]) - bottom) / tall, 0, 1)
    return "from {:.0%} to {:.0%} of its height".format(*shares)


def _disputed(
    surface: Surface, pictures: tuple[PosedPicture, ...], ws: Workspace
) -> tuple[Array, NDArray[np.bool_]]:
    """Places (N,3) of the surface, even by area, that photographs show, and which of them (N,) lie
    where many photographs differ from the others."""
    from scipy.spatial import cKDTree

    places, normals = _places(surface)
    scene = sized(surface)
    asked = pictures[:: -(-len(pictures) // MOST)]
    grey = _levelled(np.stack([_seen(one, places, normals, scene, ws) for one in asked]))
    known = np.isfinite(grey).sum(0) >= SEEING
    if not known.any():
        return places[:1], np.zeros(1, bool)
    places, grey = places[known], grey[:, known]
    middle = np.nanmedian(grey, 0)
    unlike = np.nanmedian(np.abs(grey - middle), 0) > UNLIKE * max(float(middle.std()), 1.0)
    around = cKDTree(places).query_ball_point(places, AROUND * surface.size, workers=2)
    return places, np.array([unlike[near].mean() > MANY for near in around])


def _places(surface: Surface) -> tuple[Array, Array]:
    corners = surface.vertices[surface.faces].astype(np.float64)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(cross, axis=1)
    rng = np.random.default_rng(0)
    face = rng.choice(len(corners), SAMPLES, p=length / length.sum())
    u, v = np.sqrt(rng.random(SAMPLES)), rng.random(SAMPLES)
    weight = np.stack([1 - u, u * (1 - v), u * v], 1)
    return np.einsum("nk,nkc->nc", weight, corners[face]), cross[face] / length[face, None]


def _seen(
    picture: PosedPicture, places: Array, normals: Array, scene: Sized, ws: Workspace
) -> Array:
    """The grey (N,) of PLACES (N,3) in a photograph, NaN where it does not show them."""
    import open3d as o3d
    from PIL import Image, ImageFilter

    with Image.open(ws.path(picture.image)) as opened:
        width, small = opened.width, opened.convert("L")
    small.thumbnail((EDGE, EDGE), Image.Resampling.BOX, reducing_gap=None)
    values = np.asarray(small.filter(ImageFilter.GaussianBlur(BLUR)), np.float64)
    fx, fy, cx, cy = (value * small.width / width for value in picture.camera)
    pose = np.asarray(picture.pose)
    x, y, z = (places @ pose[:3, :3].T + pose[:3, 3]).T
    z = np.where(z > 0, z, np.nan)
    u, v = x / z * fx + cx, y / z * fy + cy
    eye = scene.placed((-pose[:3, :3].T @ pose[:3, 3])[None])
    start = scene.placed(places) + (0.003 * normals).astype(np.float32)
    way: Any = eye - start
    shown = (u > 0) & (v > 0) & (u < small.width) & (v < small.height)
    shown &= (way * normals).sum(1) > STEEPEST * np.linalg.norm(way, axis=1)
    rays = o3d.core.Tensor(np.hstack([start, way]).astype(np.float32))
    shown &= ~scene.scene.test_occlusions(rays, 0.0, 1.0).numpy()
    grey = np.full(len(places), np.nan)
    grey[shown] = values[v[shown].astype(int), u[shown].astype(int)]
    return grey


def _levelled(grey: Array) -> Array:
    """GREY (P,N) with every photograph as light, and with as much contrast, as the others."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # places that no photograph shows
        for _ in range(2):
            middle = np.where(np.isfinite(grey), np.nanmedian(grey, 0), np.nan)
            (own, spread), (aim, wanted) = _level(grey), _level(middle)
            gain = np.clip(wanted / np.maximum(spread, 1e-6), 1 / GAIN, GAIN)
            grey = (grey - own) * gain + aim
    return grey


def _level(rows: Array) -> tuple[Array, Array]:
    own = np.nanmedian(rows, 1, keepdims=True)
    return own, np.nanmedian(np.abs(rows - own), 1, keepdims=True)
