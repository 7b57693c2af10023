"""A body of revolution whose paint alone says how its passes are turned: to a fraction of a degree, whatever its shape allows."""

from __future__ import annotations

import copy
import functools
from dataclasses import replace

import numpy as np
import pytest

from pipeline.geometry import rigid
from pipeline.stages.scan import _ambiguity, _by_colour, _links, _loose, _prepared, _tones
from pipeline.stages.scan._graph import Group
from pipeline.stages.scan._prepared import Prepared
from pipeline.stages.scan._slips import Slip

pytestmark = pytest.mark.slow
AXIS = Slip(True, np.array([0.0, 0, 1]), np.zeros(3), 1.0)


def painted(seed: int, dots: int = 14) -> Prepared:
    """A can of size 1 with coloured dots on a beige ground; another sampling of it by SEED. Each
    is prepared once; a test may give its own other colours."""
    return copy.copy(_painted(seed, dots))


@functools.cache
def _painted(seed: int, dots: int) -> Prepared:
    rng = np.random.default_rng(seed)
    angle, height = rng.uniform(0, 2 * np.pi, 16_000), rng.uniform(-0.35, 0.35, 16_000)
    normals = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    points = normals * 0.28 + np.outer(height, [0, 0, 1])
    colours = np.tile([205.0, 190, 160], (len(points), 1))
    paint = np.random.default_rng(99)
    for _ in range(dots):
        turn, level, tone = (
            paint.uniform(0, 6.28),
            paint.uniform(-0.3, 0.3),
            paint.uniform(20, 235, 3),
        )
        apart = np.abs((angle - turn + np.pi) % (2 * np.pi) - np.pi) * 0.28
        colours[np.hypot(apart, height - level) < 0.06] = tone
    points += rng.normal(0, 0.0008, points.shape)
    return _prepared.prepare(
        "can", points, normals, 1.0, None, colours.astype(np.uint8), seen=False
    )


def placed(passes: list[Prepared], turns: tuple[float, ...]) -> dict[int, np.ndarray]:
    """Where each pass stands that is turned by so many degrees too much."""
    found = {}
    for k, turn in enumerate(turns):
        centred = np.eye(4)
        centred[:3, 3] = passes[k].centre
        found[k] = AXIS.motion(turn) @ centred
    return found


def test_passes_are_turned_until_their_paint_agrees() -> None:
    passes = [painted(seed) for seed in range(3)]
    wrong = placed(passes, (0.0, 4.0, -3.0))
    found = _by_colour.refined(passes, wrong, AXIS)
    right = placed(passes, (0.0, 0.0, 0.0))
    apart = [
        rigid.degrees(rigid.invert(found[0]) @ found[k] @ rigid.invert(right[k])) for k in range(3)
    ]
    assert max(apart) < 0.5


def test_one_colour_says_nothing_and_leaves_the_passes_where_they_are() -> None:
    passes = [painted(seed, dots=0) for seed in range(2)]
    wrong = placed(passes, (0.0, 4.0))
    found = _by_colour.refined(passes, wrong, AXIS)
    assert all((found[k] == wrong[k]).all() for k in wrong)


def test_a_rare_colour_that_finds_its_like_speaks_for_a_place_and_a_common_one_does_not() -> None:
    """Dots on dots count, ground on ground does not: passes that lie on each other all over are no likelier for it."""
    one, other = painted(0), painted(1)
    bare = painted(2, dots=0)
    turns = np.stack([AXIS.motion(turn) for turn in (0.0, 60.0, 180.0)])
    right, *wrong = _tones.gain(one, other, turns)
    assert right > 20
    assert max(wrong) < 0
    assert np.abs(_tones.gain(bare, bare, turns)).max() < 1


def test_how_bright_a_pass_is_does_not_count() -> None:
    one, other = painted(0), painted(1)
    assert other.fine_colors is not None
    other.fine_colors = other.fine_colors * 0.8
    turns = np.stack([AXIS.motion(turn) for turn in (0.0, 60.0)])
    right, wrong = _tones.gain(one, other, turns)
    assert right > 10 > 0 > wrong


def test_colours_that_clash_in_much_of_the_overlap_leave_a_pass_out() -> None:
    """However bright each pass is; where there are no colours nothing is said. Those that agree stay."""
    passes = [painted(seed, dots=60) for seed in range(3)]
    assert passes[1].fine_colors is not None
    passes[1].fine_colors = passes[1].fine_colors * 0.8
    centred = placed(passes, (0.0, 0.0, 60.0))
    motions = [rigid.invert(centred[b]) @ centred[0] for b in (1, 2)]
    agree, clash = (_tones.harmony(passes[0], passes[b], motions[b - 1]) for b in (1, 2))
    assert agree is not None
    assert clash is not None
    assert agree > 0.9 > 0.2 > clash
    group = Group(dict(centred))
    _ambiguity._clashing(passes, group)
    assert sorted(group.poses) == [0, 1]
    passes[1].fine_colors = None
    assert _tones.harmony(passes[0], passes[1], motions[0]) is None


def test_what_lays_clashing_colours_on_each_other_is_no_link_unless_it_is_loose(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A can may be turned until its paint agrees; a box that stands on its other side may not."""
    passes = [painted(seed, dots=60) for seed in range(2)]
    centred = placed(passes, (0.0, 0.0))
    true = rigid.invert(centred[1]) @ centred[0]
    turned = rigid.invert(centred[1]) @ AXIS.motion(60.0) @ centred[0]
    links = _links.refined(0, 1, passes, np.stack([turned, true]), "features")
    assert _links.agree(links[0].pose, true)
    false = replace(links[0], pose=turned)
    monkeypatch.setattr(_loose, "slip_of", lambda *_: AXIS)
    assert [one.loose for one in _loose.marked([false], passes)] == [True]
    monkeypatch.setattr(_loose, "slip_of", lambda *_: None)
    assert _loose.marked([links[0], false], passes) == links[:1]


def test_a_pattern_finer_than_passes_are_sampled_does_not_clash_with_itself() -> None:
    """What one pass averages the other shows in single colours."""
    passes = []
    for seed, many in ((0, 20_000), (1, 8_000)):
        points = np.random.default_rng(seed).uniform(-0.5, 0.5, (many, 3)) * [1, 1, 0]
        normals = np.tile([0.0, 0, 1], (many, 1))
        stripes = 127 + 120 * np.sin(points[:, :1] * 2 * np.pi / 0.03 + [0, 2, 4])
        colours = stripes.astype(np.uint8)
        passes.append(_prepared.prepare("p", points, normals, 1.0, None, colours, seen=False))
    centred = placed(passes, (0.0, 0.0))
    harmony = _tones.harmony(*passes, rigid.invert(centred[1]) @ centred[0])
    assert harmony is not None
    assert harmony > 0.9


def test_a_pass_whose_colours_find_nothing_like_them_is_named_where_the_others_do() -> None:
    passes = [*(painted(seed) for seed in range(3)), painted(3, dots=0)]
    assert _by_colour.silent(passes, placed(passes, (0.0, 0.0, 0.0, 0.0)), 10.0) == [3]
    bare = [painted(seed, dots=0) for seed in range(3)]
    assert _by_colour.silent(bare, placed(bare, (0.0, 0.0, 0.0)), 10.0) == []
