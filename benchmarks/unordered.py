"""Unordered drops of virtual passes whose true poses are known, and how a placement is judged.

A body is scanned from N sides, by hand or on a turntable; N sets how much neighbours share. Some
drops hold a pass of another body or one spot scanned twice. Poses are judged twice: as they are,
and up to the turns that bring the body onto itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.demo import virtual_scanner
from pipeline.demo.scene import Scene
from pipeline.demo.virtual_figure import Figure
from pipeline.geometry import rigid
from tests.support import bodies, rooms

Array = NDArray[np.float64]
NEAR = 2.5  # mm within which a point of another pass saw the same surface
DEGREES, SHARE = 5.0, 0.02  # within both a pass stands right
# class: body, plate, colours, turns onto itself about z (0: any)
CLASSES: dict[str, tuple[str, bool, bool, int]] = {
    "sculpture": ("sculpture", True, False, 1),
    "organic": ("organic", True, False, 1),
    "box-like": ("box-like", True, False, 1),
    "thin": ("thin", False, False, 1),
    "mirrored": ("mirrored", True, False, 1),
    "bottle with handle": ("bottle with handle", True, False, 1),
    "mug": ("mug", True, False, 1),
    "plain bottle": ("plain bottle", False, False, 0),
    "painted bottle": ("plain bottle", True, True, 1),
    "box": ("box", True, False, 2),
    "painted box": ("box", True, True, 1),
    "square block": ("square block", True, False, 4),
    "room": ("room", False, False, 1),
    "façade": ("façade", False, False, 1),
}


@dataclass(frozen=True)
class Plan:
    """One drop: what is scanned, how often and how."""

    kind: str
    seed: int
    passes: int
    by_hand: bool
    noise: float = 0.12
    pixels: int = 100
    stray: bool = False
    again: bool = False  # one spot scanned twice

    @property
    def name(self) -> str:
        how = "hand" if self.by_hand else "turntable"
        more = "+stray" * self.stray + "+again" * self.again
        return f"{self.kind} {self.seed}: {self.passes} by {how}{more}"


@dataclass
class Pass:
    """One pass as it lies in the drop; true = pass → body's frame, None for one of another body."""

    file: str
    points: Array
    colours: NDArray[np.uint8] | None
    true: Array | None
    overlap: float = 0.0


@dataclass
class Drop:
    """What was scanned."""

    plan: Plan
    size: float
    passes: list[Pass] = field(default_factory=list)


def plans(each: int, first: int = 0) -> list[Plan]:
    """``each`` drops of every class, by seeds from ``first`` on: from 10 passes with much overlap
    to 3 with little."""
    made = []
    for kind in CLASSES:
        for k in range(first, first + each):
            many = (10, 7, 5, 8, 4, 6, 12, 5, 9, 3)[k % 10]
            if kind in ("room", "façade"):
                many = (5, 4, 7, 3, 6)[k % 5]
            made.append(
                Plan(
                    kind,
                    k,
                    many,
                    by_hand=k % 2 == 1,
                    noise=(0.12, 0.05, 0.25)[k % 3],
                    stray=k % 7 == 3,
                    again=k % 9 == 5,
                )
            )
    return made


def short() -> list[Plan]:
    """A fixed sample: each class once or twice."""
    every = plans(2)
    return [one for one in every if one.seed == 0] + [
        one for one in every if one.seed == 1 and one.kind in
        ("organic", "box-like", "thin", "bottle with handle", "mug", "box")
    ]  # fmt: skip


def scan(plan: Plan) -> Drop:
    """The passes of a plan, shuffled and scrambled."""
    rng = np.random.default_rng(np.random.SeedSequence([plan.seed, sum(plan.kind.encode())]))
    body, plate, painted, _ = CLASSES[plan.kind]
    if plan.kind in rooms.VIEWS:
        seen, size = rooms.VIEWS[plan.kind](plan.seed, plan.passes, rng), rooms.SIZE[plan.kind]
    else:
        figure = bodies.figure(body, plan.seed)
        seen, size = _around(plan, Scene(figure, plate), rng), figure.size
    true: list[bool] = [True] * len(seen)
    if plan.stray:
        other = "organic" if plan.kind != "organic" else "mirrored"
        scene = Scene(bodies.figure(other, plan.seed + 50), plate)
        seen.append(_look(plan, scene, float(rng.uniform(0, 360)), 25.0, rng))
        true.append(False)
    drop = Drop(plan, size)
    for k in rng.permutation(len(seen)):
        moved = virtual_scanner._random_motion(rng, size)
        points, colours = seen[k]
        drop.passes.append(
            Pass(
                f"scan_{rng.integers(16**6):06x}.ply",
                rigid.apply(moved, points),
                colours if painted else None,
                rigid.invert(moved) if true[k] else None,
            )
        )
    _measure(drop)
    return drop


Seen = tuple[Array, NDArray[np.uint8]]


def _around(plan: Plan, scene: Scene, rng: np.random.Generator) -> list[Seen]:
    made, elevation = [], float(rng.uniform(15, 35))
    turns = list(range(plan.passes)) + ([0] if plan.again else [])
    for turn in turns:
        azimuth = 360.0 / plan.passes * turn
        if plan.by_hand:
            azimuth += rng.uniform(-8, 8)
            elevation = (15.0, 40.0)[turn % 2] + rng.uniform(-6, 6)
        made.append(_look(plan, scene, azimuth, elevation, rng))
    if plan.by_hand and plan.passes > 6:
        made.append(_look(plan, scene, float(rng.uniform(0, 360)), 65.0, rng))
    return made


def _look(
    plan: Plan, scene: Scene, azimuth: float, elevation: float, rng: np.random.Generator
) -> Seen:
    seen = virtual_scanner.scan(
        scene, azimuth, elevation, rng, pixels=plan.pixels, noise=plan.noise
    )
    return seen.points, seen.colours


def _measure(drop: Drop) -> None:
    """How much of each pass another one saw too, at the most; the plate does not count."""
    from scipy.spatial import cKDTree

    scale = drop.size / 150  # a room is larger than a body
    own = [one for one in drop.passes if one.true is not None]
    placed = [rigid.apply(np.asarray(one.true), one.points) for one in own]
    placed = [points[points[:, 2] > scale] for points in placed]
    trees = [cKDTree(points) for points in placed]
    for k, one in enumerate(own):
        some = placed[k][::7]
        shares = [
            float((tree.query(some, distance_upper_bound=NEAR * scale)[0] < np.inf).mean())
            for j, tree in enumerate(trees)
            if j != k
        ]
        one.overlap = max(shares, default=0.0)


def write(drop: Drop, folder: Path) -> tuple[str, ...]:
    """The passes as PLY files."""
    folder.mkdir(parents=True, exist_ok=True)
    for one in drop.passes:
        virtual_scanner.write_ply(folder / one.file, one.points, one.colours)
    return tuple(sorted(one.file for one in drop.passes))


def figure_of(kind: str, seed: int) -> Figure:
    """The body of a class."""
    return bodies.figure(CLASSES[kind][0], seed)


def judge(
    drop: Drop,
    found: dict[str, Array | None],
    symmetric: bool = True,
    told: frozenset[str] | set[str] = frozenset(),
) -> list[bool]:
    """Per pass of the drop, whether it stands right where the most stand right together, those
    that are not sure (``told``) counting only between equals; passes that are not placed, and those
    of another body, do not."""
    turns = _turns(drop.plan.kind) if symmetric else [np.eye(4)]
    own = [one for one in drop.passes if one.true is not None and found.get(one.file) is not None]
    best, most = [False] * len(drop.passes), (0, 0)
    for anchor in own:
        frame = np.asarray(anchor.true) @ np.linalg.inv(np.asarray(found[anchor.file]))
        right = [_right(one, frame, found.get(one.file), turns, drop.size) for one in drop.passes]
        sure = sum(
            good and one.file not in told for good, one in zip(right, drop.passes, strict=True)
        )
        if (sure, sum(right)) > most:
            best, most = right, (sure, sum(right))
    return best


def _right(one: Pass, frame: Array, pose: Array | None, turns: list[Array], size: float) -> bool:
    if pose is None or one.true is None:
        return False
    middle = one.points.mean(0)
    for turn in turns:
        degrees, shift = rigid.difference(turn @ one.true, frame @ pose, middle)
        if degrees < DEGREES and shift < SHARE * size:
            return True
    return False


def _turns(kind: str) -> list[Array]:
    many = CLASSES[kind][3]
    return [
        rigid.exponential(np.array([0, 0, angle, 0, 0, 0]))
        for angle in np.radians(np.arange(0, 360, 3.0 if many == 0 else 360 / many))
    ]
