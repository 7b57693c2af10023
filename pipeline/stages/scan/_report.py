"""What align says about its passes: poses in the drop's unit, scores, and words for those that were left out."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, Link, Pass, Placed, Scans
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._links import Found


def alignment(
    scans: Scans,
    usable: list[Pass],
    main: Group,
    groups: list[Group],
    links: list[Found],
    size: float,
    gap: float | None,
    frames: list[Array],
    fixed: bool = False,
) -> Alignment:
    """The artefact. frames: the similarity of each usable pass to its working frame. The common frame is the one that the file of the
    first built pass gives it, else that pass's own; with ``fixed`` it is the group's frame as such.
    """
    anchor = min(main.poses)
    own = np.eye(4) if usable[anchor].pose is None else np.asarray(usable[anchor].pose)
    to_common = np.eye(4) if fixed else own @ np.linalg.inv(frames[anchor]) @ rigid.invert(main.poses[anchor])
    index = {one.name: k for k, one in enumerate(usable)}
    placed = [_placed(one, index.get(one.name), main, groups, usable, to_common, frames) for one in scans.passes]
    return Alignment(
        passes=tuple(placed), links=tuple(_link(link, usable, main) for link in links),
        components=tuple(tuple(usable[k].name for k in sorted(group.poses)) for group in groups), size=size, gap=gap,
    )  # fmt: skip


def _placed(
    one: Pass, index: int | None, main: Group, groups: list[Group], usable: list[Pass], to_common: Array, frames: list[Array]
) -> Placed:
    if index is None or index not in main.poses:
        return Placed(
            name=one.name, points=one.points, placed=False, pose=None, score=None, overlap=None, warning=_why(one, index, groups, usable)
        )
    best = max((link for link in main.links if index in (link.a, link.b)), key=lambda link: link.score, default=None)
    pose = to_common @ main.poses[index] @ frames[index]
    return Placed(
        name=one.name, points=one.points, placed=True, pose=rigid.to_matrix(pose), score=None if best is None else best.score,
        overlap=None if best is None else best.evidence.overlap, warning=one.warning,
    )  # fmt: skip


def _why(one: Pass, index: int | None, groups: list[Group], usable: list[Pass]) -> str:
    if one.duplicate_of:
        return f"left out: it holds the same points as {one.duplicate_of}"
    with_it = [usable[k].name for group in groups for k in sorted(group.poses) if index in group.poses and k != index]
    if with_it:
        return f"left out: it fits {', '.join(with_it)}, but not the larger group"
    return "left out: it could not be matched with certainty"


def _link(link: Found, usable: list[Pass], main: Group) -> Link:
    used = any((one.a, one.b, one.method) == (link.a, link.b, link.method) and one.pose is link.pose for one in main.links)
    return Link(
        a=usable[link.a].name, b=usable[link.b].name, score=link.score, overlap=link.evidence.overlap, used=used, method=link.method
    )
