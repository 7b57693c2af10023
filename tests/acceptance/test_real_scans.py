"""Real scans, scrambled, dropped as folders: passes stand right, doubtful ones are left out and named, kills cost nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from layout.promote import verify
from layout.tree import State
from tests.acceptance.test_kills import kill_all
from tests.support.judge import judged, scrambled
from tests.support.live import House, eventually, sums

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NEEDED = {"bunny": 9, "lion": 5}
CASES = [
    # the short one; where no host dies, test_real_sets.py places the passes of all of them
    pytest.param(
        name,
        seed,
        id=f"{name}-{seed}",
        marks=[] if (name, seed) == ("lion", 0) else pytest.mark.proof,
    )
    for name in NEEDED
    for seed in (0, 1, 2)
]


@pytest.mark.parametrize(("name", "seed"), CASES)
def test_scrambled_passes_are_placed_right_even_when_the_host_dies(
    atlas_house: House, testdata: Path, tmp_path: Path, name: str, seed: int
) -> None:
    """The whole ``up`` is killed once while the set is aligned; the next start ends it. No pass reported placed is wrong."""
    drop = scrambled(testdata, name, seed, tmp_path)
    before = sums(drop)
    atlas_house.up()
    shutil.copytree(drop, atlas_house.atlas.inbox / drop.name)
    held = eventually(
        lambda: (
            (found := atlas_house.where(drop.name))
            and found.state is State.PROCESSING
            and (found.path / "progress.json").exists()
            and found
        ),
        120,
        "the set being worked on",
    )
    eventually(lambda: "scan.align" in _progress(held.path) or None, 300, "the alignment")
    kill_all(atlas_house)
    place, job = atlas_house.ended(drop.name, 800)
    assert place.state is State.DONE, (place.path / "error.txt").read_text()
    assert [(start.n, start.noted) for start in job.starts] == [(1, None), (2, None)]
    assert verify(atlas_house.atlas.disk, place.path / "output")
    assert sums(place.path / "input" / drop.name) == before
    verdict = judged(
        testdata, name, drop, json.loads((place.path / "output/scan.json").read_text()), tmp_path
    )
    assert verdict.right >= NEEDED[name], verdict
    assert verdict.wrong == 0, verdict


def _progress(folder: Path) -> str:
    try:
        return (folder / "PROGRESS.txt").read_text()
    except OSError:
        return ""
