"""What no scanner saw of the delivered surface, and where one would have to stand to see it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Hole, Standpoint
from pipeline.geometry import clouds, topology
from pipeline.geometry.holes import loops
from pipeline.geometry.raycasting import scene_of
from pipeline.geometry.rigid import Array

MOST = 20  # holes that are listed
WORTH = 0.03  # share of the size: narrower holes are not listed
_VIEWS = 4  # places that are proposed at the most
_GAIN = 0.1  # share of what is missing that a further place must show
_STEEP = 0.3  # cosine to the line of sight below which surface is hardly measured
_RAYS = 400_000  # at the most

Faces = NDArray[np.int32]


class Missing(NamedTuple):
    """Samples (N,3) of surface that is not there or that no point supports, the side it would face
    (N,3), the area each stands for (N,), and the number of its hole (N,)."""

    points: Array
    normals: Array
    area: Array
    hole: NDArray[np.int64]

    def only(self, keep: NDArray[Any] | slice) -> Missing:
        return Missing(self.points[keep], self.normals[keep], self.area[keep], self.hole[keep])


def find(
    vertices: Array, faces: Faces, bad: NDArray[np.bool_], size: float
) -> tuple[tuple[Hole, ...], Missing]:
    """Open rims and patches of unsupported faces (BAD (F,)), the widest first."""
    found = [*_open(vertices, faces, size), *_patched(vertices, faces, bad, size)]
    wide = sorted(found, key=lambda one: -one[0].width)[:MOST]
    number = np.repeat(np.arange(len(wide)), [len(points) for _, points, _, _ in wide])
    return tuple(hole for hole, *_ in wide), Missing(
        np.concatenate([np.zeros((0, 3)), *(points for _, points, _, _ in wide)]),
        np.concatenate([np.zeros((0, 3)), *(normals for _, _, normals, _ in wide)]),
        np.concatenate([np.zeros(0), *(area for *_, area in wide)]),
        number,
    )


_OpenHole = tuple[Hole, Array, Array, Array]


def _open(vertices: Array, faces: Faces, size: float) -> list[_OpenHole]:
    """Holes that the mesh has: each is closed by a fan, which stands for what is missing."""
    found = []
    for loop in loops(topology.boundary(faces)):
        rim = vertices[loop]
        if len(loop) < 3 or (width := _width(rim)) < WORTH * size:
            continue
        middle = rim.mean(0)
        # the rim runs along the faces, so the fan runs against it
        cross = 0.5 * np.cross(np.roll(rim, -1, 0) - middle, rim - middle)
        normal, area = clouds.unit(cross.sum(0)[None])[0], float(np.linalg.norm(cross.sum(0)))
        hole = _hole(middle, normal, width, area, filled=False)
        steps = (np.arange(4) + 0.5) / 4
        points = (middle + steps[:, None, None] * (rim - middle)).reshape(-1, 3)
        weight = np.repeat(steps, len(rim))
        found.append(
            (hole, points, np.tile(normal, (len(points), 1)), area * weight / weight.sum())
        )
    return found


def _patched(vertices: Array, faces: Faces, bad: NDArray[np.bool_], size: float) -> list[_OpenHole]:
    """Holes that were closed without data: connected patches of unsupported faces."""
    part = faces[bad]
    if not len(part):
        return []
    label = topology.parts(part, len(vertices))
    corners = vertices[part]
    cross = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas, found = np.linalg.norm(cross, axis=1), []
    for number in np.unique(label):
        own = label == number
        width = _width(corners[own].reshape(-1, 3))
        if width >= WORTH * size:
            normal = clouds.unit(cross[own].sum(0)[None])[0]
            middle = np.average(corners[own].mean(1), axis=0, weights=areas[own])
            hole = _hole(middle, normal, width, float(areas[own].sum()), filled=True)
            found.append((hole, corners[own].mean(1), clouds.unit(cross[own]), areas[own]))
    return found


def _width(points: Array) -> float:
    return float(np.linalg.norm(np.ptp(points, axis=0)))


def _hole(middle: Array, normal: Array, width: float, area: float, filled: bool) -> Hole:
    return Hole(
        centre=_triple(middle), normal=_triple(normal), width=width, area=area, filled=filled
    )


def _triple(vector: Array) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in vector)
    return x, y, z


def rescan(
    vertices: Array, faces: Faces, holes: tuple[Hole, ...], missing: Missing, far: float
) -> tuple[Standpoint, ...]:
    """Places FAR from the holes from which most of what is missing would be seen, the best first;
    each counts what the ones before it leave."""
    if not holes:
        return ()
    places, aims = _candidates(holes, far)
    step = max(1, -(-len(missing.points) * len(places) // _RAYS))
    some = missing.only(slice(None, None, step))
    sight = _sees(vertices, faces, places, some)
    left, chosen = some.area.copy(), []
    for _ in range(_VIEWS):
        gain = sight @ left
        best = int(gain.argmax())
        if gain[best] < _GAIN * some.area.sum():
            break
        sees = np.unique(some.hole[sight[best] & (left > 0)])
        chosen.append(
            Standpoint(
                place=_triple(places[best]),
                aim=_triple(aims[best]),
                shows=float(gain[best] / some.area.sum()),
                holes=tuple(int(number) for number in sees),
            )
        )
        left[sight[best]] = 0
    return tuple(chosen)


def _candidates(holes: tuple[Hole, ...], far: float) -> tuple[Array, Array]:
    """In front of each hole, straight and aslant."""
    places, aims = [], []
    for hole in holes[:12]:
        normal, centre = np.asarray(hole.normal), np.asarray(hole.centre)
        across = np.linalg.svd(normal[None])[2][1:]
        turns = np.arange(8) * np.pi / 4
        round_about = np.outer(np.cos(turns), across[0]) + np.outer(np.sin(turns), across[1])
        for way in (normal, *(normal + 0.55 * round_about), *(normal + 1.2 * round_about)):
            places.append(centre + far * way / np.linalg.norm(way))
            aims.append(centre)
    return np.array(places), np.array(aims)


def _sees(vertices: Array, faces: Faces, places: Array, missing: Missing) -> NDArray[np.bool_]:
    """(P,N): which samples each place sees, past the surface that is there (Open3D ray casting)."""
    import open3d as o3d

    middle = vertices.mean(0)
    scene = scene_of(vertices - middle, faces)
    sight = np.zeros((len(places), len(missing.points)), bool)
    for number, place in enumerate(places):
        way = missing.points - place
        distance = np.linalg.norm(way, axis=1)
        way /= np.maximum(distance, 1e-12)[:, None]
        rays = np.hstack([np.broadcast_to(place - middle, way.shape), way]).astype(np.float32)
        hit = scene.cast_rays(o3d.core.Tensor(rays))["t_hit"].numpy()
        facing = -(way * missing.normals).sum(1) > _STEEP
        sight[number] = facing & (hit > 0.99 * distance)
    return sight
