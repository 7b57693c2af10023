"""A cloud's surface, and a mesh with fewer faces: ours beside other programs, same input, same run.

    python benchmarks/surfaces.py [surface] [decimation] [--points 1000000] [--folder DIR]
    [--repeats 2] [--out TABLE.md]

The input is what our own stages hand on of ten virtual passes (scale.py): the merged cloud with
its normals, and the cleaned mesh of it. Every run is a process of its own, its imports not counted;
what counts is the least CPU time of the repeats, and whether they made the same bytes.
adobe-lagrange and pyfqmr come from .venv/peers (`make bench-peers`); nothing of the product knows
of them.

Distances are shares of the input's largest extent. Of a surface: from 200 000 of the cloud's points
to it. Of a thinned mesh: from as many points spread over either mesh to the other.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import scale, surfaces_peers

BAG = "bag.json"
HEAD = "| who | CPU s | s | peak MB | faces | watertight | manifold | mean | p95 | worst | bytes |"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", default=list(surfaces_peers.WAYS))
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "scale")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    parser.add_argument("--one", help="one way here, printed as a JSON line")
    given = parser.parse_args()
    folder = given.folder / f"{given.points}-10"
    if given.one:
        print(json.dumps(surfaces_peers.measured(given.what[0], given.one, *handed_on(folder))))
        return
    scale.make(folder, given.points, 10)
    if not (folder / BAG).is_file():
        prepare(folder)
    text = "\n\n".join(table(what, given) for what in given.what)
    load = " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(text := f"{text}\n\nLoad at the end: {load}; {os.cpu_count()} cores.")
    if given.out:
        given.out.write_text(text + "\n")


def prepare(folder: Path) -> None:
    """Our stages up to the cleaned mesh; what they hand on stays in FOLDER."""
    from pipeline.artefacts import Artefact, Dropped
    from pipeline.jobs import parse
    from pipeline.recipes import call, stage_function, stages
    from pipeline.workspace import StageWorkspace

    drop = folder / "drop"
    bag: list[Artefact] = [Dropped(names=tuple(sorted(path.name for path in drop.iterdir())))]
    ws = StageWorkspace(folder / "work", drop, options=parse({"kind": "scan"}))
    names = stages("scan")
    for stage in names[: names.index("mesh.clean") + 1]:
        bag.append(call(stage_function(stage), bag, ws))
    rows = [(type(one).__name__, one.model_dump(mode="json")) for one in bag]
    (folder / BAG).write_text(json.dumps(rows))


def handed_on(folder: Path) -> tuple[list[Any], Any]:
    from pipeline import artefacts
    from pipeline.jobs import parse
    from pipeline.workspace import StageWorkspace

    ws = StageWorkspace(folder / "work", folder / "drop", options=parse({"kind": "scan"}))
    rows = json.loads((folder / BAG).read_text())
    return [getattr(artefacts, name).model_validate(row) for name, row in rows], ws


def table(what: str, given: argparse.Namespace) -> str:
    rows = [HEAD, "|" + "---|" * (HEAD.count("|") - 1)]
    for who in surfaces_peers.WAYS[what]:
        told = [in_a_process(what, who, given) for _ in range(given.repeats)]
        if not all(told):
            rows.append(f"| {who} | did not end well |" + " |" * (HEAD.count("|") - 3))
            continue
        best = min(told, key=lambda one: one["cpu"])
        same = "the same" if len({one["bytes"] for one in told}) == 1 else "differ"
        rows.append(
            f"| {who} | {best['cpu']:.1f} | {best['s']:.1f} | {best['peak']:.0f}"
            f" | {best['faces']:,} | {best['watertight']} | {best['manifold']}"
            f" | {best['mean']:.4%} | {best['p95']:.4%} | {best['worst']:.3%} | {same} |"
        )
    return f"{what} of {given.points:,} points:\n\n" + "\n".join(rows)


def in_a_process(what: str, who: str, given: argparse.Namespace) -> dict[str, Any]:
    """One run; one that dies has made nothing."""
    own = ["--points", str(given.points), "--folder", str(given.folder), "--one", who]
    told = subprocess.run(
        [sys.executable, __file__, what, *own], capture_output=True, text=True, check=False
    )
    print(f"  {what} {who}: {(told.stdout or told.stderr).strip()[-400:]}", file=sys.stderr)
    lines = told.stdout.splitlines()
    return dict(json.loads(lines[-1])) if told.returncode == 0 and lines else {}


if __name__ == "__main__":
    main()
