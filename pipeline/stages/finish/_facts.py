"""scan.json: what was found out about a scan, for programs. No times and no paths in it: same input
and seed, same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from pipeline.artefacts import (
    Comparison,
    Features,
    Hole,
    Mesh,
    Placed,
    PointCloud,
    Results,
    Standpoint,
)
from pipeline.geometry.units import as_matrix, as_rows
from pipeline.kept.versions import versions
from pipeline.stages.finish._deviation import Deviation

LIBRARIES = (
    "inbox3d",
    "numpy",
    "scipy",
    "open3d",
    "trimesh",
    "xatlas",
    "meshoptimizer",
    "small_gicp",
    "kiss_matcher",
    "pillow",
)


def scan_facts(
    results: Results,
    seed: int,
    warnings: list[str],
    passes: Mapping[int, Deviation] = MappingProxyType({}),
) -> dict[str, Any] | None:
    """The content of scan.json; None where nothing was aligned. Poses and frame count from the
    coordinates as they stand in the dropped files and in cloud.ply, survey origin included.
    PASSES: how far the points of each pass lie from the surface."""
    mesh, alignment, scans = results.mesh, results.alignment, results.scans
    cloud, features, exported = results.cloud, results.features, results.exported
    if alignment is None:
        return None
    return {
        "format": 1,
        "passes": [
            _pass(placed, mesh) | _seen(placed, results, passes.get(number))
            for number, placed in enumerate(alignment.passes)
        ],
        "links": [link.model_dump(mode="json") for link in alignment.links],
        "components": [list(names) for names in alignment.components],
        "unit": mesh.unit,
        "unit_guessed": bool(scans and scans.unit_guessed),
        "unit_from": scans.unit_from if scans else "",
        "unit_other": scans.unit_other if scans else None,
        "origin": list(mesh.origin),
        "frame": _rows(as_matrix(mesh.frame) @ _shift(mesh, -1)),
        "size": alignment.size,
        "gap": alignment.gap,
        "cloud": None if cloud is None else _cloud(cloud),
        "features": None if features is None else _features(features, mesh),
        "mesh": mesh_facts(mesh),
        "holes": [_hole(hole, mesh) for hole in mesh.gaps.holes] if mesh.gaps else [],
        "rescan": [_standpoint(one, mesh) for one in mesh.gaps.rescan] if mesh.gaps else [],
        "reference": _reference(results.compared, mesh),
        "assist": mesh.assisted,
        "texture": exported.texture,
        "files": list(exported.files_written),
        "seed": seed,
        "versions": versions(LIBRARIES),
        "warnings": warnings,
    }


def _features(features: Features, mesh: Mesh) -> dict[str, Any]:
    """Offsets and origins count from the dropped files' coordinates, survey origin included."""
    told = features.model_dump(mode="json", exclude={"kept", "frame"})
    for item in told["planes"]:
        item["offset"] -= float(np.dot(item["normal"], mesh.origin))
    for item in told["cylinders"]:
        item["point"] = _there(item["point"], mesh)
    for items in (told["symmetry"] or {}).values():
        for item in items:
            item["origin"] = _there(item["origin"], mesh)
    return told


def _hole(hole: Hole, mesh: Mesh) -> dict[str, Any]:
    told = hole.model_dump(mode="json")
    return told | {"centre": _there(hole.centre, mesh)}


def _standpoint(one: Standpoint, mesh: Mesh) -> dict[str, Any]:
    """``holes`` are numbers of the list of holes, from 0."""
    told = one.model_dump(mode="json")
    return told | {"place": _there(one.place, mesh), "aim": _there(one.aim, mesh)}


def _reference(compared: Comparison | None, mesh: Mesh) -> dict[str, Any] | None:
    """None where no reference was named; places and pose count from the dropped files' coordinates,
    survey origin included."""
    if compared is None or compared.reference is None:
        return None
    told = compared.model_dump(mode="json", exclude={"reference", "arrays", "points", "beyond"})
    if compared.pose is not None:
        told["pose"] = _rows(_shift(mesh, 1) @ as_matrix(compared.pose))
    places = [one.model_dump(mode="json") for one in compared.beyond]
    for one in places:
        one["place"] = _there(one["place"], mesh)
    return {"file": compared.reference, **told, "beyond": places}


def _there(place: tuple[float, float, float], mesh: Mesh) -> list[float]:
    """In the coordinates of the dropped files, survey origin included."""
    return [value + shift for value, shift in zip(place, mesh.origin, strict=True)]


def _cloud(cloud: PointCloud) -> dict[str, Any]:
    """points: of cloud.ply; merged: of the thinned cloud that the mesh was made from."""
    told = cloud.points if cloud.whole_points is None else cloud.whole_points
    return {
        "points": told,
        "merged": cloud.points,
        "spacing": cloud.spacing,
        "colored": cloud.colored,
    }


def assist_facts(results: Results, seed: int) -> dict[str, Any]:
    """What an assist service is told: scan.json as far as it is known before the texture; for other
    kinds the mesh alone."""
    return scan_facts(results, seed, []) or {
        "format": 1,
        "unit": results.mesh.unit,
        "frame": _rows(as_matrix(results.mesh.frame)),
        "mesh": mesh_facts(results.mesh),
        "seed": seed,
    }


def mesh_facts(mesh: Mesh) -> dict[str, Any]:
    return {
        "vertices": mesh.vertices,
        "faces": mesh.faces,
        "watertight": mesh.watertight,
        "manifold": mesh.manifold,
        "unsupported_area": mesh.unsupported_area,
        "scan_to_mesh": mesh.scan_to_mesh,
    }


def as_text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False, default=float) + "\n"


def _pass(placed: Placed, mesh: Mesh) -> dict[str, Any]:
    pose = (
        None
        if placed.pose is None
        else _rows(_shift(mesh, 1) @ as_matrix(placed.pose) @ _shift(mesh, -1))
    )
    return {
        "file": placed.name,
        "points": placed.points,
        "placed": placed.placed,
        "pose": pose,
        "score": placed.score,
        "overlap": placed.overlap,
        "warning": placed.warning,
    }


def _seen(placed: Placed, results: Results, found: Deviation | None) -> dict[str, Any]:
    """In how many places the pass would fit as well, where its scanner stood in the coordinates of
    cloud.ply, and how far its points lie from the surface, in the drop's unit."""
    known = {item.name: item.scanner for item in results.scans.passes} if results.scans else {}
    place = known.get(placed.name)
    at = None
    if place is not None and placed.pose is not None:
        pose = as_matrix(placed.pose)
        at = [float(value) for value in pose[:3, :3] @ np.asarray(place) + pose[:3, 3]]
    return {
        "ways": placed.ways,
        "scanner": None if at is None else _there((at[0], at[1], at[2]), results.mesh),
        "deviation": found and found.told(),
    }


def _shift(mesh: Mesh, sign: int) -> Any:
    matrix = np.eye(4)
    matrix[:3, 3] = np.asarray(mesh.origin, dtype=np.float64) * sign
    return matrix


def _rows(matrix: Any) -> list[list[float]]:
    return [list(row) for row in as_rows(matrix)]
