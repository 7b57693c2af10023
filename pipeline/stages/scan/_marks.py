"""What tells the places of a pass apart where its body fits onto itself: marks, that is points that
fall beside the body in other places, and colours. At size 1."""

from __future__ import annotations

import numpy as np

from pipeline.geometry import clouds, rigid
from pipeline.geometry.rigid import Array
from pipeline.stages.scan import _symmetry, _tones, _verify
from pipeline.stages.scan._prepared import ALIKE, NEAR, Prepared
from pipeline.stages.scan._symmetry import Symmetry

# What they come to on bodies of many shapes: benchmarks/bench_ambiguity.py.
FEWEST = 10.0  # points that must speak for one place more than for any other


def of_passes(
    passes: list[Prepared], poses: dict[int, Array], symmetry: Symmetry, looks: dict[int, Array]
) -> dict[int, Array]:
    """For each pass (H,N): how much each of its coarse points tells its place from each other."""
    cameras = [
        (camera, pose) for k, pose in poses.items() if (camera := passes[k].camera) is not None
    ]
    found = {k: symmetry.telling(passes[k], pose, cameras) for k, pose in poses.items()}
    if symmetry.slip is not None and symmetry.slip.turns:
        for k in poses:
            found[k] = found[k] * _not_seen_so(k, passes, poses, symmetry, looks)
    return found


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
    return np.asarray(np.mean(seen, axis=0) <= 0.5, np.float64)


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
