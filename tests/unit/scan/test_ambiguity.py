"""Bodies that fit onto themselves in many ways: a pass stands right, or says that it would fit elsewhere too; never sure and false."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.demo import pose_errors, virtual_scanner
from pipeline.demo.scene import Scene
from pipeline.geometry import clouds, rigid
from pipeline.stages.scan import _hypotheses, _marks, _prepared, _slips, _symmetry, _verify
from pipeline.stages.scan._graph import CERTAIN, Group, _borne
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._report import doubts
from pipeline.stages.scan._verify import Evidence
from tests.support import bodies
from tests.unit.scan.conftest import Job, run_stages


def aligned(name: str, folder: Path, seed: int = 0, **how: Any) -> tuple[Job, pose_errors.Table]:
    truth = bodies.drop(name, folder, seed=seed, pixels=80, **how)
    job = run_stages(folder / "drop", folder / "work", "align")
    return job, pose_errors.compare(
        {"passes": [{"file": one.name, "pose": one.pose} for one in job.alignment.passes]}, truth
    )


@pytest.mark.slow(5)
@pytest.mark.parametrize(
    ("name", "plate"),
    [("bottle with handle", True), ("mug", True), ("plain bottle", False), ("box", True)],
)
def test_no_pass_of_a_body_that_fits_onto_itself_is_sure_and_false(
    name: str, plate: bool, tmp_path: Path
) -> None:
    """Each false placement says in how many ways it fits, and the job's first words about it name the number."""
    job, table = aligned(name, tmp_path, passes=5, plate=plate)
    placed = {one.name: one for one in job.alignment.passes}
    false = [row.file for row in table.rows if row.placed and not row.right]
    assert all("ways" in (placed[name].warning or "") and placed[name].ways > 1 for name in false)
    loose = sum(one.ways > 1 for one in job.alignment.passes)
    assert not loose or any(text.startswith(f"{loose} of ") for text in job.ws.warnings)


@pytest.mark.slow(5)
def test_an_unlike_body_on_the_same_plate_is_placed_without_doubt(tmp_path: Path) -> None:
    """Round as it is, it lies about on itself after a small turn; that is no other place for it."""
    job, table = aligned("organic", tmp_path, passes=8)
    assert (table.right, table.wrong) == (8, 0)
    assert not any(one.ways > 1 for one in job.alignment.passes)


@pytest.mark.slow(5)
def test_paint_decides_where_the_passes_of_a_bottle_stand(tmp_path: Path) -> None:
    """Shape fits at every angle; with colours all stand right, and most have no doubt."""
    job, table = aligned("plain bottle", tmp_path, passes=5, painted=True, seed=2)
    assert (table.right, table.wrong) == (5, 0)
    assert sum(one.ways > 1 for one in job.alignment.passes) <= 2


def sampled(name: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points on the body of that name and their outward normals, at size 1."""
    figure = bodies.figure(name, seed, step=4.0)
    corners = figure.vertices[figure.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return corners.mean(1) / figure.size, normals / np.maximum(length, 1e-12)


@pytest.mark.slow(5)
@pytest.mark.parametrize(
    ("name", "turns"), [("box", {180}), ("square block", {90, 180}), ("mirrored", set())]
)
def test_the_turns_that_bring_a_body_onto_itself_are_found(name: str, turns: set[int]) -> None:
    found = _symmetry.find(_prepared.bare(*sampled(name)), [])
    angles = set() if found is None else {round(rigid.degrees(one)) for one in found.motions[1:]}
    assert turns <= angles
    assert turns or not angles & {90, 180}


@pytest.mark.slow(5)
@pytest.mark.parametrize("seed", [0, 22])
def test_lumps_that_lie_on_others_after_one_turn_bring_no_body_onto_itself(seed: int) -> None:
    """More than half of it lay about on itself after 23 and 52 degrees: the passes told of a second place, and some were moved there. A second turn led nowhere."""
    assert _symmetry.find(_prepared.bare(*sampled("organic", seed)), []) is None


@pytest.mark.slow
def test_a_motion_is_found_beside_one_that_far_more_matches_speak_for() -> None:
    """A plate under a body matches itself as the scanner saw it, whatever the table turned; then the body's own matches were asked for nothing."""
    rng = np.random.default_rng(4)
    places, normals = rng.uniform(-0.4, 0.4, (420, 3)), clouds.unit(rng.normal(size=(420, 3)))
    true = rigid.exponential(np.array([0.4, -0.9, 0.3, 0.1, 0.05, 0.0]))
    moved, turned = places.copy(), normals.copy()
    moved[300:], turned[300:] = rigid.apply(true, places[300:]), rigid.turn(true, normals[300:])
    features = rng.random((420, 66)).astype(np.float32)
    bare = _prepared.bare(places, normals)
    one = replace(bare, key=places, key_normals=normals, features=features)
    other = replace(bare, key=moved, key_normals=turned, features=features)
    found = [rigid.difference(true, pose, np.zeros(3)) for pose in _hypotheses.motions(one, other)]
    assert min(found)[0] < 1


def test_a_mark_has_a_size_and_a_stray_point_is_none() -> None:
    """Single points that would fall beside the body add up over many passes: 4 of 18 that a box cannot decide were sure so."""
    across = np.stack(np.meshgrid(*2 * [np.linspace(0, 0.5, 26)]), -1).reshape(-1, 2)
    flat = np.column_stack([across, np.zeros(len(across))])
    one = _prepared.bare(flat, np.tile([0.0, 0.0, 1.0], (len(flat), 1)))
    mark = np.linalg.norm(one.coarse - one.coarse.mean(0), axis=1) < 0.04
    strays = np.zeros(len(one.coarse), bool)
    strays[::97] = True
    told = _marks._in_patches(one, np.stack([mark, strays, mark | strays]))
    assert mark.sum() > 8
    assert strays.sum() > 5
    assert told[0][mark].all()
    assert not told[1][strays & ~mark].any()
    assert told[2][mark].all()
    assert not told[2][strays & ~told[0]].any()


@pytest.mark.slow(5)
def test_what_a_camera_could_not_see_elsewhere_is_no_mark() -> None:
    """The far inside of a mug goes on behind its near rim: taken for a mark, it placed a pass 89 degrees off, and sure."""
    figure, angle = bodies.figure("mug", 3, step=3.0), np.radians(145.0)
    seen = virtual_scanner.scan(
        Scene(figure, True), 145.0, 48.0, np.random.default_rng(0), pixels=70
    ).points
    low, high = np.cos(np.radians(48.0)), np.sin(np.radians(48.0))
    place = virtual_scanner.LOOK_AT + virtual_scanner.DISTANCE * np.array(
        [low * np.cos(angle), low * np.sin(angle), high]
    )
    normals = clouds.normals(seen, 8.0)
    normals *= np.sign(((place - seen) * normals).sum(1))[:, None]
    one = _prepared.prepare("mug", seen, normals, figure.size, place)
    about = _slips.Slip(True, np.array([0.0, 0.0, 1.0]), -one.centre / one.size, 1.0)
    motions = np.stack([about.motion(turn) for turn in range(20, 350, 10)])
    inside = np.hypot(*(one.coarse * one.size + one.centre)[:, :2].T) < 33
    inside &= (one.coarse * one.size + one.centre)[:, 2] > 20
    assert (1 - _symmetry.near(one, one, motions).mean(0))[inside].max() > 0.9
    assert _marks._misses(one, motions)[inside].mean() < 0.3


@pytest.mark.slow(5)
def test_colours_that_disagree_speak_against_a_motion_however_well_the_shapes_fit() -> None:
    """A painted ball fits onto itself in any turn; its colours in one. How bright it is does not count."""
    points = np.random.default_rng(0).normal(size=(1500, 3))
    normals = points / np.linalg.norm(points, axis=1, keepdims=True)
    shades = np.stack([128 + 100 * np.sin(7 * normals[:, k]) for k in range(3)], 1)
    one, other = (
        _prepared.prepare("ball", 0.15 * normals, normals, 1.0, None, tone.astype(np.uint8))
        for tone in (shades, 0.6 * shades)
    )
    turned = rigid.exponential(np.array([0.9, 0.7, -0.8, 0, 0, 0]))
    right, wrong = _verify.weigh(one, other, np.stack([np.eye(4), turned]))
    assert right.tones is not None
    assert wrong.tones is not None
    assert right.tones > 0.9 > 0.5 > wrong.tones
    assert right.score > 2 * wrong.score


def test_what_slides_along_itself_is_found_whatever_stands_in_the_way() -> None:
    """A cone with a handle turns about its axis; a lump with unlike sides does not."""
    u, v = np.random.default_rng(0).uniform(0, 1, (2, 4000))
    angle, height = 2 * np.pi * u, v - 0.5
    radius = 0.3 - 0.2 * height
    around = np.stack([np.cos(angle), np.sin(angle), np.full_like(angle, 0.2)], 1)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle), height], 1)
    points[:300] += (0.2, 0, 0)
    around[:300] = np.random.default_rng(1).normal(size=(300, 3))
    normals = around / np.linalg.norm(around, axis=1, keepdims=True)
    slip = _slips.find(points, normals, np.ones(len(points)))
    assert slip is not None
    assert slip.turns
    assert abs(slip.axis[2]) > 0.999
    lump = points * (1, 1.6, 1) + 0.1 * np.sin(9 * points[:, [2, 0, 1]])
    unlike = normals * (1, 0.6, 1) + 0.5 * np.cos(9 * points[:, [1, 2, 0]])
    assert (
        _slips.find(
            lump, unlike / np.linalg.norm(unlike, axis=1, keepdims=True), np.ones(len(points))
        )
        is None
    )


@pytest.mark.parametrize(("score", "left"), [(CERTAIN - 0.02, 12), (CERTAIN + 0.02, 11)])
def test_two_passes_of_twelve_need_a_certain_link(score: float, left: int) -> None:
    link = PairLink(0, 1, np.eye(4), Evidence(score, 1.0, 0.0, 0.0, 0.0, 0.0), "features")
    groups = [
        Group({0: np.eye(4), 1: np.eye(4)}, [link]),
        *(Group({k: np.eye(4)}) for k in range(2, 12)),
    ]
    assert len(_borne(groups, 12)) == left


def test_a_model_of_few_of_the_passes_says_so() -> None:
    main = Group({0: np.eye(4), 1: np.eye(4)})
    assert "only 2 of 12" in doubts(main, 12)[0]
    assert not doubts(main, 3)
