"""What align says about its passes: poses in the drop's unit, scores, and words for those that were
left out."""

from __future__ import annotations

import numpy as np

from pipeline.artefacts import Alignment, Link, Pass, Placed, Scans
from pipeline.geometry import rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._links import PairLink

_HELP = "Marks or colours on the object, or something beside it that stays with it, settle this."


def alignment(
    scans: Scans,
    usable: list[Pass],
    main: Group,
    groups: list[Group],
    links: list[PairLink],
    size: float,
    residual: float | None,
    frames: list[Array],
    fixed: bool = False,
) -> Alignment:
    """The artefact. frames: the similarity of each usable pass to its working frame. The common
    frame is the one that the file of the first built pass gives it, else that pass's own; with
    ``fixed`` it is the group's frame as such.
    """
    anchor = min(main.poses)
    own = np.eye(4) if usable[anchor].pose is None else np.asarray(usable[anchor].pose)
    to_common = (
        np.eye(4)
        if fixed
        else own @ np.linalg.inv(frames[anchor]) @ rigid.invert(main.poses[anchor])
    )
    index = {one.name: k for k, one in enumerate(usable)}
    placed = [
        _placed(one, index.get(one.name), main, groups, usable, to_common, frames)
        for one in scans.passes
    ]
    return Alignment(
        passes=tuple(placed),
        links=tuple(_link(link, usable, main) for link in links),
        components=tuple(tuple(usable[k].name for k in sorted(group.poses)) for group in groups),
        size=size,
        gap=residual,
    )


def _placed(
    one: Pass,
    index: int | None,
    main: Group,
    groups: list[Group],
    usable: list[Pass],
    to_common: Array,
    frames: list[Array],
) -> Placed:
    if index is None or index not in main.poses:
        return Placed(
            name=one.name,
            points=one.points,
            placed=False,
            pose=None,
            score=None,
            overlap=None,
            warning=_why(one, index, groups, usable),
        )
    best = max(
        (link for link in main.links if index in (link.a, link.b)),
        key=lambda link: link.score,
        default=None,
    )
    pose = to_common @ main.poses[index] @ frames[index]
    return Placed(
        name=one.name,
        points=one.points,
        placed=True,
        pose=rigid.to_matrix(pose),
        score=None if best is None else best.score,
        overlap=None if best is None else best.evidence.overlap,
        warning=_said(main, index, one.warning),
        ways=1 + len(main.ways.get(index, ())),
    )


def doubts(main: Group, usable: int) -> list[str]:
    """What a person must know before they trust the model."""
    said = []
    if main.ways:
        many = f"{len(main.ways)} of {len(main.poses)} placed passes"
        said.append(
            f"{many} fit in several ways, and nothing in shape or colour decides: the model may be"
            f" wrong there. {_HELP}"
        )
    if main.unconfirmed:
        said.append(
            f"{len(main.unconfirmed)} of {len(main.poses)} placed passes stand where the"
            " coordinates in the files put them; their surfaces overlap too little to confirm it"
        )
    if 2 * len(main.poses) < usable:
        said.append(
            f"only {len(main.poses)} of {usable} passes could be placed: what the others saw is"
            " missing from the model"
        )
    return said


def _said(main: Group, index: int, warning: str | None) -> str | None:
    """What a pass says of how little holds it in its place, before what else it has to say."""
    told = [_ways(main.ways.get(index, ())), main.doubts.get(index), warning]
    if (overlap := main.unconfirmed.get(index)) is not None:
        told.insert(
            0,
            "placed by the coordinates in the files; the surfaces overlap by"
            f" {100 * overlap:.0f} %, not confirmed",
        )
    return "; ".join(filter(None, told)) or None


def _ways(ways: tuple[float, ...]) -> str | None:
    """The other places where a pass would fit as well."""
    if not ways:
        return None
    turned = max(map(abs, ways)) > 1
    told = ", ".join(
        f"{value:.0f}°" if turned else f"{value:.0%} of the size" for value in ways[:8]
    ) + (", …" if len(ways) > 8 else "")
    return (
        f"this pass fits in {len(ways) + 1} ways ({'turned' if turned else 'moved'} by {told}); it"
        " stands in one of them"
    )


def _why(one: Pass, index: int | None, groups: list[Group], usable: list[Pass]) -> str:
    if one.duplicate_of:
        return f"left out: it holds the same points as {one.duplicate_of}"
    with_it = [
        usable[k].name
        for group in groups
        for k in sorted(group.poses)
        if index in group.poses and k != index
    ]
    if with_it:
        return f"left out: it fits {', '.join(with_it)}, but not the larger group"
    return "left out: it could not be matched with certainty"


def _link(link: PairLink, usable: list[Pass], main: Group) -> Link:
    used = any(
        (one.a, one.b, one.method) == (link.a, link.b, link.method) and one.pose is link.pose
        for one in main.links
    )
    return Link(
        a=usable[link.a].name,
        b=usable[link.b].name,
        score=link.score,
        overlap=link.evidence.overlap,
        used=used,
        method=link.method,
    )
