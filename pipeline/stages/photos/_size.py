"""How large photographed things are: by a distance between marked points, by printed markers, or by
a list of places beside the photographs; photographs alone tell no size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from pipeline.artefacts import PosedPicture
from pipeline.formats import frames
from pipeline.formats.refusals import Source
from pipeline.geometry import rigid
from pipeline.stages.photos import _distances, _markers, _places
from pipeline.stages.photos._markers import Sighted, Told
from pipeline.stages.photos._world import Shot
from pipeline.workspace import Workspace

AGREE = 0.02  # share by which sizes that two tell may differ
ARBITRARY = (
    "photographs tell no size: the model is as large as if the middle one of these {} had been"
    " taken from 1 m away. A printed sheet of `inbox3d board` beside the object, a distance between"
    " two marked points (distances.txt), or a list of the cameras' places, tells it"
)

UNPROVEN = (
    "the size rests on {} alone, whose places were read as metres: where they are of another unit,"
    " or of none, as COLMAP and nerfstudio write them, it is wrong. A printed sheet of `inbox3d"
    " board` beside the object, or a distance between two marked points (distances.txt), proves it"
)


def told(
    pictures: Sequence[PosedPicture],
    shots: Sequence[Shot],
    beside: Sequence[Source],
    edge: float | None,
    ws: Workspace,
) -> Told:
    """What one unit of the common frame is in metres, by the one with which most others agree, of
    several the first: distances between points that are marked in SHOTS, markers (their EDGE in mm,
    where it was asked for), places; the first and the last stand in lists BESIDE. The words tell
    which agree and which contradict it; what does not fit is a warning."""
    name, places = _places.read(beside)
    marked = _distances.read([one for one in beside if frames.is_distances(one.name)])
    for words in _unread(beside, marked):
        ws.warn(words)
    centres = {one.name: rigid.invert(np.asarray(one.pose))[:3, 3] for one in pictures}
    found = [_distances.size(marked, pictures, shots)] if marked else []
    found += [_by_markers(pictures, edge, ws)]
    found += [_places.size(name, places, centres)] if places else []
    for one in found:
        if one.metres is None and one.words:
            ws.warn(one.words)
    known = [one for one in found if one.metres is not None]
    if not known:
        ws.warn(ARBITRARY.format(len(pictures)))
        return Told(None, "photographs tell no size")
    if places and known == found[-1:]:
        ws.warn(UNPROVEN.format(name))
    size, contradicted = chosen(known)
    for words in contradicted:
        ws.warn(f"two tell the size, and not the same: {words}")
    if size.doubt:
        ws.warn(size.doubt)
    return size


def _unread(beside: Sequence[Source], marked: _distances.Marked | None) -> list[str]:
    """What lists BESIDE photographs say that could not be read."""
    said = []
    for one in beside:
        told = _distances.read([one]) if frames.is_distances(one.name) else None
        if frames.is_distances(one.name) and told is None:
            said.append(
                f"{one.name} is not used: no row of it tells a distance, as A B 350 mm does"
            )
        elif told is None and frames.tells_places(one.name) and not _places.read([one])[1]:
            said.append(f"{one.name} is not used: no row of it tells a photograph's name and x y z")
    if marked is not None and marked.unread:
        said.append(
            f"{marked.name}: {marked.unread[0]!r} is neither a mark in a photograph nor a distance"
            f" between two points with its unit"
            + (f", nor are {len(marked.unread) - 1} further rows" if marked.unread[1:] else "")
        )
    return said


def chosen(known: Sequence[Told]) -> tuple[Told, list[str]]:
    """Of several that tell metres the one with which most of the others agree, its words with what
    these say of it; and those that contradict it, in words."""
    best = max(known, key=lambda one: sum(_apart(one, other) <= AGREE for other in known))
    words, contradicted = [best.words], []
    for other in known:
        apart = _apart(best, other)
        if other is not best and apart <= AGREE:
            words.append(f"{other.words}: these agree within {max(apart, 0.001):.1%}")
        elif other is not best:
            words.append(f"{other.words}: these differ from it by {apart:.0%} and are not used")
            contradicted.append(f"{best.words}; {words[-1]}")
    return best._replace(words="; ".join(words)), contradicted


def _apart(one: Told, other: Told) -> float:
    """The share by which the sizes that two tell differ."""
    assert one.metres and other.metres
    return float(np.expm1(abs(np.log(one.metres / other.metres))))


def _by_markers(pictures: Sequence[PosedPicture], edge: float | None, ws: Workspace) -> Told:
    sighted = []
    for one in pictures:
        with Image.open(ws.path(one.image)) as opened:
            corners = _markers.sought(np.asarray(opened.convert("RGB")))
        if corners:
            sighted.append(Sighted(one.camera, np.asarray(one.pose), corners))
    return _markers.size(sighted, edge)


def scaled(picture: PosedPicture, by: float) -> PosedPicture:
    """The same in a frame whose unit is BY times as small."""
    pose = np.array(picture.pose)
    pose[:3, 3] *= by
    return picture.model_copy(update={"pose": rigid.to_matrix(pose)})
