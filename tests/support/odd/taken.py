"""Dropping files as people do: the intake says what they are, the first stage of that kind reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from pipeline.artefacts import Dropped
from pipeline.drops.kind import identify
from pipeline.errors import InputRejected
from pipeline.formats import completeness
from pipeline.geometry import arrays
from pipeline.geometry import surface as surfaces
from pipeline.geometry.colour import to_linear, to_srgb
from pipeline.geometry.surface import Surface
from pipeline.jobs import parse
from pipeline.recipes import call, stage_function
from pipeline.workspace import StageWorkspace
from tests.support import meshfiles

Files = dict[str, bytes]
FIRST = {"convert": "mesh.read_mesh", "scan": "scan.read_passes"}
GRID = [((i + 1 / 3) / 8, (j + 1 / 3) / 8) for i in range(8) for j in range(8 - i)]


class Taken(NamedTuple):
    """refused: message and remedy, None where the files were read; said: every note and warning; read: what the stage returned."""

    ws: StageWorkspace[Any]
    refused: str | None
    said: list[str]
    kind: str
    read: Any

    @property
    def surface(self) -> Surface:
        return surfaces.load(self.ws, self.read)

    def passes(self) -> list[dict[str, Any]]:
        """The arrays of each pass, in the coordinates of the file."""
        held = [(one, {**arrays.load(self.ws.path(one.arrays))}) for one in self.read.passes]
        for one, found in held:
            found["points"] = found["points"] + (0 if one.pose else np.array(self.read.origin))
        return [found for _, found in held]


def taken(folder: Path, files: Files, **options: Any) -> Taken:
    """What becomes of FILES, dropped together below FOLDER."""
    drop = folder / "drop"
    for name, data in files.items():
        (drop / name).parent.mkdir(parents=True, exist_ok=True)
        (drop / name).write_bytes(data)
    ws, kind, said = (
        StageWorkspace(folder / "work", drop, options=parse({"kind": "convert"})),
        "",
        [],
    )
    try:
        found = identify(drop, list(files))
        kind, said = found.kind, [*found.notes, *(f"not used: {name}" for name in found.not_used)]
        for name in files:
            with (drop / name).open("rb") as stream:
                if missing := completeness.cut_off(name, len(files[name]), stream):
                    return Taken(ws, f"{name} looks cut off: {missing}", said, kind, None)
        ws = StageWorkspace(
            folder / "work", drop, options=parse({"kind": kind, **found.options, **options})
        )
        read = call(stage_function(FIRST[kind]), [Dropped(names=tuple(found.used))], ws)
    except InputRejected as refusal:
        return Taken(ws, f"{refusal.message} {refusal.remedy}", [*said, *ws.warnings], kind, None)
    return Taken(ws, None, [*said, *ws.warnings], kind, read)


def judged(folder: Path, files: Files, want: dict[str, Any], **options: Any) -> list[str]:
    """What is not as WANT says. or_says: a word that makes any other outcome honest."""
    got = taken(folder, files, **options)
    words = [*got.said, *([got.refused] if got.refused else [])]
    honest = "or_says" in want and any(re.search(want["or_says"], text, re.I) for text in words)
    if got.refused is not None:
        fits = "refused" in want and re.search(want["refused"], got.refused, re.I)
        return [] if fits or honest else [f"refused: {got.refused}"]
    faults = ["not refused"] if "refused" in want and not honest else []
    if not honest:
        faults += mesh_faults(got, want) if got.kind == "convert" else cloud_faults(got, want)
    if "says" in want and not any(re.search(want["says"], text, re.I) for text in got.said):
        faults.append(f"says nothing of {want['says']}: {got.said}")
    loud = [text for text in got.said if "unit" not in text]
    return [*faults, *([f"warned of {loud}"] if want.get("quiet") and loud else [])]


def mesh_faults(got: Taken, want: dict[str, Any]) -> list[str]:
    surface = got.surface
    placed = surface.vertices @ np.array(got.read.frame)[:3, :3].T
    seen = {
        "volume": lambda: meshfiles.volume(surface.vertices, surface.faces),
        "area": lambda: meshfiles.area(surface.vertices, surface.faces),
        "faces": lambda: len(surface.faces),
        "mm": lambda: np.sort(np.ptp(placed, axis=0) * 1000),
    }
    faults = [
        f"{key}: {read()} is not {want[key]}"
        for key, read in seen.items()
        if key in want and not np.allclose(read(), np.sort(np.atleast_1d(want[key])), rtol=2e-3)
    ]
    for color, share in want.get("shares", {}).items():
        found = share_of(got, color)
        faults += [] if abs(found - share) < 0.04 else [f"{color} covers {found:.2f}, not {share}"]
    return faults


def cloud_faults(got: Taken, want: dict[str, Any]) -> list[str]:
    passes = got.passes()
    first, points = passes[0], want["points"]
    faults = [] if len(passes) == want.get("passes", 1) else [f"{len(passes)} passes"]
    if first["points"].shape != points.shape:
        return [*faults, f"{len(first['points'])} points, not {len(points)}"]
    if not np.allclose(first["points"], points, rtol=1e-6, atol=want.get("tol", 2e-3)):
        faults.append(f"first point {first['points'][0]}, not {points[0]}")
    for key, within in (("colors", 1), ("normals", 0.01)):
        if key in want and (
            key not in first or np.abs(first[key].astype(float) - want[key]).max() > within
        ):
            faults.append(f"{key} are {first.get(key, [None])[0]}, not {want[key][0]}")
    if "unit" in want and got.read.unit != want["unit"]:
        faults.append(f"unit {got.read.unit}")
    return faults


def share_of(got: Taken, color: tuple[int, int, int]) -> float:
    """The share of the surface that shows COLOR, give or take 12."""
    mesh, surface = got.read, got.surface
    b = np.array(GRID)
    weights = np.column_stack([1 - b.sum(axis=1), b])
    a, b, c = (surface.vertices[surface.faces[:, k]] for k in range(3))
    area = np.repeat(np.linalg.norm(np.cross(b - a, c - a), axis=1), len(weights))

    def spread(rows: Any) -> Any:
        return np.einsum("sk,fkc->fsc", weights, rows[surface.faces]).reshape(-1, rows.shape[1])

    if picture := mesh.image or mesh.painted_image:
        held = np.load(got.ws.path(mesh.painted)) if mesh.painted else {"uv": surface.uv}
        image = np.asarray(Image.open(got.ws.path(picture)).convert("RGB"))
        u, v = spread(held["uv"]).T * np.array([[image.shape[1]], [image.shape[0]]])
        column, row = u.astype(int).clip(0, image.shape[1] - 1), (image.shape[0] - v).astype(int)
        shown = image[row.clip(0, image.shape[0] - 1), column].astype(float)
        if mesh.painted:
            shown = to_srgb(to_linear(shown.astype(np.uint8)) * spread(to_linear(held["tint"])))
    elif surface.colors is not None:
        shown = spread(surface.colors.astype(float))
    else:
        return 0.0
    return float(area[(np.abs(shown - np.array(color)) <= 12).all(axis=1)].sum() / area.sum())
