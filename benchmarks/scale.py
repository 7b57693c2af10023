"""What a scan costs as it grows: CPU seconds, wall and peak memory of every stage, files to report.

    python benchmarks/scale.py [--points 1000000,10000000] [--passes 10] [--last scan.fuse]
    [--out TABLE.md]

The input is ten virtual passes of the demo's figure on its turntable, scrambled, of as many points
as asked for, made once and kept in --folder. Each size runs in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SEEN = 0.445  # share of a pass's pixels that become points
GOALS = {
    1_000_000: "60 CPU s, 1.5 GB",
    10_000_000: "150 CPU s, 2 GB",
    100_000_000: "20 minutes of wall time, 4 GB",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", default="1000000,10000000")
    parser.add_argument("--passes", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scale")
    parser.add_argument("--last", default="finish.report", help="the last stage to run")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--one", type=int, help="run one size here and print one JSON line")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.folder, given.one, given.passes, given.last)))
        return
    text = table([in_a_process(int(size), given) for size in given.points.split(",")])
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def in_a_process(size: int, given: argparse.Namespace) -> dict[str, Any]:
    make(given.folder / f"{size}-{given.passes}", size, given.passes)
    own = ["--passes", str(given.passes), "--folder", str(given.folder), "--last", given.last]
    told = subprocess.run(
        [sys.executable, __file__, "--one", str(size), *own],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return dict(json.loads(told.stdout.splitlines()[-1]))


def make(folder: Path, size: int, passes: int) -> None:
    """The drop and its truth, unless they are there; in a process of its own, for its memory."""
    if (folder / "truth.json").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pixels = int((size / passes / SEEN) ** 0.5)
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "from pipeline.demo import virtual_figure, virtual_scanner\n"
        f"folder = Path({str(folder)!r})\n"
        "virtual_scanner.make_drop(virtual_figure.make(), folder / 'drop', folder / 'truth.json',"
        f" passes={passes}, seed=7, pixels={pixels})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def measure(folder: Path, size: int, passes: int, last: str) -> dict[str, Any]:
    """Rows of (stage, CPU s, wall s, peak MB), and how many passes were placed right."""
    sys.path.insert(0, str(ROOT))
    from pipeline.artefacts import Artefact, Dropped
    from pipeline.demo import pose_errors
    from pipeline.jobs import parse
    from pipeline.recipes import call, stage_function, stages
    from pipeline.workspace import StageWorkspace

    source = folder / f"{size}-{passes}"
    drop, truth = source / "drop", json.loads((source / "truth.json").read_text())
    names = tuple(sorted(path.name for path in drop.iterdir()))
    bag: list[Artefact] = [Dropped(names=names)]
    rows: list[tuple[str, float, float, float]] = []
    with tempfile.TemporaryDirectory(dir=folder) as root:
        ws = StageWorkspace(Path(root), drop, options=parse({"kind": "scan"}))
        wanted = stages("scan")
        for stage in wanted[: wanted.index(last) + 1]:
            forget_peak()
            began, wall = cpu(), time.monotonic()
            bag.append(call(stage_function(stage), bag, ws))
            rows.append((stage, cpu() - began, time.monotonic() - wall, peak()))
            print(f"  {size} {rows[-1]}", file=sys.stderr)
        facts = Path(root) / "output" / "scan.json"
        found = json.loads(facts.read_text()) if facts.exists() else None
        judged = pose_errors.compare(found, truth) if found else None
    return {
        "points": sum(one["points"] for one in truth["passes"].values()),
        "goal": GOALS.get(size, ""),
        "rows": rows,
        "right": f"{judged.right} of {len(judged.rows)}" if judged else "",
    }


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def forget_peak() -> None:
    """Let the kernel count the peak of resident memory anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Of resident memory since then, MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def table(found: list[dict[str, Any]]) -> str:
    """Markdown: a row per stage, its CPU s / wall s / peak MB for each size."""
    sizes = " | ".join(f"{one['points']:,} points" for one in found)
    lines = [f"| stage: CPU s / wall s / peak MB | {sizes} |", "| --- |" + " --- |" * len(found)]
    for number, (stage, *_) in enumerate(found[0]["rows"]):
        cells = ["{1:.1f} / {2:.1f} / {3:.0f}".format(*one["rows"][number]) for one in found]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    whole = [
        (
            f"{sum(row[1] for row in one['rows']):.0f} / {sum(row[2] for row in one['rows']):.0f} /"
            f" {max(row[3] for row in one['rows']):.0f}"
        )
        for one in found
    ]
    lines.append(f"| **whole** | {' | '.join(whole)} |")
    lines.append(f"| goal | {' | '.join(one['goal'] for one in found)} |")
    lines.append(f"| passes placed right | {' | '.join(one['right'] for one in found)} |")
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    return "\n".join(lines) + f"\n\nLoad at the end: {load}."


if __name__ == "__main__":
    main()
