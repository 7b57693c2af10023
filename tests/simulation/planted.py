"""python -m tests.simulation.planted [NAME …]: after how many seeds each planted bug is found."""

from __future__ import annotations

import sys
import time

from tests.simulation.mutants import MUTANTS
from tests.simulation.play import play

SEEDS = 100


def main(*names: str) -> int:
    missed = 0
    for name in names or MUTANTS:
        began, broken = time.process_time(), None
        for seed in range(1, SEEDS + 1):
            if broken := play(seed, MUTANTS[name]()).broken:
                break
        missed += broken is None
        took = time.process_time() - began
        print(f"| {name} | {seed} | {broken or 'NOT FOUND'} | {took:.0f} s", flush=True)
    return missed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
