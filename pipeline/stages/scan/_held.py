"""Passes that hang on the rest of their group by less than one certain match: a pair that one good
link brought in, the cut of a chain. They stand where they do, and each says so."""

from __future__ import annotations

import itertools

from pipeline.geometry import rigid
from pipeline.stages.scan import _verify
from pipeline.stages.scan._graph import CERTAIN, Group
from pipeline.stages.scan._links import fit_of, noise_of
from pipeline.stages.scan._prepared import Prepared

Bonds = dict[tuple[int, int], float]

# What all pairs across a cut come to, in scores: 0.53 and more at 20 cuts through ten drops of
# benchmarks/bench_ambiguity.py that stood right, 0 and 0.17 at the two of one that did not.
_HELD = CERTAIN
_AS_ONE = 0.85  # from here on two passes see the same, and what both say is said once
_WORDS = (
    "one weak match holds it in its place, and no other pass confirms that: look at it, or scan"
    " what lies between again"
)


def tell(passes: list[Prepared], group: Group) -> None:
    """Give the passes of every weakly held side of GROUP, the smaller one, or both of equal ones,
    their doubt."""
    if len(group.poses) < 2 or not group.links:
        return
    bonds = _bonds(passes, group)
    for side in _sides(sorted(group.poses), bonds):
        rest = group.poses.keys() - side
        if len(side) > len(rest):
            continue
        if _across(side, bonds) < _HELD:
            group.doubts |= dict.fromkeys(side, _WORDS)


def _across(side: set[int], bonds: Bonds) -> float:
    """What holds SIDE on the rest: all pairs between them, passes that see the same as one."""
    alike = dict.fromkeys({k for pair in bonds for k in pair}, 1)
    for (a, b), bond in bonds.items():
        if bond >= _AS_ONE and (a in side) == (b in side):
            alike[a] += 1
            alike[b] += 1
    return sum(
        bond / (alike[a] * alike[b]) for (a, b), bond in bonds.items() if (a in side) != (b in side)
    )


def _bonds(passes: list[Prepared], group: Group) -> Bonds:
    """How well each two passes lie on each other where they stand, 0..1."""
    noise, found = noise_of(group.links), {}
    for a, b in itertools.combinations(sorted(group.poses), 2):
        pose = rigid.invert(group.poses[b]) @ group.poses[a]
        (seen,) = _verify.weigh(passes[a], passes[b], pose[None])
        found[a, b] = seen.score * fit_of(seen.residual, noise)
    return found


def _sides(members: list[int], bonds: Bonds) -> list[set[int]]:
    """Both sides of each edge of the tree of the best bonds: the weakest cuts are among them."""
    home, tree = {k: {k} for k in members}, []
    for a, b in sorted(bonds, key=lambda pair: (-bonds[pair], pair)):
        if home[a] is not home[b]:
            tree.append((a, b))
            home[a] |= home[b]
            home |= dict.fromkeys(home[b], home[a])
    found = []
    for edge in tree:
        side, before = {edge[0]}, 0
        while len(side) > before:
            before = len(side)
            side |= {k for pair in tree if pair != edge and side & {*pair} for k in pair}
        found += [side, {*members} - side]
    return found
