"""Unordered drops of many shapes: what is placed right, what is false and sure, what says so.

    python benchmarks/bench_ambiguity.py [--short] [--each 15] [--first 0] [--jobs 2]
    [--only CLASS,…] [--peers o3d_doc,kiss] [--peers-every 3] [--out RESULTS.jsonl] [--table]

Every class of shape is scanned by the virtual scanner (benchmarks/unordered.py) and aligned by the
product's stages; a pass counts as right, as false and sure (placed wrongly, up to the body's own
symmetry, without a word), as told (placed with a warning of its own), or as left out. With
``--out`` each drop's counts are kept in that file, and drops that the same code left there are not
run again; ``--table`` prints those alone. Peers are the methods of bench-scan/register.py below
$INBOX3D_TESTDATA; they come last, on every n-th seed.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import importlib
import json
import math
import os
import resource
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("INBOX3D_TESTDATA") or ROOT.parent / "shared").resolve()
sys.path[:0] = [str(ROOT), str(DATA / "bench-scan")]

import numpy as np  # noqa: E402

from benchmarks import unordered  # noqa: E402

OURS = "inbox3d"
BANDS = ((0.35, "≥ 35 %"), (0.2, "20–35 %"), (0.0, "< 20 %"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="the fixed sample of 20 drops")
    parser.add_argument("--each", type=int, default=15, help="drops of every class")
    parser.add_argument("--first", type=int, default=0, help="seed of the first of them")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="classes, with commas between")
    parser.add_argument("--peers", default="", help="o3d_doc, o3d_orient, kiss …")
    parser.add_argument("--peers-every", type=int, default=1, help="seeds from one to the next")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", action="store_true", help="only what stands in --out")
    given = parser.parse_args()
    plans = unordered.short() if given.short else unordered.plans(given.each, given.first)
    if given.only:
        plans = [plan for plan in plans if plan.kind in given.only.split(",")]
    plans.sort(key=lambda plan: plan.seed)  # a part of the whole is a sample of all classes
    wanted = [(plan, OURS) for plan in plans] + [
        (plan, peer)
        for plan in plans
        for peer in filter(None, given.peers.split(","))
        if plan.seed % given.peers_every == 0
    ]
    print(table(list(rows(wanted, 0 if given.table else given.jobs, given.out))))


def rows(
    wanted: list[tuple[unordered.Plan, str]], jobs: int, out: Path | None
) -> Iterable[dict[str, Any]]:
    """One row a drop and method, from ``out`` where this code wrote it; no jobs: those alone."""
    kept = (
        [json.loads(line) for line in out.read_text().splitlines()] if out and out.exists() else []
    )
    known = {(row["drop"], row["method"]): row for row in kept if row.get("code") == code()}
    yield from (known[key] for plan, method in wanted if (key := (plan.name, method)) in known)
    missing = [(p, m) for p, m in wanted if (p.name, m) not in known]
    if not jobs or not missing:
        return
    with ProcessPoolExecutor(jobs) as pool:
        for row in pool.map(measure, *zip(*missing, strict=True)):
            print(f"  {json.dumps(row, ensure_ascii=False)}", file=sys.stderr)
            if out:
                with out.open("a") as file:
                    file.write(json.dumps(row) + "\n")
            yield row


def measure(plan: unordered.Plan, method: str) -> dict[str, Any]:
    """Scan, align, judge."""
    drop = unordered.scan(plan)
    before = cpu()
    found, told = ours(drop) if method == OURS else peer(drop, method)
    spent = cpu() - before
    right = unordered.judge(drop, found, told=told)
    plain = unordered.judge(drop, found, symmetric=False, told=told)
    return {
        "drop": plan.name,
        "kind": plan.kind,
        "method": method,
        "cpu": round(spent, 1),
        "code": code(),
        "passes": [
            {
                "overlap": round(one.overlap, 2),
                "own": one.true is not None,
                "placed": found.get(one.file) is not None,
                "told": one.file in told,
                "right": bool(right[k]),
                "plain": bool(plain[k]),
            }
            for k, one in enumerate(drop.passes)
        ],
    }


@functools.cache
def code() -> str:
    """What rows of a changed program or sample are told from."""
    files = sorted([*(ROOT / "pipeline/stages/scan").glob("*.py"), Path(unordered.__file__)])
    return hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()[:12]


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def ours(drop: unordered.Drop) -> tuple[dict[str, Any], set[str]]:
    """Poses by file, and the files that stand somewhere with a warning of their own."""
    from pipeline.artefacts import Alignment, Artefact, Dropped
    from pipeline.errors import NoOverlap
    from pipeline.jobs import parse
    from pipeline.recipes import call, stage_function
    from pipeline.workspace import StageWorkspace

    with tempfile.TemporaryDirectory() as folder:
        names = unordered.write(drop, Path(folder) / "drop")
        ws = StageWorkspace(Path(folder), Path(folder) / "drop", options=parse({"kind": "scan"}))
        bag: list[Artefact] = [Dropped(names=names)]
        try:
            for stage in ("read_passes", "orient", "align"):
                bag.append(call(stage_function(f"scan.{stage}"), bag, ws))
        except NoOverlap:
            return {}, set()
    found = next(one for one in bag if isinstance(one, Alignment))
    poses = {one.name: None if one.pose is None else np.asarray(one.pose) for one in found.passes}
    return poses, {one.name for one in found.passes if one.placed and one.warning}


def peer(drop: unordered.Drop, method: str) -> tuple[dict[str, Any], set[str]]:
    """Poses by a method of bench-scan/register.py, which scrambles the passes once more."""
    import scancommon

    with tempfile.TemporaryDirectory() as folder:
        unordered.write(drop, Path(folder))
        listed = [{"file": one.file, "T": np.eye(4).tolist()} for one in drop.passes]
        (Path(folder) / "set.json").write_text(json.dumps({"name": "drop", "passes": listed}))
        poses = importlib.import_module("register").run(folder, method, 0)[1]
        _, clouds, eyes = scancommon.load_set(folder)
        _, undone, order = scancommon.scramble(clouds, eyes, 0)
    return {
        drop.passes[k].file: None if pose is None else pose @ np.linalg.inv(undo)
        for k, pose, undo in zip(order, poses, undone, strict=True)
    }, set()


def table(every: list[dict[str, Any]]) -> str:
    """Markdown: a row per class and method."""
    lines = [
        (
            "| class | method | drops, passes | placed right without a word, by overlap:"
            f" {'; '.join(name for _, name in BANDS)} | right | told | left out |"
            " false and sure (95 % interval) | of them right up to symmetry | CPU s a drop |"
        ),
        "|" + " --- |" * 9,
    ]
    for kind, method in dict.fromkeys((row["kind"], row["method"]) for row in every):
        mine = [row for row in every if (row["kind"], row["method"]) == (kind, method)]
        lines.append(_line(kind, method, mine))
    return "\n".join(lines)


def _line(kind: str, method: str, rows: list[dict[str, Any]]) -> str:
    passes = [one for row in rows for one in row["passes"]]
    own = [one for one in passes if one["own"]]
    sure = [one for one in passes if one["placed"] and not one["told"]]
    false = [one for one in sure if not one["plain"]]
    excused = sum(one["right"] for one in false)
    bands, above = [], 2.0
    for least, _ in BANDS:
        band = [one for one in own if least <= one["overlap"] < above]
        good = sum(one["placed"] and not one["told"] and one["right"] for one in band)
        bands.append(f"{good} of {len(band)}" if band else "-")
        above = least
    low, high = wilson(len(false) - excused, len(passes))
    return (
        f"| {kind} | {method} | {len(rows)}, {len(passes)} | {'; '.join(bands)}"
        f" | {sum(one['placed'] and one['right'] for one in own)}"
        f" | {sum(one['placed'] and one['told'] for one in passes)}"
        f" | {sum(not one['placed'] for one in own)}"
        f" | {len(false) - excused} ({100 * low:.1f}–{100 * high:.1f} %) | {excused}"
        f" | {sum(row['cpu'] for row in rows) / len(rows):.0f} |"
    )


def wilson(many: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    share, square = many / of, z * z / of
    half = z * math.sqrt(share * (1 - share) / of + square / (4 * of)) / (1 + square)
    middle = (share + square / 2) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)


if __name__ == "__main__":
    main()
