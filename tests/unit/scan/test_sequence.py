"""What a person tells of the order of the passes decides where shape does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.demo import virtual_scanner
from pipeline.demo.scene import Scene
from pipeline.geometry import rigid
from pipeline.stages.scan import _sequence
from pipeline.stages.scan._graph import _stands
from pipeline.stages.scan._links import PairLink
from pipeline.stages.scan._verify import Evidence
from tests.support import bodies
from tests.unit.scan.conftest import run_stages


def test_names_are_ordered_by_the_numbers_in_them() -> None:
    told = _sequence.told(["scan10.ply", "Scan2.ply", "scan1.ply"], None, "sequence")
    assert told.places == (2, 1, 0)
    assert told.neighbours(0, 1)
    assert not told.neighbours(0, 2)
    assert _sequence.told(["a", "b", "c"], 3, "any").neighbours(
        0, 2
    )  # a turntable closes its circle
    assert _sequence.told(["a", "b"], None, "any").places is None


def test_a_weaker_link_stands_between_passes_that_a_person_told_are_neighbours() -> None:
    evidence = Evidence(0.15, 1.0, 0.0, 0.0, 0.0, 0.0)
    for told in (True, False):
        link = PairLink(0, 1, np.eye(4), evidence, "features", told=told)
        assert _stands(link, [link]) is told


@pytest.mark.slow
def test_a_plain_bottle_on_a_turntable_of_told_steps_is_whole(tmp_path: Path) -> None:
    """Neither shape nor colour says how far the table turned: the option does, to one step."""
    scene = Scene(bodies.figure("plain bottle"), plate=False)
    rng, drop = np.random.default_rng(0), tmp_path / "drop"
    drop.mkdir()
    true = []
    for k in range(5):
        seen = virtual_scanner.scan(scene, 72.0 * k, 25.0, rng, pixels=70)
        moved = virtual_scanner._random_motion(rng, 150.0)
        virtual_scanner.write_ply(drop / f"turn_{k}.ply", rigid.apply(moved, seen.points), None)
        true.append(rigid.invert(moved))
    job = run_stages(drop, tmp_path / "work", "align", turntable=5)
    placed = sorted((one for one in job.alignment.passes if one.placed), key=lambda one: one.name)
    assert len(placed) == 5
    looks = [
        np.asarray(one.pose)[:3, :3] @ (rigid.invert(pose)[:3, :3] @ turned(72.0 * k))
        for k, (one, pose) in enumerate(zip(placed, true, strict=True))
    ]
    steps = [np.degrees(np.arccos(looks[k] @ looks[k - 1])) for k in range(5)]
    assert steps == pytest.approx([np.degrees(np.arccos(turned(0) @ turned(72)))] * 5, abs=15)


def turned(azimuth: float) -> np.ndarray:
    """The direction of the scanner, 25 degrees above the table."""
    a, e = np.radians([azimuth, 25.0])
    return np.array([np.cos(a) * np.cos(e), np.sin(a) * np.cos(e), np.sin(e)])
