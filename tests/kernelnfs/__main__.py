"""python -m tests.kernelnfs KERNEL [PLAY…] [--keep FOLDER]

KERNEL: a folder with the unpacked package of Debian's cloud kernel; FOLDER, a new one, keeps the guest's disks and its console."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.kernelnfs import image, machine


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kernel", type=Path)
    parser.add_argument("plays", nargs="*")
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    if lacks := image.lacks(given.kernel):
        print(f"not played, for this is missing: {lacks}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="kernelnfs-") as temporary:
        folder = given.keep or Path(temporary) / "guest"
        folder.mkdir(parents=True)
        told = machine.play(given.kernel, folder, given.plays)
        if not told:
            print((folder / "console").read_text()[-3000:])
    return 0 if told and all(one["held"] for one in told) else 1


if __name__ == "__main__":
    sys.exit(main())
