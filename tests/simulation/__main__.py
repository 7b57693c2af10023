"""python -m tests.simulation [SEED … | --from SEED] [--seeds COUNT] [--seconds S] [--processes N]
[--shape SHAPE] [--counts FILE]"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from tests.simulation.many import many
from tests.simulation.play import play
from tests.simulation.shapes import MINUTES, SHAPES, Shape


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds_again", metavar="SEED", nargs="*", type=int)
    parser.add_argument("--from", dest="first", type=int)
    parser.add_argument("--seeds", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--shape", choices=SHAPES, default=MINUTES.name, help="of the plays")
    parser.add_argument("--counts", type=Path, help="adds what was met to those of other ranges")
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    if arguments.seeds_again:
        return max(replay(seed, shape) for seed in arguments.seeds_again)
    first = arguments.first if arguments.first is not None else secrets.randbelow(10**9)
    return many(
        range(first, first + arguments.seeds),
        arguments.seconds,
        arguments.processes,
        arguments.counts,
        shape,
    )


def replay(seed: int, shape: Shape) -> int:
    report = play(seed, shape=shape)
    print("\n".join(report.trace))
    print(f"seed {seed}: {report.broken or 'every promise holds'}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
