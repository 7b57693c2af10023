"""The promises of docs/lifecycle.md in simulated houses: the real intake, workers, runner, reaper and submissions, on a share that fails.

`make simulate` plays for ten minutes, `make simulate SEED=n` plays one seed again and tells its story.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation import seeds
from tests.simulation.play import play

FIXED = (2, 20, 5_305, 497_489)
FRESH = 6  # seeds of this commit: some 12 s of processor time


@pytest.mark.slow
@pytest.mark.parametrize("seed", FIXED)
def test_fixed_seeds_keep_every_promise(seed: int) -> None:
    """The same for every commit. What seeds found is told once more in test_found.py."""
    assert play(seed).broken is None


@pytest.mark.slow
@pytest.mark.parametrize("k", range(FRESH))
def test_seeds_of_this_commit_keep_every_promise(k: int) -> None:
    """Other ones for each commit, the same for one; the message says how to play it again."""
    seed = seeds.fresh(FRESH)[k]
    print("seed", seed)  # pytest shows it of a test that fails, or with -s
    assert (broken := play(seed).broken) is None, f"make simulate SEED={seed}: {broken}"


def test_a_commit_plays_its_own_seeds() -> None:
    first = seeds.fresh(5, "a tree")
    assert first == seeds.fresh(5, "a tree") == seeds.fresh(9, "a tree")[:5]
    assert not set(first) & set(seeds.fresh(5, "another"))
    assert len(set(seeds.fresh(5))) == 5


@pytest.mark.slow
def test_a_seed_plays_the_same_story_in_any_process(tmp_path: Path) -> None:
    """Else nobody could look at what it found: whatever the order of sets, the umask, the working
    folder, the temporary folder, and the plays before it."""
    here = _told(["20"], 0o022, seeds.ROOT, PYTHONHASHSEED="1")
    there = _told(["2", "20"], 0o077, tmp_path, PYTHONHASHSEED="2", TMPDIR=str(tmp_path))
    assert len(here) > 100
    assert there[-len(here) :] == here


def _told(asked: list[str], umask: int, folder: Path, **environment: str) -> list[str]:
    command = [sys.executable, "-m", "tests.simulation", *asked]
    known = os.environ | {"PYTHONPATH": str(seeds.ROOT), "PYTHONUTF8": "1"} | environment
    ended = subprocess.run(
        command, umask=umask, cwd=folder, env=known, capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()
