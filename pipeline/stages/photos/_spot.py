"""Photographs that were all taken from one spot, by turning the camera, or that show only what
stands still before it: they tell no depths. Mapping them gives cameras that fit to a tenth of a
pixel, and a shape that is made up; so it is asked first whether turning alone explains them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.geometry.rigid import Array

PAIRS, POINTS = 40, 300  # that are looked at; of one pair
FEWEST = 20  # matches of a pair
OFF = 0.0015  # of the longer edge, within which turning explains a match
LEAST = 1.0  # pixels that this is at the least
ALL = 0.9  # share of the pairs that must be explained
TIMES = np.geomspace(0.4, 2.5, 15)  # the focal length may be otherwise than EXIF says
BENDS = (0.0, -0.2, -0.1, -0.05, 0.05, 0.1)  # and the lens bent: k of r' = r (1 + k r²)


class Pair(NamedTuple):
    """Matches of two photographs: pixels from the middle (N, 2) and focal length of each; edge: the
    longer one."""

    a: Array
    b: Array
    focal: tuple[float, float]
    edge: float


def from_one_spot(database: Path, names: Collection[str]) -> bool:
    """Whether turning the camera explains how the photographs NAMES in DATABASE differ."""
    pairs = _pairs(database, names)
    return len(pairs) > 0 and turned(pairs)


def turned(pairs: list[Pair]) -> bool:
    """Whether there is a lens with which every one of PAIRS is a mere turn."""
    allowed = np.array([max(OFF * pair.edge, LEAST) for pair in pairs])
    for bend in BENDS:
        for times in TIMES:
            off = np.array([_off(pair, times, bend) for pair in pairs])
            if np.quantile(off / allowed, ALL) < 1:
                return True
    return False


def _off(pair: Pair, times: float, bend: float) -> float:
    """Pixels by which half of the matches miss, after the best turn."""
    f, g = (times * focal for focal in pair.focal)
    a, b = _rays(pair.a / f, bend), _rays(pair.b / g, bend)
    keep = np.ones(len(a), bool)
    off = np.zeros(len(a))
    for _ in range(2):
        u, _, vt = np.linalg.svd(a[keep].T @ b[keep])
        turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
        # of small angles the chord is the angle
        off = np.linalg.norm(a @ turn - b, axis=1) * g
        keep = off <= np.quantile(off, 0.8)
    return float(np.median(off))


def _rays(flat: Array, bend: float) -> Array:
    straight = flat * (1 - bend * (flat**2).sum(1, keepdims=True))
    rays = np.column_stack([straight, np.ones(len(straight))])
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))


def _pairs(database: Path, names: Collection[str]) -> list[Pair]:
    """The matches of the pairs that share most."""
    import pycolmap

    opened = pycolmap.Database.open(database)
    try:
        images = {one.image_id: one for one in opened.read_all_images() if one.name in names}
        numbers, counts = opened.read_two_view_geometry_num_inliers()
        ranked = sorted(
            (-int(count), a, b)
            for (a, b), count in zip(
                map(pycolmap.pair_id_to_image_pair, numbers), counts, strict=True
            )
            if count >= FEWEST and a in images and b in images
        )
        return [_pair(opened, images[a], images[b]) for _, a, b in _spread(ranked)]
    finally:
        opened.close()


def _spread(ranked: list[Any]) -> list[Any]:
    """PAIRS of them, from those that share most to those that share least: if anybody stepped
    aside, the latter show it."""
    return ranked[:: -(-len(ranked) // PAIRS)] if ranked else []


def _pair(opened: Any, one: Any, other: Any) -> Pair:
    matches = opened.read_two_view_geometry(one.image_id, other.image_id).inlier_matches
    matches = matches[:: -(-len(matches) // POINTS)]
    places, focals, edges = [], [], []
    for side, image in enumerate((one, other)):
        camera = opened.read_camera(image.camera_id)
        keys = opened.read_keypoints(image.image_id)[matches[:, side], :2].astype(np.float64)
        places.append(keys - (camera.width / 2, camera.height / 2))
        focals.append(float(camera.params[0]))
        edges.append(max(camera.width, camera.height))
    return Pair(places[0], places[1], (focals[0], focals[1]), float(max(edges)))
