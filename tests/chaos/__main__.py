"""python -m tests.chaos [SEED] [--kills N] [--wakers N] [--drops N] [--seconds S] [--keep FOLDER]"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.checker import check
from tests.chaos.run import Asked, Chaos


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("seed", nargs="?", type=int, default=secrets.randbelow(10**9))
    for name, default in (("kills", 500), ("wakers", 100), ("drops", 300)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seconds", type=float, default=1500.0)
    parser.add_argument("--keep", type=Path, help="a new folder, which stays")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = given.keep or Path(temporary) / "house"
        folder.mkdir(parents=True)
        began = time.monotonic()
        whole = Chaos(folder, given.seed).play(
            Asked(given.kills, given.wakers, given.drops, given.seconds)
        )
        verdict = check(folder)
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} s")
    for name, count in verdict.counts.items():
        print(f"{count:7d} {name}")
    print("\n".join(verdict.broken) or "every promise holds")
    if not whole:
        print("not all that was asked for happened in time")
    return 1 if verdict.broken or not whole else 0


if __name__ == "__main__":
    sys.exit(main())
