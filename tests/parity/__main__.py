"""`python -m tests.parity SET.json …`: exit status 0 when every tensor of every set is within its tolerance."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.parity.sets import check


def main(paths: list[str]) -> int:
    if not paths:
        print(__doc__, file=sys.stderr)
        return 2
    good = True
    for path in paths:
        lines, wrong = check(Path(path))
        print(f"{path}: {len(lines)} tensors")
        for name in wrong:
            print(f"  WRONG weights        {name}")
        for line in lines:
            print(
                f"  {'ok   ' if line.ok else 'WRONG'} {line.largest:10.3g} (≤ {line.tolerance:.1g})  {line.name}"
            )
        good = good and not wrong and all(line.ok for line in lines)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
