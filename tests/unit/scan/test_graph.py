"""How links join passes into groups: what a better link between two groups says, a merge keeps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.geometry import clouds, rigid
from pipeline.stages.scan import _graph, _joint, _links, _loose, _prepared, _verify
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._verify import Evidence


def waves(shift: float) -> Prepared:
    """A patch of a surface that lies on itself in one place only; the second one begins farther on."""
    across = np.stack(np.meshgrid(*2 * [np.linspace(0, 0.7, 40)]), -1).reshape(-1, 2)
    x, y = across[:, 0] + shift, across[:, 1]
    height = 0.03 * np.sin(11 * x + 5 * y) + 0.03 * np.sin(17 * y - 4 * x * x)
    points = np.column_stack([across, height])
    normals = clouds.normals(points, 0.04)
    return _prepared.bare(points, normals * np.sign(normals[:, 2:]))


def link(pose: np.ndarray, score: float, *, loose: bool = False) -> PairLink:
    return PairLink(0, 1, pose, Evidence(score, 1, 0, 0, 0, 0), "features", loose=loose)


def moved(along: float, turn: float = 0.0) -> np.ndarray:
    return rigid.exponential(np.array([0, 0, turn, along, 0, 0]))


@pytest.mark.slow
def test_a_merge_leaves_no_better_link_untrue() -> None:
    """A link that holds two passes in one way only still holds them in that: a worse one that says something else joined a box's passes a quarter turn off."""
    passes = [waves(0.1), waves(0.0)]
    better, worse = link(moved(0.1), 0.6, loose=True), link(moved(0.3, 1.5), 0.35)
    assert len(_graph.grow(passes, [worse])) == 1
    assert len(_graph.grow(passes, [worse, better])) == 2
    assert len(_graph.grow(passes, [replace(worse, pose=moved(0.1)), better])) == 1
    assert len(_graph.grow(passes, [worse, link(moved(0.1), 0.25, loose=True)])) == 1


def edge(*, seen: bool, corner: bool = False) -> Prepared:
    """Two faces of a bar, and its end where it is a corner, as a camera before and above it sees them, or nobody knows who."""
    x, y = (
        axis.ravel() for axis in np.meshgrid(np.linspace(-0.3, 0.3, 61), np.linspace(0, 0.3, 31))
    )
    flat = np.zeros_like(x)
    points = np.concatenate([np.stack([x, flat, y - 0.3], 1), np.stack([x, y, flat], 1)])
    normals = np.repeat([[0.0, -1.0, 0.0], [0.0, 0.0, 1.0]], len(x), axis=0)
    if corner:
        points = np.concatenate([points, np.stack([flat + 0.3, (x + 0.3) / 2, y - 0.3], 1)])
        normals = np.concatenate([normals, np.tile([1.0, 0.0, 0.0], (len(x), 1))])
    place = np.array([0.0, -2.0, 1.6])
    return _prepared.prepare("bar", points, normals, 1.0, place, seen=seen)


def test_a_false_link_is_no_measure_of_its_own_residual() -> None:
    """The only link of three passes that scored well lay twice as far off its surface as the weaker true ones, and was sure."""
    false = PairLink(1, 2, moved(0.5), Evidence(0.4, 1, 0, 0, 0, 0.0023), "features")
    weak = PairLink(0, 2, moved(0.1), Evidence(0.2, 1, 0, 0, 0, 0.0010), "features")
    judged = _links.compare([false, weak])
    assert judged[0].score < _graph.STRONG
    assert judged[1].fit == 1
    true = PairLink(3, 4, moved(0.2), Evidence(0.8, 1, 0, 0, 0, 0.0004), "features")
    pair = [replace(false, pose=moved(shift)) for shift in (0.5, 0.6, 0.7)]
    judged = _links.compare([true, replace(true, a=5, b=6), *pair, replace(false, a=7)])
    assert judged[2].fit < 0.01, "three motions of one pair are one witness"
    crowd = [replace(false, a=k) for k in range(7, 12)]
    assert _links.compare([true, replace(true, a=5, b=6), *crowd])[2].fit < 0.01, "nor are many"
    many = [replace(false, a=k, b=k + 1) for k in range(3)]
    assert _links.compare([*many, weak])[0].fit == 1, "three pairs agree on what is usual"


@pytest.mark.slow
def test_what_slides_along_an_edge_is_held_where_the_cameras_saw_its_ends() -> None:
    passes = [edge(seen=True)] * 2
    found = PairLink(0, 1, np.eye(4), _verify.weigh(*passes, np.eye(4)[None])[0], "features")
    slip = _loose.slip_of(found, passes)
    assert slip is not None
    assert not slip.turns
    assert not _loose.marked([found], passes)[0].loose
    assert _loose.marked([found], [edge(seen=False)] * 2)[0].loose


@pytest.mark.slow
def test_passes_that_stand_a_step_beside_are_pulled_onto_each_other() -> None:
    """One link that slides had put four passes of a box 2.4 % beside the other eight; their faces were too far apart to meet."""
    passes = [edge(seen=False, corner=True)] * 2
    apart = {0: np.eye(4), 1: rigid.exponential(np.array([0, 0, 0, 0, 0.024, 0]))}
    assert _joint.refine(passes, apart)[1][1, 3] == pytest.approx(0.024, abs=0.002)
    assert _joint.pulled(passes, apart, 0.0005)[1][1, 3] == pytest.approx(0.0, abs=0.002)
