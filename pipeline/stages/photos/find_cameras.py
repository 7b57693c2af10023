"""Photographs → where each was taken, and through what lens; those without a place are named."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Any

import numpy as np

from pipeline.artefacts import Dropped, PosedPicture, PosedPictures
from pipeline.geometry import arrays, rigid
from pipeline.kept.options import FindCameras
from pipeline.stages.photos import (
    _copies,
    _drop,
    _mapping,
    _pictures,
    _size,
    _straight,
    _why,
    _world,
)
from pipeline.stages.photos._mapping import Mapped
from pipeline.stages.photos._pictures import Photo
from pipeline.stages.photos._world import Shot
from pipeline.workspace import StageWorkspace, Workspace

NO_UNIT = (
    "unit={} is not used: pixels are in no unit, and the model of photographs is in metres. A sheet"
    " of `inbox3d board`, distances.txt or a list of the cameras' places tells how large it is"
)


def run(dropped: Dropped, ws: StageWorkspace[FindCameras]) -> PosedPictures:
    """Find the cameras of photographs of one thing, in any order.

    In: names of the drop's pictures; of a drop with scan files nothing is done. Out: one
    PosedPicture per photograph that found its place, without lens distortion; the common frame is
    chosen (z up, what they look at at the origin; metres where markers or a list of places tell
    the size, else the median distance is 1). Guaranteed: at least three
    photographs, each held by at least 30 points that others see too. Library: pycolmap. Raises
    NoOverlap where fewer than three hang together.
    """
    sources, masks, lists = _drop.photographs(dropped, ws.options.reference, ws)
    if not sources:
        return PosedPictures(pictures=())
    if ws.options.unit != "auto":
        ws.warn(NO_UNIT.format(ws.options.unit))
    photos, unread = _pictures.read(sources, masks, ws.options.photo_edge, ws)
    if len(photos) < _why.FEWEST:
        raise _why.too_few(len(photos), len(sources), unread, "used")
    mapped = _mapping.map_photos(photos, ws, len(os.sched_getaffinity(0)))
    joined = mapped.models[0].num_reg_images() if mapped.models else 0
    if joined < _why.FEWEST and len(mapped.turned) >= _why.FEWEST:
        raise _why.one_spot(len(mapped.turned))
    if joined < _why.FEWEST:
        raise _why.too_few(joined, len(sources), unread)
    shots, points = _shots(mapped.models[0], photos)
    if copies := _copies.copies(shots, points):
        mapped = _mapping.without(mapped, photos, copies, ws)
        shots, points = _shots(mapped.models[0], photos)
    shots = [shot for shot in shots if shot.name not in copies]
    unread |= {name: _copies.WHY.format(original) for name, original in copies.items()}
    if len(shots) < _why.FEWEST:
        raise _why.too_few(len(shots), len(sources), unread, "used")
    left_out = _why.left_out(sources, shots, mapped, unread)
    for name, reason in left_out:
        ws.warn(f"{name}: left out: {reason}")
    shots, points, about = _world.framed(shots, points)
    ws.progress(0.9, "straightening photographs")
    pictures = tuple(_posed(number, shot, ws) for number, shot in enumerate(shots))
    size = _size.told(pictures, shots, lists, ws.options.marker_edge, ws)
    unit = size.metres or 1.0
    pictures = tuple(_size.scaled(one, unit) for one in pictures)
    seen = [np.stack([shot.sees, np.full_like(shot.sees, k)], 1) for k, shot in enumerate(shots)]
    arrays.save(ws.path("photos/sparse.npz"), points=unit * points, seen=np.concatenate(seen))
    return PosedPictures(
        pictures=pictures,
        left_out=tuple(left_out),
        links=tuple((a, b, count) for (a, b), count in sorted(mapped.matches.items())),
        groups=_groups(mapped, photos, copies),
        sparse="photos/sparse.npz",
        about=None if about is None else tuple(unit * value for value in about),
        size_known=size.metres is not None,
        size_from=size.words,
        up_known=_world.tell_up(shots),
    )


def _shots(model: Any, photos: list[Photo]) -> tuple[list[Shot], Any]:
    """The photographs of a reconstruction in the order of their names, and its points (N,3)."""
    called = {photo.copy.rpartition("/")[2]: photo for photo in photos}
    ids = sorted(model.points3D)
    row = {key: number for number, key in enumerate(ids)}
    points = np.array([model.points3D[key].xyz for key in ids])
    shots = []
    for image in sorted(model.images.values(), key=lambda one: one.name):
        if not image.has_pose:
            continue
        photo, pose = called[image.name], image.cam_from_world()
        focal, cx, cy, k = map(float, model.cameras[image.camera_id].params)
        held = [point for point in image.points2D if point.has_point3D()]
        sees = np.array(sorted({row[point.point3D_id] for point in held}), np.int32)
        errors = [model.points3D[ids[number]].error for number in sees]
        shots.append(
            Shot(
                photo,
                (focal, cx, cy, k),
                pose.rotation.matrix(),
                np.array(pose.translation),
                sees,
                float(np.mean(errors)) if errors else 0.0,
            )
        )
    return shots, points


def _posed(number: int, shot: Shot, ws: Workspace) -> PosedPicture:
    from PIL import Image

    file = f"photos/straight/{number:05d}.jpg"
    with Image.open(ws.path(shot.photo.copy)) as opened:
        camera = _straight.straighten(opened.convert("RGB"), shot.params, ws.path(file))
    ws.path(shot.photo.copy).unlink()
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = shot.rotation, shot.translation
    mask = None
    if shot.photo.mask is not None:
        mask = f"photos/straight/{number:05d}.mask.png"
        with Image.open(ws.path(shot.photo.mask)) as opened:
            _straight.straighten_mask(opened, shot.params, ws.path(mask))
    return PosedPicture(
        image=file,
        mask=mask,
        camera=camera,
        pose=rigid.to_matrix(pose),
        name=shot.name,
        points=len(shot.sees),
        residual=shot.residual,
    )


def _groups(
    mapped: Mapped, photos: list[Photo], without: Collection[str]
) -> tuple[tuple[str, ...], ...]:
    called = {photo.copy.rpartition("/")[2]: photo.name for photo in photos}
    return tuple(
        tuple(
            sorted(
                {
                    called[image.name] for image in model.images.values() if image.has_pose
                }.difference(without)
            )
        )
        for model in mapped.models
    )
