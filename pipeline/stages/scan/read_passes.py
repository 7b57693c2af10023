"""Dropped files → passes with plain coordinates, duplicates named, units compared."""

from __future__ import annotations

import hashlib

import numpy as np
from PIL import Image

from pipeline.artefacts import Dropped, Pass, Scans
from pipeline.formats.account import Account, listed, sentences
from pipeline.geometry import arrays, rigid
from pipeline.geometry.units import METRES
from pipeline.kept.options import ReadPasses
from pipeline.stages.scan import _formats, _frames, _reference, _sources, _unit_guess, _units
from pipeline.stages.scan._parked import Parking
from pipeline.stages.scan._raw import Raw
from pipeline.stages.scan._sound import clean
from pipeline.workspace import StageWorkspace, Workspace

# metres: what is larger, or stands in survey coordinates, is a survey whatever its format, of which
# every point is kept
_SITE = 3.0


def run(dropped: Dropped, photographed: Scans | None, ws: StageWorkspace[ReadPasses]) -> Scans:
    """Read every scan file of the drop; what comes out is finite, in one unit, minus a common
    whole-number origin. What photographs show (photos.densify) is a pass each already.

    In: names of the drop's files (PLY, PCD, XYZ, PTS, TXT, CSV, PTX, E57, LAS, LAZ, OBJ, STL, GLB,
    OFF; .gz, .zip, .tar of these; colour and depth pictures that pair by name). Out: Scans with one
    Pass per scan or frame; several scans in one file are several passes. Guaranteed: ≥ 100 finite
    points each, none at exactly 0 0 0 (what range cameras write for "nothing"). Readers are numpy's
    own work; Open3D, pye57, laspy and trimesh see a file only after its bytes were compared with
    its header. Raises InputRejected naming the file, never skips a damaged one.
    """
    if photographed is not None and photographed.passes:
        mesh = _sources.named_mesh(ws.options.reference, {}, ws)
        return photographed.model_copy(update={"reference": _reference.read(mesh, None, ws)})
    drop = _sources.find(dropped, ws, ws.options.reference)
    sources = drop.sources
    found: list[tuple[Raw, int]] = []
    parking = Parking(ws)
    accounts = [Account(source.name) for source in sources]
    for number, (source, told) in enumerate(zip(sources, accounts, strict=True)):
        ws.progress(number / len(sources), f"reading {source.name}")
        for raw in _formats.read(source, told, drop.beside_of(source)):
            cleaned, missing = clean(raw, told)
            found.append((parking.take(cleaned), missing))
    for raw in _frames.read(drop.frames, drop.texts, ws) if drop.frames else ():
        found.append(clean(raw, Account(raw.name)))
    if left := drop.left_out():
        ws.warn(f"not used, because no scan is read from it: {listed(left, 10)}")
    for text in sentences(accounts):
        ws.warn(text)
    called = _unique([raw.name for raw, _ in found])
    raws = [raw for raw, _ in found]
    scales = _units.scales(raws, called, ws)
    unit = _unit_guess.decide(raws, scales, ws.options.unit, ws)
    origin = _units.origin(raws, scales)
    passes = []
    seen: dict[str, str] = {}
    for number, (name, (raw, missing), scale) in enumerate(zip(called, found, scales, strict=True)):
        whole = raw.picture is None and (
            raw.survey or any(origin) or METRES[unit.name] * scale * _units.size(raw) > _SITE
        )
        passes.append(_store(number, name, raw, missing, scale, origin, whole, seen, ws))
    ws.progress(1.0, f"{len(passes)} passes read")
    return Scans(
        passes=tuple(passes),
        unit=unit.name,
        unit_guessed=unit.other is not None,
        unit_from=unit.from_,
        unit_other=unit.other,
        origin=origin,
        reference=_reference.read(drop.reference, drop, ws),
    )


def _unique(said: list[str]) -> list[str]:
    """Names as they are, numbered where one file gave several passes or two archives hold the same
    name."""
    counts = {name: said.count(name) for name in said}
    used: dict[str, int] = {}
    result = []
    for name in said:
        used[name] = used.get(name, -1) + 1
        result.append(name if counts[name] == 1 else f"{name}#{used[name]}")
    return result


def _store(
    number: int,
    name: str,
    raw: Raw,
    missing: int,
    scale: float,
    origin: tuple[int, int, int],
    kept_whole: bool,
    seen: dict[str, str],
    ws: Workspace,
) -> Pass:
    shift = np.asarray(origin, np.float64)
    pose = raw.pose
    if pose is None:
        points = raw.points * scale - shift
        scanner = None if raw.scanner is None else raw.scanner * scale - shift
    else:  # the pass stays in its own frame; the common frame moves
        points, scanner, pose = (
            raw.points * scale,
            None if raw.scanner is None else raw.scanner * scale,
            pose.copy(),
        )
        pose[:3, 3] = pose[:3, 3] * scale - shift
    twin = seen.setdefault(hashlib.sha256(np.ascontiguousarray(raw.points).data).hexdigest(), name)
    if twin != name:
        ws.warn(f"{name} holds the same points as {twin}; it was left out")
    file, shown = f"read_passes/{number:04d}.npz", None
    if raw.picture is not None:
        shown = f"read_passes/{number:04d}.png"
        Image.fromarray(raw.picture).save(ws.path(shown), compress_level=1)
    arrays.save(ws.path(file), points=points, normals=raw.normals, colors=raw.colors, grid=raw.grid)
    return Pass(
        name=name,
        arrays=file,
        whole=file if kept_whole else None,
        survey=raw.survey,
        located=raw.located,
        grey=raw.grey,
        points=len(points),
        dropped=missing,
        scale=scale,
        scanner=None
        if scanner is None
        else (float(scanner[0]), float(scanner[1]), float(scanner[2])),
        pose=None if pose is None else rigid.to_matrix(pose),
        picture=shown,
        camera=raw.camera,
        duplicate_of=None if twin == name else twin,
        warning=f"scaled by {scale:g} to the unit of the other passes" if scale != 1 else None,
    )
