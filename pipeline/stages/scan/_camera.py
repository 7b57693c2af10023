"""What the camera of a pass saw: free space up to the surface. A surface placed in that space would
have been seen instead."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _viewpoint

# What they come to on real sets: benchmarks/register.py.
_CELL = 0.015  # of the picture of a far camera, share of the size
_ANGLE = 0.035  # of the picture of a scanner that stood inside, radians
_RIM = 4  # cells around the picture
_WIDER = 2.0  # cells that make one where the picture's outline is looked at
_FULL = 0.9  # share of its rectangle that a picture fills whose frame cut the scene off
_FACING = 0.5  # cosine to the line of sight from which a camera should have seen a surface
_HIDDEN = 0.03  # length behind the front of its own cell from which a surface is hidden
_CLOSEST = 0.1  # length: nearest plane of the picture of a far camera
_MARGIN = 0.025  # how far in front of seen surface a point must lie to contradict it


class Camera:
    """A picture of depths: from a place outside (a camera that looked at the object) or around a
    place inside (a scanner in a room)."""

    def __init__(self, points: Array, place: Array, outside: bool, scene: bool = False) -> None:
        from scipy import ndimage

        self.place, self.outside, self.framed = place, outside, False
        if outside:
            aim = place - points.mean(0)
            self.far = float(np.linalg.norm(aim))
            self.axis = aim / self.far
            self.across = np.linalg.svd(self.axis[None])[2][1:]
            if scene:
                self.across, full = self._upright(points)
                self.framed = full > _FULL
        self.low = np.zeros(2)
        flat, near = self._project(points)
        self.low = flat.min(0) - 2
        at = np.floor(flat - self.low).astype(np.int64)
        highest = np.full(at.max(0) + 3, -np.inf)
        np.maximum.at(highest, tuple(at.T), near)
        # it proves something only where the whole neighbourhood was seen: borders and slanted views
        # do not
        whole = ndimage.binary_erosion(np.isfinite(highest), np.ones((3, 3)))
        self.front = np.where(whole, ndimage.maximum_filter(highest, 3), np.inf)
        filled = ndimage.binary_closing(
            np.pad(np.isfinite(highest), _RIM), np.ones((3, 3)), iterations=2
        )
        self.seen = ndimage.binary_dilation(filled, np.ones((3, 3)))

    def _upright(self, points: Array) -> tuple[Array, float]:
        """The axes across along which the picture is a rectangle, as far as it is one, and how much
        of that is filled: all of it where the frame ended before the surface did."""
        flat = self._project(points)[0] / _WIDER
        best, least = self.across, np.inf
        for angle in np.radians(np.arange(0, 90, 3.0)):
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            low, high = np.percentile(flat @ turn.T, (0.5, 99.5), axis=0)
            if (area := float(np.prod(high - low + 1))) < least:
                best, least = turn @ self.across, area
        filled = len(np.unique(np.floor(flat).astype(np.int64), axis=0))
        return best, filled / least

    def _project(self, places: Array) -> tuple[Array, Array]:
        """Picture coordinates (…,2) in cells, and nearness (…): larger is closer to the camera."""
        apart = places - self.place
        distance = np.linalg.norm(apart, axis=-1)
        if self.outside:
            along = np.maximum(-apart @ self.axis, _CLOSEST)
            return apart @ self.across.T / along[..., None] * (self.far / _CELL), -distance
        slope = np.arcsin(np.clip(apart[..., 2] / np.maximum(distance, 1e-12), -1, 1))
        return np.stack([np.arctan2(apart[..., 1], apart[..., 0]), slope], -1) / _ANGLE, -distance

    def misses(self, places: Array, normals: Array, weight: Array) -> float:
        """Share of the surface facing this outside camera, and not hidden behind its own front,
        where the camera saw nothing at all.

        Near 0 for a true motion unless the camera's frame cut the object off. Always 0 for a
        scanner that looked all around.
        """
        due, gone = self.missed(places, normals)
        return float(weight[gone].sum() / max(weight[due].sum(), 1e-9))

    def missed(self, places: Array, normals: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Per place: whether this camera should have seen surface there, and of those where it saw
        nothing at all."""
        if not self.outside:
            return np.zeros(len(places), bool), np.zeros(len(places), bool)
        flat, near = self._project(places)
        cell = np.asarray(np.floor(flat - flat.min(0)), np.int64)
        top = np.full(cell.max(0) + 1, -np.inf)
        np.maximum.at(top, tuple(cell.T), near)
        due = np.asarray((normals * clouds.unit(self.place - places)).sum(1) > _FACING) & (
            near >= top[tuple(cell.T)] - _HIDDEN
        )
        at = np.floor(flat - self.low).astype(np.int64) + _RIM
        inside = np.asarray(((at >= 0) & (at < self.seen.shape)).all(1))
        if self.framed:  # beyond its frame it saw nothing, whatever is there
            due &= self._within(at)
        at = np.where(inside[:, None], at, 0)
        return due, due & ~(inside & self.seen[at[:, 0], at[:, 1]])

    def denies(self, places: Array, normals: Array) -> NDArray[np.bool_]:
        """True for surface (…,3) that this camera would have seen and did not: in front of what it
        saw, or facing it clearly beside all that it saw."""
        against = self.contradicts(places)
        if not self.outside:
            return against
        facing = (normals * _towards(self.place, places)).sum(-1) > 0.5
        flat, _ = self._project(places)
        at = np.floor(flat - self.low).astype(np.int64) + _RIM
        if self.framed:
            facing &= self._within(at)
        inside = ((at >= 0) & (at < self.seen.shape)).all(-1)
        at = np.where(inside[..., None], at, 0)
        return np.asarray(against | (facing & ~(inside & self.seen[at[..., 0], at[..., 1]])))

    def _within(self, at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells lie in the frame."""
        edge = _RIM + 3
        return np.asarray(((at >= edge) & (at < np.array(self.seen.shape) - edge)).all(-1))

    def contradicts(self, places: Array) -> NDArray[np.bool_]:
        """True for places (…,3) in front of surface that this camera saw."""
        flat, near = self._project(places)
        at = np.floor(flat - self.low).astype(np.int64)
        inside = np.asarray(((at >= 0) & (at < self.front.shape)).all(-1))
        at = np.where(inside[..., None], at, 0)
        front = np.where(inside, self.front[at[..., 0], at[..., 1]], np.inf)
        return np.asarray(near > front + _MARGIN)


def _towards(place: Array, places: Array) -> Array:
    apart = place - places
    return np.asarray(apart / np.maximum(np.linalg.norm(apart, axis=-1, keepdims=True), 1e-12))


def camera_of(
    points: Array, normals: Array, scanner: Array | None, scene: bool = False
) -> Camera | None:
    """The camera of a pass with outward normals: where the file says, else read off its shape, else
    None. What is larger than a thing on a table, a ``scene``, its frame may have cut off."""
    place = scanner
    if scene and place is None:
        place = _viewpoint.sensor_origin_within(points)
    if place is not None and not _viewpoint.ahead(points, place):
        return Camera(points, place, False)
    axis = _viewpoint.viewing_direction(points, normals)
    if axis is not None:
        axis = axis if (normals @ axis).mean() > 0 else -axis
        seen_from = _viewpoint.sensor_origin_outside(points, axis) if place is None else place
        return Camera(points, seen_from, True, scene)
    place = _viewpoint.sensor_origin_inside(points) if place is None else place
    if place is None or (((place - points) * normals).sum(1) > 0).mean() < 0.7:
        return None  # a body seen from around: none of its cameras stood in it
    return Camera(points, place, False)
