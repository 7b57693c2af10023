"""Oriented passes → where each stands in one common frame, with the evidence; a doubtful pass is left out and named."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, Link, Pass, Placed, Scans
from pipeline.errors import NoOverlap
from pipeline.geometry import arrays, clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _graph, _joint, _links, _prepared, _verify
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._links import Found
from pipeline.stages.scan._prepared import Prepared
from pipeline.workspace import Workspace


def run(scans: Scans, ws: Workspace) -> Alignment:
    """Find the poses of unordered, scrambled passes.

    In: oriented passes. Out: one Placed per pass (duplicates and doubtful ones unplaced), rigid poses pass → common frame in the drop's
    unit, the links that were found and used, groups of passes that belong together. Guaranteed: a placed pass hangs on a link that is
    strong, or that an independent third pass confirms, and no placed pass lies where another camera saw through.
    Features by Open3D, the rest numpy and scipy; nothing is random. Raises NoOverlap when no two passes match.
    """
    usable = [one for one in scans.passes if one.duplicate_of is None]
    stored = [arrays.load(ws.path(one.arrays)) for one in usable]
    size = float(np.median([clouds.diagonal(one["points"]) for one in stored]))
    if len(usable) == 1:
        return _alignment(scans, usable, [Group({0: np.eye(4)})], [], size, None, [np.eye(4)])
    passes = []
    for number, (one, data) in enumerate(zip(usable, stored, strict=True)):
        ws.progress(0.2 * number / len(usable), f"preparing {one.name}")
        passes.append(_prepared.prepare(one.name, data["points"], data["normals"].astype(np.float64), size))
    links = _links.compare(_find_links(passes, ws))
    groups = _graph.grow(passes, links)
    if len(groups[0].poses) < 2:
        raise NoOverlap(f"none of the {len(usable)} passes could be matched with another")
    ws.progress(0.9, "refining all poses together")
    groups[0].poses = _joint.refine(passes, groups[0].poses)
    to_common = [_normalise(one) for one in passes]
    return _alignment(scans, usable, groups, links, size, _joint.gap(passes, groups[0].poses) * size, to_common)


def _find_links(passes: list[Prepared], ws: Workspace) -> list[Found]:
    """Links of pairs, likely ones first; a pair is left out once both passes hang safely in one group."""
    pairs = list(_links.by_likeness(passes))
    safety = _graph.Safety(len(passes))
    links: list[Found] = []
    for number, (a, b) in enumerate(pairs):
        if safety.enough(a, b):
            continue
        ws.progress(0.2 + 0.6 * number / len(pairs), f"matching {passes[a].name} with {passes[b].name}")
        found = _links.between(a, b, passes)
        if found:
            safety.note(a, b, found[0].score)
        links += found
    return links


def _normalise(one: Prepared) -> Array:
    """The similarity pass → centred at size 1."""
    pose = np.eye(4) / one.size
    pose[:3, 3] = -one.centre / one.size
    pose[3, 3] = 1
    return pose


def _alignment(scans: Scans, usable: list[Pass], groups: list[Group], links: list[Found], size: float, gap: float | None, frames: list[Array]) -> Alignment:
    main = groups[0]
    anchor = min(main.poses)
    placed = []
    for one in scans.passes:
        index = next((k for k, other in enumerate(usable) if other.name == one.name), None)
        if index is None or index not in main.poses:
            why = f"the same points as {one.duplicate_of}" if one.duplicate_of else "it could not be matched with certainty"
            placed.append(Placed(name=one.name, points=one.points, placed=False, pose=None, score=None, overlap=None, warning=f"left out: {why}"))
            continue
        mine = [link for link in main.links if index in (link.a, link.b)]
        best = max(mine, key=lambda link: link.score, default=None)
        pose = np.linalg.inv(frames[anchor]) @ rigid.invert(main.poses[anchor]) @ main.poses[index] @ frames[index]
        placed.append(Placed(
            name=one.name, points=one.points, placed=True, pose=rigid.to_matrix(pose), score=None if best is None else best.score,
            overlap=None if best is None else best.evidence.overlap, warning=one.warning,
        ))  # fmt: skip
    return Alignment(
        passes=tuple(placed), links=tuple(_link(link, usable, main, frames) for link in links),
        components=tuple(tuple(usable[k].name for k in sorted(group.poses)) for group in groups), size=size, gap=gap,
    )  # fmt: skip


def _link(link: Found, usable: list[Pass], main: Group, frames: list[Array]) -> Link:
    return Link(a=usable[link.a].name, b=usable[link.b].name, score=link.score, overlap=link.evidence.overlap,
                used=any(link is one for one in main.links), method=link.method)  # fmt: skip
