"""Delivered mesh → the same mesh with what was measured on it: how far it lies from the scan, what
of it no scanner saw, and where one should stand to see that."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.artefacts import Alignment, Features, Gaps, Mesh, PointCloud, PosedPictures, Scans
from pipeline.geometry import arrays, clouds, rigid
from pipeline.geometry import surface as surfaces
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import as_matrix
from pipeline.kept.options import Measure
from pipeline.stages.scan import _gaps, _surface, _thin
from pipeline.workspace import StageWorkspace

_SAMPLES = 100_000  # of the surface, spread by area
_FAR = 1.5  # sizes: how far off a scanner stands where the drop does not tell
_FLAT = 0.15  # share of the size: the back of thinner scenes is no hole
_RIM = 0.7  # share of the size: wider openings of such scenes are where the scan ends


def run(
    mesh: Mesh,
    cloud: PointCloud,
    features: Features | None,
    alignment: Alignment,
    scans: Scans,
    posed: PosedPictures | None,
    ws: StageWorkspace[Measure],
) -> Mesh:
    """unsupported_area: the share of the surface, sampled by area, that lies farther from every
    merged point than a few spacings; scan_to_mesh anew, for the mesh was cleaned and thinned.
    gaps: holes and patches without data (common frame, drop's unit), and the places from which
    passes would fill them. It warns of thin parts that photographs show
    and the mesh lacks. Arrays do not change. Open3D casts the rays; sampling is seeded.
    """
    points = arrays.load(ws.path((features and features.kept) or cloud.arrays))["points"]
    surface = surfaces.load(ws, mesh)
    vertices, faces = surface.vertices.astype(np.float64), surface.faces.astype(np.int32)
    ws.progress(0.1, "measuring the surface")
    unsupported, bad = support(
        vertices, faces, points, _surface.reach(cloud.spacing), ws.options.seed
    )
    distance = _surface.distances(points, vertices, faces)
    holes, missing = _gaps.find(vertices, faces, bad, cloud.size)
    if clouds.narrowest(points) < _FLAT * cloud.size:  # a façade, a table top: its rim is its end
        inner = [n for n, hole in enumerate(holes) if hole.width < _RIM * cloud.size]
        missing = missing.only(np.isin(missing.hole, inner))
    ws.progress(0.6, f"{len(holes)} holes found")
    if posed is not None and posed.sparse is not None:
        _thin.say(surface, as_matrix(mesh.frame)[1], points, posed, ws)
    far = _working_distance(alignment, scans, points, cloud.size)
    places = _gaps.rescan(vertices, faces, holes, missing, far) if len(missing.points) else ()
    return mesh.model_copy(
        update={
            "unsupported_area": unsupported,
            "scan_to_mesh": {
                "mean": float(distance.mean() / cloud.size),
                "p95": float(np.percentile(distance, 95) / cloud.size),
            },
            "gaps": Gaps(holes=holes, rescan=places),
        }
    )


def support(
    vertices: Array,
    faces: NDArray[np.int32],
    points: Array,
    reach: float,
    seed: int,
) -> tuple[float, NDArray[np.bool_]]:
    """Share of the area without support, and the faces (F,) that lie mostly without."""
    from scipy.spatial import cKDTree

    area = _surface.areas(vertices, faces)
    rng = np.random.default_rng(seed)
    # every face once, for the patches, and large ones as often as their area asks
    face = np.r_[
        np.arange(len(faces)),
        np.sort(rng.choice(len(faces), _SAMPLES, p=area / max(area.sum(), 1e-300))),
    ]
    u, v = np.sqrt(rng.random(len(face))), rng.random(len(face))
    u[: len(faces)], v[: len(faces)] = 2 / 3, 0.5
    weight = np.stack([1 - u, u * (1 - v), u * v], 1)
    place = np.einsum("nk,nkc->nc", weight, vertices[faces[face]])
    tree = cKDTree(points)
    far = tree.query(place, distance_upper_bound=reach, workers=2)[0] > reach
    return float(far[len(faces) :].mean()), far[: len(faces)]


def _working_distance(alignment: Alignment, scans: Scans, points: Array, size: float) -> float:
    """How far off the scanners of the placed passes stood, by the places that are known."""
    known = {one.name: one.scanner for one in scans.passes if one.scanner is not None}
    some, found = points[:: max(1, len(points) // 5000)], []
    for one in alignment.passes:
        if one.pose is not None and (place := known.get(one.name)) is not None:
            stood = rigid.apply(np.asarray(one.pose), np.asarray(place)[None])[0]
            found.append(float(np.percentile(np.linalg.norm(some - stood, axis=1), 25)))
    return float(np.median(found)) if found else _FAR * size
