"""Real scan sets, scrambled and judged by the scripts beside the test data, which know the truth; the product does not."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

WRONG = 5.0  # degrees from which a placed pass is wrong


class Verdict(NamedTuple):
    """How many passes there are, were reported placed, and stand right (< 5° and < 2 % of the size)."""

    passes: int
    placed: int
    right: int

    @property
    def wrong(self) -> int:
        return self.placed - self.right


def scrambled(testdata: Path, name: str, seed: int, folder: Path) -> Path:
    """A drop of the set NAME with its passes shuffled and moved at random."""
    drop = folder / f"{name}-{seed}"
    _emit(testdata, str(testdata / "data/scans" / name), str(drop), str(seed))
    return drop


def judged(
    testdata: Path, name: str, drop: Path, scan_json: dict[str, Any], folder: Path
) -> Verdict:
    """Compare the poses in SCAN_JSON with the truth of DROP."""
    poses = {one["file"]: one["pose"] if one["placed"] else None for one in scan_json["passes"]}
    answer = folder / f"{drop.name}.poses.json"
    answer.write_text(json.dumps(poses))
    told = json.loads(
        _emit(
            testdata,
            "--score",
            f"{drop}.truth.json",
            str(answer),
            str(testdata / "data/scans" / name),
        )
    )
    assert math.isfinite(told["recall"])
    return Verdict(told["n"], sum(pose is not None for pose in poses.values()), told["n_ok"])


def _emit(testdata: Path, *arguments: str) -> str:
    script = testdata / "bench-scan/emit_inbox.py"
    done = subprocess.run(
        [sys.executable, str(script), *arguments],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""
