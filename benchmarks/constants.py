"""What the constants of the registration are worth: each halved, as it is, and doubled, everything
else as it is, on real scan sets with known poses.

    python benchmarks/constants.py [--sets bunny,turntable_dog] [--seeds 0] [--only RESIDUAL,AHEAD]
    [--out TABLE.md]

Needs the test data (benchmarks/register.py says where). A constant is justified where both other
values place fewer passes right, or one of them places passes falsely; where neither does, these
sets do not tell, and nothing speaks for another value.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import register

BELOW = "pipeline.stages.scan."
CONSTANTS = {
    "CONTRADICTED": "_verify",
    "UNSEEN": "_verify",
    "CROPPED": "_verify",
    "RESIDUAL": "_verify",
    "STRONG": "_graph",
    "CERTAIN": "_graph",
    "WEAK": "_graph",
    "AHEAD": "_graph",
    "NOISE": "_graph",
    "OPPOSED": "_graph",
    "TOGETHER": "_graph",
    "TRUSTY": "_links",
    "WIDER": "_links",
    "CLASHING": "_verify",
    "TONED": "_verify",
    "MUTUAL": "_hypotheses",
    "LENGTH": "_hypotheses",
    "ANGLE": "_hypotheses",
}
FACTORS = (0.5, 2.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", default="bunny,turntable_dog")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--only", default=",".join(CONSTANTS))
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--one", nargs=4, metavar=("NAME", "FACTOR", "SET", "SEED"))
    given = parser.parse_args()
    if given.one:
        name, factor, folder, seed = given.one
        print(json.dumps(measure(name, float(factor), folder, int(seed))))
        return
    runs = [(one, seed) for one in given.sets.split(",") for seed in given.seeds.split(",")]
    usual = told([in_a_process("", 1.0, *run) for run in runs])
    lines = ["| constant | is | halved | as it is | doubled |", "| --- | --- | --- | --- | --- |"]
    for name in given.only.split(","):
        half, double = (
            told([in_a_process(name, factor, *run) for run in runs]) for factor in FACTORS
        )
        lines.append(
            f"| `{CONSTANTS[name]}.{name}` | {value(name):g} | {half} | {usual} | {double} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def value(name: str) -> float:
    return float(getattr(importlib.import_module(BELOW + CONSTANTS[name]), name))


def measure(name: str, factor: float, folder: str, seed: int) -> dict[str, Any]:
    """One set with one constant changed; NAME "" changes none."""
    sys.path.insert(0, str(register.ROOT))
    if name:
        changed = importlib.import_module(BELOW + CONSTANTS[name])
        setattr(changed, name, factor * getattr(changed, name))
    return register.measure(folder, register.OURS, seed)


def in_a_process(name: str, factor: float, folder: str, seed: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", name, str(factor), folder, seed]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def told(runs: list[dict[str, Any]]) -> str:
    """Passes placed right of all, and those placed falsely, set by set."""
    return ", ".join(
        f"{run['right']} of {run['passes']}" + (f" ({run['false']} false)" if run["false"] else "")
        for run in runs
    )


if __name__ == "__main__":
    main()
