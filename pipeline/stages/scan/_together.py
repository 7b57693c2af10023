"""All passes of a drop, ready for matching → links between them and the groups that they make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pipeline.artefacts import Pass, Scans
from pipeline.geometry.rigid import Array
from pipeline.kept.options import Align
from pipeline.stages.scan import (
    _again,
    _ambiguity,
    _by_colour,
    _declared,
    _graph,
    _held,
    _joint,
    _links,
    _loose,
    _safety,
    _sequence,
)
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._prepared import Prepared
from pipeline.workspace import StageWorkspace, Workspace


def grown(
    scans: Scans,
    usable: list[Pass],
    passes: list[Prepared],
    scene: bool,
    ws: StageWorkspace[Align],
) -> tuple[list[PairLink], list[Group]]:
    """Links between the passes, and the groups that they make, refined; what the files claim of
    their places is kept where nothing speaks against it."""
    told = _sequence.told([one.name for one in usable], ws.options.turntable, ws.options.order)
    claim = _declared.claim(scans, usable, passes)
    groups: list[Group] = []
    if claim is not None and claim.sure:
        links = _links.compare(claim.links)
        groups = _graph.grow(passes, links)
    if claim is None or not claim.sure or len(groups[0].poses) < len(passes):
        found = _find_links(passes, [given(one) for one in usable], told, scene, ws)
        claim = None if claim is None or _declared.refuted(claim, found) else claim
        if claim is None or not claim.sure:
            links, groups = _joined(passes, found)
            if claim is None and not scene:
                links, groups = _second_look(passes, found, links, groups, ws)
            claim = None if len(groups[0].poses) > 1 else claim
        if claim is not None:
            free = [one for one in found if not claim.held(one.a, one.b)]
            links, groups = _joined(passes, claim.links + free)
    ws.progress(0.9, "refining all poses together")
    for group in groups:
        if claim is None:
            symmetry = _ambiguity.check(passes, group, links, told)
            group.poses = _joint.refine(passes, group.poses)
            if symmetry is not None and symmetry.slip is not None and symmetry.slip.turns:
                group.poses = _by_colour.refined(passes, group.poses, symmetry.slip)
            _held.tell(passes, group)
        else:
            group.poses = _declared.refine(passes, group.poses)
    if claim is None:  # colours may have left passes out
        return links, sorted(groups, key=lambda group: (-len(group.poses), min(group.poses)))
    _declared.place(groups[0], claim)
    main = groups[0].poses.keys()
    return links, groups[:1] + [one for one in groups[1:] if not one.poses.keys() <= main]


def _joined(passes: list[Prepared], found: list[PairLink]) -> tuple[list[PairLink], list[Group]]:
    links = _links.compare(found)
    return links, _ambiguity.join(_graph.grow(passes, links), links)


def _second_look(
    passes: list[Prepared],
    found: list[PairLink],
    links: list[PairLink],
    groups: list[Group],
    ws: Workspace,
) -> tuple[list[PairLink], list[Group]]:
    """Links and groups, once more where passes were left apart."""
    pairs, seen, more = _again.pairs(groups, passes), dict[int, Prepared](), list[PairLink]()
    for number, (a, b) in enumerate(pairs):
        ws.progress(
            0.8 + 0.1 * number / len(pairs),
            f"looking again at {passes[a].name} and {passes[b].name}",
        )
        more += _loose.marked(_again.between(a, b, passes, seen), passes)
    return _joined(passes, found + more) if more else (links, groups)


def given(one: Pass) -> Array:
    """The pose that the file gives, else the frame it came in: passes may be aligned already."""
    return np.eye(4) if one.pose is None else np.asarray(one.pose)


def _find_links(
    passes: list[Prepared],
    given: list[Array],
    told: _sequence.Told,
    scene: bool,
    ws: Workspace,
) -> list[PairLink]:
    """Links of pairs, neighbours that a person told of and then likely ones first; a pair is left
    out once both passes hang safely in one group."""
    pairs = sorted(_links.by_likeness(passes), key=lambda pair: not told.neighbours(*pair))
    frames = [pose @ np.linalg.inv(normalise(one)) for pose, one in zip(given, passes, strict=True)]
    safety = _safety.Safety(len(passes))
    links: list[PairLink] = []
    for number, (a, b) in enumerate(pairs):
        if safety.enough(a, b):
            continue
        ws.progress(
            0.2 + 0.6 * number / len(pairs), f"matching {passes[a].name} with {passes[b].name}"
        )
        between = np.linalg.inv(frames[b]) @ frames[a]
        found = _links.between(a, b, passes, between, scene)
        found = _loose.marked(found, passes, scene)
        if found:
            safety.note(a, b, found[0].score)
        links += [replace(link, told=True) for link in found] if told.neighbours(a, b) else found
    return links


def normalise(one: Prepared) -> Array:
    """T_centred_pass: the similarity that centres a pass, at size 1."""
    pose = np.eye(4) / one.size
    pose[:3, 3] = -one.centre / one.size
    pose[3, 3] = 1
    return pose
