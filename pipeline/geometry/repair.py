"""Repairs a triangle mesh: what it takes to become an oriented manifold, step by step, with a count
of what was done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import crowded, holes
from pipeline.geometry.orient import oriented
from pipeline.geometry.surface import Surface
from pipeline.geometry.topology import (
    Verdict,
    face_normals,
    fans,
    parts,
    proper,
    verdict,
    volume,
    weld,
)

Array = NDArray[Any]
WELD = 1e-7  # share of the size: below float32 resolution
APART = 0.01  # how far a split vertex moves towards the middle of its faces
FLOATER = 0.01  # share of the largest part's area
NOTHING = Verdict(False, False, False)


@dataclass
class Repaired:
    """surface; shape: what is true of it; done: what was done, with counts."""

    surface: Surface
    shape: Verdict = NOTHING
    done: dict[str, int] = field(default_factory=dict)

    def note(self, what: str, count: int) -> None:
        if count:
            self.done[what] = self.done.get(what, 0) + int(count)


def repair(surface: Surface, widest_hole: float, drop_floaters: bool) -> Repaired:
    """Weld, drop degenerate and duplicate faces, undo non-manifold places, drop floaters, orient,
    fill holes up to WIDEST_HOLE (unit of the vertices). Guarantees faces on welded vertices, no
    edge with three faces and agreeing neighbours where the surface is orientable; per-vertex
    colours stay with their vertices, uv and normals are dropped (libraries: numpy, scipy)."""
    result = Repaired(replace(surface, uv=None, normals=None))
    _weld(result)
    if not len(result.surface.faces):
        return result
    _fins(result)
    if drop_floaters:
        _floaters(result)
    for _ in range(5):
        _one_fan(result)
        _manifold_edges(result)
        result.shape = verdict(result.surface.faces)
        if _orient(result) | _fill(result, widest_hole):
            result.shape = verdict(result.surface.faces)
        if result.shape.manifold and result.shape.oriented:
            break
    if result.shape.oriented:
        _outward(result)
    return result


def _weld(result: Repaired) -> None:
    surface = result.surface
    faces = weld(surface.vertices, WELD * surface.size)[surface.faces]
    keep = proper(faces, surface.vertices)
    result.note("degenerate or duplicate faces dropped", len(faces) - int(keep.sum()))
    result.surface = surface.only(faces[keep])


def _fins(result: Repaired) -> None:
    fin = crowded.fins(result.surface.faces)
    result.note("faces stuck onto a closed surface dropped", int(fin.sum()))
    if fin.any():
        result.surface = result.surface.only(result.surface.faces[~fin])


def _manifold_edges(result: Repaired) -> None:
    """At an edge with three or more faces the two largest stay."""
    for _ in range(5):
        drop = crowded.beyond_two(result.surface.vertices, result.surface.faces)
        if not len(drop):
            return
        result.note("faces at non-manifold edges dropped", len(drop))
        result.surface = result.surface.only(np.delete(result.surface.faces, drop, axis=0))


def _one_fan(result: Repaired) -> None:
    """Where fans of faces touch in one vertex, or surfaces along an edge, each further fan gets a
    vertex of its own, a little towards that fan, so that they stay apart when a program welds equal
    places."""
    faces = result.surface.faces
    fan = fans(faces, crowded.told_apart(faces))
    corner = faces.ravel()
    owner = np.empty(int(fan.max()) + 1, dtype=np.int64)
    owner[fan] = corner  # the vertex of each fan
    order = np.lexsort((-np.bincount(fan), owner))  # the largest fan keeps the place
    extra = order[np.r_[False, np.diff(owner[order]) == 0]]
    if not len(extra):
        return
    place = owner.copy()
    place[extra] = len(result.surface.vertices) + np.arange(len(extra))
    copies = np.r_[np.arange(len(result.surface.vertices)), owner[extra]]
    result.note("vertices split where surfaces touched", len(extra))
    split = result.surface.split(copies, place[fan].reshape(-1, 3))
    moved = split.vertices.copy()
    loose = np.flatnonzero(np.isin(split.faces, place[extra]).any(axis=1))
    corners, centres = (
        split.faces[loose].ravel(),
        np.repeat(moved[split.faces[loose]].mean(axis=1), 3, axis=0),
    )
    ours = corners >= len(result.surface.vertices)
    number = np.bincount(corners[ours], minlength=len(moved))[:, None]
    toward = np.stack(
        [
            np.bincount(corners[ours], weights=centres[ours, i], minlength=len(moved))
            for i in range(3)
        ],
        axis=1,
    )
    moved = np.where(number > 0, moved + APART * (toward / np.maximum(number, 1) - moved), moved)
    result.surface = replace(split, vertices=moved)


def _floaters(result: Repaired) -> None:
    faces = result.surface.faces
    part = parts(faces, len(result.surface.vertices))
    _, area = face_normals(result.surface.vertices, faces)
    areas = np.bincount(part, weights=area)
    small = areas < FLOATER * areas.max(initial=0.0)
    result.note("floating pieces dropped", int(small.sum()))
    if small.any():
        result.surface = result.surface.only(faces[~small[part]])


def _orient(result: Repaired) -> bool:
    if result.shape.oriented:
        return False
    faces, keep = oriented(result.surface.faces)
    result.note(
        "faces turned to agree with their neighbours",
        int((faces != result.surface.faces).any(axis=1).sum()),
    )
    result.note("faces dropped where the surface had one side only", int((~keep).sum()))
    result.surface = replace(result.surface, faces=faces.astype(np.int32)).only(faces[keep])
    return True


def _fill(result: Repaired, widest: float) -> bool:
    if widest <= 0 or result.shape.closed:
        return False
    filled = holes.fill(result.surface.vertices, result.surface.faces, widest)
    result.note("holes filled", filled.closed)
    added = len(filled.vertices) - len(result.surface.vertices)
    colors = result.surface.colors
    if colors is not None and added:
        near = filled.faces[len(result.surface.faces) :]
        fill_colors = np.array(
            [_around(near, colors, len(colors) + i) for i in range(added)], np.uint8
        )
        colors = np.concatenate([colors, fill_colors])
    result.surface = replace(
        result.surface, vertices=filled.vertices, faces=filled.faces.astype(np.int32), colors=colors
    )
    return filled.closed > 0


def _around(patches: Array, colors: Array, vertex: int) -> Array:
    """Mean colour of the rim around an added centre."""
    rim = np.unique(patches[(patches == vertex).any(axis=1)])
    return np.asarray(colors[rim[rim < len(colors)]].mean(axis=0))


def _outward(result: Repaired) -> None:
    """Closed parts that face inward are turned, but for cavities: parts inside the box of a larger
    one."""
    surface = result.surface
    part = parts(surface.faces, len(surface.vertices))
    turned = surface.faces.copy()
    count = int(part.max(initial=-1)) + 1
    if count > 200:
        return
    boxes = [surface.vertices[surface.faces[part == i].ravel()] for i in range(count)]
    low, high = np.array([b.min(axis=0) for b in boxes]), np.array([b.max(axis=0) for b in boxes])
    for i in range(count):
        mine = part == i
        inside = ((low < low[i]) & (high > high[i])).all(axis=1).any()
        if (
            not inside
            and volume(surface.vertices, surface.faces[mine]) < 0
            and verdict(surface.faces[mine]).closed
        ):
            turned[mine] = turned[mine][:, ::-1]
            result.note("parts turned outward", 1)
    result.surface = replace(surface, faces=turned)
