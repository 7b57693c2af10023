"""Who follows "rescan here" gets what was missing: two further virtual passes from the places that are named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from pipeline.artefacts import Standpoint
from pipeline.demo import virtual_scanner
from pipeline.demo.scene import Scene
from pipeline.demo.virtual_figure import Figure
from pipeline.demo.virtual_scanner import DISTANCE, Scan
from pipeline.geometry.spread import spread
from tests.support import bodies
from tests.unit.scan.conftest import Job, run_stages

PIXELS, NOISE = 100, 0.12
APART = 4.0  # mm from all points: surface of the body that no pass saw
ROUND = (0, 60, 120, 180, 240, 300)  # degrees; the base is missing
PART = (0, 50, 100, 150, 200)  # the base and a side are missing


def from_place(scene: Scene, one: Standpoint, rng: np.random.Generator) -> Scan:
    """A pass as a person would take it who stands where they were told to."""
    outward = np.asarray(one.place) - np.asarray(one.aim)
    outward /= np.linalg.norm(outward)
    right = np.cross([0.0, 0, 1], outward) if abs(outward[2]) < 0.9 else np.array([1.0, 0, 0])
    right -= (right @ outward) * outward
    camera = np.asarray(one.aim) + DISTANCE * outward
    return virtual_scanner.look(
        scene, camera, outward, right / np.linalg.norm(right), rng, PIXELS, NOISE
    )


def model(seen: list[Scan], folder: Path) -> Job:
    """The passes, which stand in one frame, as a closed surface."""
    drop = folder / "drop"
    drop.mkdir(parents=True)
    for number, one in enumerate(seen):
        virtual_scanner.write_ply(drop / f"{number}.ply", one.points, one.colours)
    return run_stages(drop, folder / "work", align="off", surface="closed", unit="mm")


def unseen(body: Figure, seen: list[Scan]) -> float:
    """The share of the body's own surface that no point lies near."""
    surface = spread(body.vertices, body.triangles.astype(np.int32), 20_000)[0]
    points = np.concatenate([one.points for one in seen])
    return float((cKDTree(points).query(surface)[0] > APART).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "turns"), [("organic", PART), ("sculpture", PART), ("mirrored", ROUND)]
)
def test_two_passes_from_there_cut_what_is_missing_by_four_fifths(
    name: str, turns: tuple[int, ...], tmp_path: Path
) -> None:
    rng, body = np.random.default_rng(7), bodies.figure(name, 7)
    scene = Scene(body, plate=False)
    seen = [
        virtual_scanner.scan(scene, turn, 20.0, rng, pixels=PIXELS, noise=NOISE) for turn in turns
    ]
    before = model(seen, tmp_path / "before").mesh
    assert before.gaps is not None
    more = [from_place(scene, one, rng) for one in before.gaps.rescan[:2]]
    after = model([*seen, *more], tmp_path / "after").mesh
    assert before.unsupported_area is not None
    assert after.unsupported_area is not None
    assert before.unsupported_area > 0.05
    assert after.unsupported_area < 0.2 * before.unsupported_area
    assert unseen(body, seen) > 0.05
    assert unseen(body, [*seen, *more]) < 0.2 * unseen(body, seen)
