"""The outline of a picture, and how well a shape that is seen from somewhere has the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.backends.silhouettes import axes_of
from pipeline.geometry.raycasting import Sized, sized
from pipeline.geometry.surface import Surface

Array = NDArray[Any]
COARSE, FINER, FINEST = 32, 64, 192  # rays along the outline's longer edge
FARTHEST, NEAREST = 0.01, 0.55  # half the shape's size over the camera's distance
SAME = 0.03  # share of the size by which depths may differ where a shape looks the same


class Sight(NamedTuple):
    """A camera on a shape: degrees; ``near`` is half the shape's size over its distance."""

    azimuth: float
    elevation: float
    near: float


class OutlineFit(NamedTuple):
    """sight: of the picture; agrees: the outlines' common share (IoU); camera: fx, fy, cx, cy in
    pixels; pose (4,4): the shape's frame → camera; ways: other sights that agree as well, and from
    which the shape looks another way."""

    sight: Sight
    agrees: float
    camera: tuple[float, float, float, float]
    pose: Array
    ways: tuple[Sight, ...] = ()


class Outline:
    """The mask (H,W) of a picture, to be compared with a SURFACE seen from anywhere (library:
    Open3D's ray caster)."""

    def __init__(self, mask: NDArray[np.bool_], surface: Surface) -> None:
        from scipy.spatial import ConvexHull

        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        self.low = np.array([columns[0], rows[0]], float)
        self.high = np.array([columns[-1] + 1, rows[-1] + 1], float)
        self.mask = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        flat = sized(surface)
        points = (surface.vertices - flat.centre) * flat.scale
        # a little more than the plane a flat shape may lie in
        self.rim = points[ConvexHull(points, qhull_options="QJ").vertices]
        self.middle = (points.min(0) + points.max(0)) / 2
        self.scene: Sized = flat
        self._small: dict[int, tuple[Array, Array]] = {}
        self._known: dict[tuple[Sight, int], float] = {}

    def agrees(self, sight: Sight, size: int) -> float:
        """The IoU of the two outlines where the shape's box fills the picture's."""
        if (sight, size) not in self._known:
            mask, _ = self._sampled(size)
            shown = self.scene.scene.test_occlusions(self._rays(sight, size)).numpy()
            both = int((shown & mask).sum()) / max(1, int((shown | mask).sum()))
            self._known[sight, size] = both
        return self._known[sight, size]

    def same(self, one: Sight, other: Sight) -> bool:
        """Whether the shape looks the same from both: its own symmetry."""
        first, second = (
            self.scene.scene.cast_rays(self._rays(sight, COARSE))["t_hit"].numpy()
            for sight in (one, other)
        )
        both = np.isfinite(first) & np.isfinite(second)
        apart = first[both] - second[both] - 0.5 / one.near + 0.5 / other.near
        return bool(both.any() and np.abs(apart).mean() < SAME)

    def _rays(self, sight: Sight, size: int) -> Any:
        import open3d as o3d

        _, at = self._sampled(size)
        axes, eye, focal, centre = self._camera(sight)
        rays = np.empty((len(at), 6), np.float32)
        rays[:, :3] = eye
        rays[:, 3:] = np.concatenate([(at - centre) / focal, np.ones((len(at), 1))], 1) @ axes
        return o3d.core.Tensor(rays)

    def found(self, sight: Sight, agrees: float, ways: Sequence[Sight] = ()) -> OutlineFit:
        axes, eye, focal, centre = self._camera(sight)
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = axes, -axes @ (eye / self.scene.scale + self.scene.centre)
        x, y = (float(value) for value in centre)
        return OutlineFit(sight, agrees, (focal, focal, x, y), pose, tuple(ways))

    def _camera(self, sight: Sight) -> tuple[Array, Array, float, Array]:
        """Axes (3,3), eye (3,), focal length and centre (2,) in pixels."""
        axes = axes_of(sight.azimuth, sight.elevation)
        seen = (self.rim - self.middle) @ axes.T
        distance = 0.5 / sight.near
        flat = seen[:, :2] / (seen[:, 2:] + distance)
        low, high = flat.min(0), flat.max(0)
        focal = float(np.linalg.norm(self.high - self.low) / np.linalg.norm(high - low))
        centre = (self.low + self.high) / 2 - focal * (low + high) / 2
        return axes, self.middle - distance * axes[2], focal, centre

    def _sampled(self, size: int) -> tuple[Array, Array]:
        """SIZE places along the box's longer edge, pixels (N,2), and whether each is inside."""
        if size not in self._small:
            extent = self.high - self.low
            step = extent.max() / size
            counts = np.maximum(1, np.round(extent / step).astype(int))
            x, y = ((np.arange(n) + 0.5) * span / n for n, span in zip(counts, extent, strict=True))
            at = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
            inside = self.mask[at[:, 1].astype(int), at[:, 0].astype(int)]
            self._small[size] = inside, at + self.low
        return self._small[size]
