"""Real scan sets, scrambled: how many passes are placed right, and that none is placed wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.scan.conftest import run_stages


def placed_right(testdata: Path, tmp_path: Path, name: str, seed: int) -> dict:
    """Scramble a set by bench-scan/emit_inbox.py, align it, score it by the same script."""
    script = testdata / "bench-scan" / "emit_inbox.py"
    folder, drop = testdata / "data" / "scans" / name, tmp_path / "drop"

    def say(*words: str) -> str:
        return subprocess.run(
            [sys.executable, str(script), *words],
            cwd=script.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    say(str(folder), str(drop), str(seed))
    job = run_stages(drop, tmp_path / "work", "align")
    result = tmp_path / "result.json"
    result.write_text(json.dumps({one.name: one.pose for one in job.alignment.passes}))
    return json.loads(say("--score", f"{drop}.truth.json", str(result), str(folder)))


@pytest.mark.slow(33)
@pytest.mark.parametrize(("name", "passes"), [("bunny", 10), ("lion", 6), ("tls_office", 5)])
def test_all_passes_of_a_scrambled_set_are_placed_right(
    testdata: Path, tmp_path: Path, name: str, passes: int
) -> None:
    """Within 0.3 degrees and 0.15 % of the size (root mean square)."""
    score = placed_right(testdata, tmp_path, name, seed=0)
    assert (score["n_ok"], score["placed"]) == (passes, passes)
    assert score["rot_rmse_ok"] < 0.3
    assert score["tra_rmse_ok_pct"] < 0.15
