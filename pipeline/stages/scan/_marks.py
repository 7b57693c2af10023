"""What tells the places of a pass apart where its body fits onto itself: marks, that is points that
fall beside the body in other places, and colours. At size 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _symmetry, _tones, _verify
from pipeline.stages.scan._camera import Camera
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared
from pipeline.stages.scan._symmetry import Symmetry

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
_PATCH, _BESIDES = 0.045, 3  # length around a mark's point, and how many others of it are there
_SAME_PLACE = 0.94  # cosine between two directions from which a pass was taken at one place
_CAMERAS = 2  # that must have seen nothing where a mark would be, of more than one more
# share of a point's other places where it must miss the body to begin to be a mark, and what more
# of it makes it one wholly
_MISSED, _WHOLLY = 0.8, 0.1
_SEEN_SO = 0.5  # of the other passes that must show a place too, for it to be no mark
_UNLIKE = 0.1  # share of a pass that a body which fits onto itself may have as marks, in the middle
FEWEST = 10.0  # points that must speak for one place more than for any other


def of_passes(
    passes: list[Prepared], poses: dict[int, Array], symmetry: Symmetry, looks: dict[int, Array]
) -> tuple[dict[int, Array], NDArray[np.bool_]]:
    """For each pass (H,N): how much each of its coarse points tells its place from each other; and
    which motions (H,) bring no body onto itself, as the cameras say."""
    cameras = [(camera, poses[k]) for k in _spread(looks) if (camera := passes[k].camera)]
    if symmetry.slip is None:
        unseen = {k: _unseen(passes[k], pose, cameras, symmetry) for k, pose in poses.items()}
        found = {k: _weighed(passes[k], many, len(cameras)) for k, many in unseen.items()}
        return found, _refuted(passes, unseen)
    found = {k: _tiled(passes[k], pose, symmetry) for k, pose in poses.items()}
    if symmetry.slip.turns:
        for k in poses:
            found[k] = found[k] * _not_seen_so(k, passes, poses, symmetry, looks)
    return found, np.zeros(len(symmetry.motions), bool)


def _spread(looks: dict[int, Array]) -> list[int]:
    """Of passes taken from about one place the first."""
    kept: list[int] = []
    for k, look in looks.items():
        if all(look @ looks[j] < _SAME_PLACE for j in kept):
            kept.append(k)
    return kept


def _unseen(
    one: Prepared, pose: Array, cameras: list[tuple[Camera, Array]], symmetry: Symmetry
) -> NDArray[np.int64]:
    """How many of the ``cameras`` (each with the pose of its pass) saw nothing where each coarse
    point of a pass that stands at ``pose`` would stand beside the body (H,N); 0 where it would lie
    on it. A plate under the body goes on beyond the frame of every camera, and does not count."""
    moved = symmetry.motions @ pose
    many = np.zeros((len(moved), len(one.coarse)), np.int64)
    for camera, stands in cameras:
        motions = rigid.invert(stands) @ moved
        many += camera.denies(
            rigid.apply(motions, one.coarse), rigid.turn(motions, one.coarse_normals)
        )
    beside = ~_symmetry.near(one, symmetry.body, moved) & ~symmetry.same(0)[:, None]
    return np.asarray(many * (beside & (one.weight > _symmetry.FACE)))


def _weighed(one: Prepared, unseen: NDArray[np.int64], cameras: int) -> Array:
    """How much each coarse point tells its place from each other one (H,N). One camera alone may
    have lacked the light there."""
    told = unseen >= (_CAMERAS if cameras > _CAMERAS + 1 else 1)
    return np.asarray(told * _in_patches(one, told) * one.weight)


def _refuted(passes: list[Prepared], unseen: dict[int, NDArray[np.int64]]) -> NDArray[np.bool_]:
    """Which motions (H,) put so much of the passes where a camera saw nothing that this is no mark
    on a body that fits onto itself, but another side of it."""
    shares = []
    for k, many in unseen.items():
        weight = passes[k].weight * (passes[k].weight > _symmetry.FACE)
        shares.append((many > 0) @ weight / max(float(weight.sum()), 1e-9))
    return np.asarray(np.median(shares, axis=0) > _UNLIKE)


def _tiled(one: Prepared, pose: Array, symmetry: Symmetry) -> Array:
    """The same of what slips (H,N): 1 where a point would miss the pass itself in nearly all other
    places, for a group that is not settled yet shows its handle on all sides."""
    others = np.flatnonzero(~symmetry.same(0)[: symmetry.slips])
    misses = _misses(one, rigid.invert(pose) @ symmetry.motions[others] @ pose)
    marks = np.clip((misses - _MISSED) / _WHOLLY, 0, 1) * one.weight
    marks = marks * _in_patches(one, marks[None] > 0)[0]
    return np.tile(marks, (len(symmetry.motions), 1))


def _misses(one: Prepared, motions: Array) -> Array:
    """(N,) in which share of the places where a pass would know does it have nothing for its own
    coarse point: what its camera could not see there, like the inside of a cup behind its rim, says
    nothing."""
    met = _symmetry.near(one, one, motions)
    if one.camera is None:
        return np.asarray(1 - met.mean(0))
    places = rigid.apply(motions, one.coarse)
    gone = one.camera.denies(places, rigid.turn(motions, one.coarse_normals)) & ~met
    return np.asarray(gone.sum(0) / np.maximum(gone.sum(0) + met.sum(0), 1))


def _in_patches(one: Prepared, told: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of the coarse points that tell (H,N) have others of that kind beside them: a mark has a
    size, a lone point is a stray of the sensor."""
    from scipy.sparse import coo_matrix
    from scipy.spatial import cKDTree

    pairs = cKDTree(one.coarse).query_pairs(_PATCH, output_type="ndarray")
    both = np.concatenate([pairs, pairs[:, ::-1]])
    many = len(one.coarse)
    beside = coo_matrix((np.ones(len(both), np.int32), both.T), shape=(many, many)).tocsr()
    return np.asarray((beside @ told.T.astype(np.int32)).T >= _BESIDES)


def _not_seen_so(
    k: int,
    passes: list[Prepared],
    poses: dict[int, Array],
    symmetry: Symmetry,
    looks: dict[int, Array],
) -> Array:
    """Per coarse point of pass k: 0 where most other passes, turned so that all cameras stand on
    one side, show surface there too. That is how such a body looks from any side (an edge that the
    light grazes), and no mark on it."""
    axis = symmetry.slip.axis if symmetry.slip is not None else np.zeros(3)
    seen = []
    for j in poses:
        if j == k:
            continue
        turned = np.stack(
            [motion[:3, :3] @ looks[k] for motion in symmetry.motions[: symmetry.slips]]
        )
        flat, aim = turned - np.outer(turned @ axis, axis), looks[j] - (looks[j] @ axis) * axis
        beside = np.argsort(-(clouds.unit(flat) @ aim), kind="stable")[:3]
        motions = rigid.invert(poses[j]) @ symmetry.motions[beside] @ poses[k]
        seen.append(_symmetry.near(passes[k], passes[j], motions).any(0))
    return np.asarray(np.mean(seen, axis=0) <= _SEEN_SO, np.float64)


def gains(
    passes: list[Prepared], poses: dict[int, Array], symmetry: Symmetry, telling: dict[int, Array]
) -> dict[tuple[int, int], Array]:
    """For each two passes (a, b), per motion of a against b, what speaks for it less what speaks
    against it, in points."""
    found = {}
    for a in poses:
        for b in poses:
            if a < b:
                motions = rigid.invert(poses[b]) @ symmetry.motions @ poses[a]
                found[a, b] = said_by(passes[a], passes[b], motions, telling[a], telling[b])
                turned = np.where(symmetry.back < 0, 0, symmetry.back)
                found[b, a] = np.where(symmetry.back < 0, found[a, b].min(), found[a, b][turned])
    return found


def said_by(a: Prepared, b: Prepared, motions: Array, telling_a: Array, telling_b: Array) -> Array:
    back = _verify.inverse(motions)
    return np.asarray(
        _said(a, b, motions, telling_a)
        + _said(b, a, back, telling_b)
        + _tones.gain(a, b, motions)
        + _tones.gain(b, a, back)
    )


def _said(a: Prepared, b: Prepared, motions: Array, telling: Array) -> Array:
    """What a's telling points (H,N) say more for each motion than for the first: that b has the
    same surface there, or less: that b's camera saw none where it should have."""
    some = np.flatnonzero(telling.any(0))
    if not len(some):
        return np.zeros(len(motions))
    places = rigid.apply(motions, a.coarse[some])
    normals = rigid.turn(motions, a.coarse_normals[some])
    index = b.lookup.query(places)
    apart = places - b.fine[index]
    close = (index >= 0) & ((apart * apart).sum(-1) < NEAR * NEAR)
    said = (close & ((normals * b.fine_normals[index]).sum(-1) > ALIKE)).astype(np.float64)
    if b.camera is not None:
        said -= ~close & b.camera.denies(places, normals)
    return np.asarray(((said - said[0]) * telling[:, some]).sum(1))


def looks(passes: list[Prepared], poses: dict[int, Array], symmetry: Symmetry) -> dict[int, Array]:
    """The direction, seen from the body's middle, from which each pass was taken."""
    found = {}
    for k, pose in poses.items():
        one = passes[k]
        place = (
            one.camera.place
            if one.camera is not None
            else (one.fine + 2 * one.fine_normals).mean(0)
        )
        found[k] = clouds.unit(rigid.apply(pose, place[None]) - symmetry.centre)[0]
    return found
