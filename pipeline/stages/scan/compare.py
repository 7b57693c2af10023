"""Delivered mesh and merged points → how far the scan lies from the mesh that was named as its
reference, and whether that is within the tolerance."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipeline.artefacts import (
    Alignment,
    Comparison,
    Features,
    Mesh,
    PointCloud,
    Reference,
    Scans,
)
from pipeline.geometry import arrays, clouds, rigid
from pipeline.geometry import surface as surfaces
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES
from pipeline.kept.options import Compare
from pipeline.stages.scan import _beyond, _fitting, _surface
from pipeline.stages.scan._fitting import FITS, Fit
from pipeline.stages.scan._target import Target
from pipeline.workspace import StageWorkspace, Workspace

_LIKELY = (0.5, 4.0)  # times the scan's size that a reference may have
_SEEN = 0.9  # of the reference: of less, it is said that the rest was not looked at


def run(
    mesh: Mesh,
    cloud: PointCloud,
    features: Features | None,
    alignment: Alignment,
    scans: Scans,
    ws: StageWorkspace[Compare],
) -> Comparison:
    """Align the scan with scans.reference, unattended, and measure every merged point's distance to
    its triangles; nothing where no reference was named.

    Guaranteed: what does not fit, by size in any unit or by shape, is not compared, and why is
    said. A reference that fits in several ways is told with them. Deviations are those of points,
    averaged over a few neighbours, so that the mesh's rounding of edges is none; the delivered
    mesh gets them as one number a vertex. passed: no place wider than noise lies beyond the
    tolerance. Open3D finds nearest triangles, the fit is numpy's; nothing is random.
    """
    if scans.reference is None:
        return Comparison()
    stored = arrays.load(ws.path((features and features.kept) or cloud.arrays))
    points, normals = stored["points"], stored["normals"].astype(np.float64)
    size = clouds.diagonal(points)
    ws.progress(0.1, f"fitting the scan to {scans.reference.name}")
    found = _placed(points, normals, size, scans, ws)
    if found is None or found.fit.on < FITS:
        return _apart(scans.reference, found, ws)
    ws.progress(0.7, "measuring deviations")
    tolerance = _tolerance(scans, alignment, ws)
    off = _beyond.smoothed(points, found.target.off(rigid.apply(found.fit.pose, points)))
    places = _beyond.places(points, off, tolerance, cloud.spacing) if tolerance else ()
    _keep(mesh, points, off, cloud.spacing, ws)
    result = Comparison(
        reference=scans.reference.name,
        unit=found.unit,
        pose=_to_common(found, scans),
        ways=found.fit.ways,
        measured=_beyond.measured(found.target, rigid.apply(found.fit.pose, points), cloud.spacing),
        mean=float(off.mean()),
        rms=float(np.sqrt((off * off).mean())),
        p95=float(np.percentile(np.abs(off), 95)),
        most=float(np.percentile(np.abs(off), 99.9)),
        tolerance=tolerance,
        within=float((np.abs(off) <= tolerance).mean()) if tolerance else None,
        passed=not places if tolerance else None,
        beyond=places,
        arrays="compare/mesh.npz",
        points="compare/points.npz",
    )
    _say(result, scans, ws)
    return result


class _Found(NamedTuple):
    fit: Fit
    target: Target
    unit: str  # of the reference's coordinates
    scale: float  # from these to the drop's unit


def _placed(
    points: Array, normals: Array, size: float, scans: Scans, ws: Workspace
) -> _Found | None:
    """The best fit among the units in which the reference is about as large as the scan; None where
    there is no such unit."""
    assert scans.reference is not None
    reference = scans.reference
    stored = arrays.load(ws.path(reference.arrays))
    extent = float(np.linalg.norm(np.ptp(stored["vertices"], axis=0)))
    best: _Found | None = None
    units = [reference.unit] if reference.unit else [scans.unit, *METRES]
    for unit in dict.fromkeys(units):
        scale = METRES[unit] / METRES[scans.unit]
        if not _LIKELY[0] < extent * scale / size < _LIKELY[1]:
            continue
        target = Target(stored["vertices"] * scale, stored["faces"])
        found = _Found(_fitting.fit(points, normals, target, size), target, unit, scale)
        if best is None or found.fit.on > best.fit.on:
            best = found
        if best.fit.on >= FITS:
            break
    return best


def _apart(reference: Reference, found: _Found | None, ws: Workspace) -> Comparison:
    """Not compared, and why."""
    if found is None:
        told = f" in {reference.unit}, its own unit," if reference.unit else ", in whatever unit,"
        why = (
            f"{reference.name}{told} is not about as large as the scan; the two were not compared."
            " Set unit, or name the mesh of this part"
        )
    else:
        why = (
            f"the scan does not fit {reference.name}: only {found.fit.on:.0%} of it lies on that"
            " mesh where the two agree best; they were not compared"
        )
    ws.warn(why)
    return Comparison(reference=reference.name, why=why)


def _tolerance(scans: Scans, alignment: Alignment, ws: StageWorkspace[Compare]) -> float | None:
    """In the drop's unit; said where the scan itself is not as good."""
    if ws.options.tolerance is None:
        return None
    tolerance = ws.options.tolerance / 1000 / METRES[scans.unit]
    if scans.unit_guessed:
        ws.warn(
            f"the tolerance counts in mm, and that the scan's unit is {scans.unit} is a guess; set"
            " unit if it is wrong"
        )
    if alignment.gap is not None and alignment.gap > tolerance:
        ws.warn(
            f"the passes lie {alignment.gap:.3g} {scans.unit} from each other where they overlap:"
            f" they do not tell a tolerance of {tolerance:.3g} {scans.unit}"
        )
    return tolerance


def _to_common(found: _Found, scans: Scans) -> tuple[tuple[float, ...], ...]:
    """The reference's own coordinates → the common frame, in the drop's unit."""
    assert scans.reference is not None
    near, scaled = np.eye(4), np.diag([found.scale] * 3 + [1.0])
    near[:3, 3] = -np.asarray(scans.reference.origin, np.float64)
    return rigid.to_matrix(rigid.invert(found.fit.pose) @ scaled @ near)


def _keep(mesh: Mesh, points: Array, off: Array, spacing: float, ws: Workspace) -> None:
    surface = surfaces.load(ws, mesh)
    vertices = surface.vertices.astype(np.float64)
    told = _beyond.onto(vertices, points, off, _surface.reach(spacing))
    arrays.save(
        ws.path("compare/mesh.npz"),
        vertices=vertices,
        faces=surface.faces,
        off=told.astype(np.float32),
    )
    arrays.save(ws.path("compare/points.npz"), off=off.astype(np.float32))


def _say(result: Comparison, scans: Scans, ws: Workspace) -> None:
    """What a person must know before they trust the verdict."""
    assert scans.reference is not None
    name = scans.reference.name
    if result.passed is False:
        many = "1 place" if len(result.beyond) == 1 else f"{len(result.beyond)} places"
        ws.warn(
            f"{many} of the scan beyond {result.tolerance:.3g} {scans.unit} of {name}, the farthest"
            f" {abs(result.beyond[0].off):.3g} {scans.unit}"
            f" {'outside' if result.beyond[0].off > 0 else 'inside'}"
        )
    if result.ways:
        turned = ", ".join(f"{way:.0f}°" if way > 1 else f"{way:.0%}" for way in result.ways[:8])
        ws.warn(
            f"the scan fits {name} in {len(result.ways) + 1} ways (turned or moved by {turned}):"
            " how far it is off is right, but the part's side may be another one"
        )
    if not scans.reference.unit and result.unit != scans.unit:
        ws.warn(f"{name} names no unit; it was read in {result.unit}, in which it fits the scan")
    if result.measured < _SEEN:
        ws.warn(
            f"the scan shows {result.measured:.0%} of the surface of {name}; of the rest nothing is"
            " said"
        )
