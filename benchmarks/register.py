"""Registration of scrambled scan sets: ours beside stock Open3D, on the same passes, in the same
run.

    python benchmarks/register.py [--sets bunny,lion] [--seeds 0,1,2] [--peers o3d_doc,o3d_orient]
    [--out TABLE.md]

Each method runs in a process of its own, so CPU seconds are its own (reading included for both).
Needs the test data and the peer script bench-scan/register.py below $INBOX3D_TESTDATA (default:
../shared). A pass is right within 5 degrees and 2 % of the object's size; "false" counts passes
reported placed that are off by more than 5 degrees.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("INBOX3D_TESTDATA") or ROOT.parent / "shared").resolve()
PEERS = DATA / "bench-scan"
OURS = "inbox3d"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", default="bunny,lion,tls_office,turntable_dog,turntable_dog/lying")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--peers", default="o3d_doc,o3d_orient")
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument(
        "--one",
        nargs=3,
        metavar=("SET", "METHOD", "SEED"),
        help="run one method here and print one JSON line",
    )
    given = parser.parse_args()
    if given.one:
        name, method, seed = given.one
        print(json.dumps(measure(name, method, int(seed))))
        return
    rows = [
        summary(name, method, [in_a_process(name, method, seed) for seed in given.seeds.split(",")])
        for name in given.sets.split(",")
        for method in (OURS, *filter(None, given.peers.split(",")))
    ]
    text = table(rows)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def in_a_process(name: str, method: str, seed: str) -> dict[str, Any]:
    """One run; a method that dies counts as no pass placed."""
    told = subprocess.run(
        [sys.executable, __file__, "--one", name, method, seed],
        capture_output=True,
        text=True,
        check=False,
    )
    print(
        f"  {name} {method} {seed}: {told.stdout.strip() or told.stderr.strip()[-200:]}",
        file=sys.stderr,
    )
    return dict(json.loads(told.stdout.splitlines()[-1]))


def measure(name: str, method: str, seed: int) -> dict[str, Any]:
    """Recall, false placements, errors and CPU seconds of one method on one scrambled set."""
    sys.path[:0] = [str(ROOT), str(PEERS)]
    import scancommon

    folder = DATA / "data" / "scans" / name
    meta, clouds, truth = scancommon.load_set(str(folder))
    clouds, truth, order = scancommon.scramble(clouds, truth, seed)
    painted = [colours(folder / meta["passes"][k]["file"]) for k in order]
    size = float(np.median([scancommon.diag(cloud) for cloud in clouds]))
    before = cpu()
    poses = ours(clouds, painted) if method == OURS else peer(folder, method, seed)
    spent = cpu() - before
    score = scancommon.score_poses(poses, truth, clouds, size)
    errors = [
        scancommon.pose_errors(poses, truth, clouds, k)
        for k, pose in enumerate(poses)
        if pose is not None
    ]
    agreed = max(
        errors,
        key=lambda pair: int(((pair[0] < 5) & (pair[1] < 0.02 * size)).sum()),
        default=(np.full(len(poses), 180.0), None),
    )
    false = sum(
        pose is not None and not error <= 5 for pose, error in zip(poses, agreed[0], strict=True)
    )
    return {
        "passes": len(poses),
        "right": sum(score["ok"]),
        "false": int(false),
        "rotation": score.get("rot_rmse_ok"),
        "centroid": score.get("tra_rmse_ok_pct"),
        "cpu": round(spent, 1),
    }


def cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def colours(file: Path) -> Any:
    """The colours (N,3) of a pass's points, 0..1, in the order in which scancommon reads these; of
    no length where it has none."""
    import open3d as o3d

    with tempfile.NamedTemporaryFile(
        suffix=Path(file.stem if file.suffix == ".gz" else file).suffix
    ) as plain:
        plain.write(
            gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        )
        plain.flush()
        cloud = o3d.io.read_point_cloud(plain.name)
    points, found = np.asarray(cloud.points), np.asarray(cloud.colors)
    some = np.isfinite(points).all(1) & (np.abs(points).sum(1) > 0)
    return found[some] if len(found) else found


def ours(clouds: list[Any], painted: list[Any]) -> list[Any]:
    """The product's stages read_passes, orient and align on PLY files of the passes, with their
    colours where they have any."""
    import open3d as o3d

    from pipeline.artefacts import Alignment, Artefact, Dropped
    from pipeline.errors import NoOverlap
    from pipeline.jobs import parse
    from pipeline.recipes import call, stage_function
    from pipeline.workspace import StageWorkspace

    with tempfile.TemporaryDirectory() as folder:
        drop = Path(folder) / "drop"
        drop.mkdir()
        names = tuple(f"pass_{k:02d}.ply" for k in range(len(clouds)))
        for name, cloud, shades in zip(names, clouds, painted, strict=True):
            made = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(cloud))
            made.colors = o3d.utility.Vector3dVector(shades)
            o3d.io.write_point_cloud(str(drop / name), made)
        ws = StageWorkspace(Path(folder), drop, options=parse({"kind": "scan"}))
        bag: list[Artefact] = [Dropped(names=names)]
        try:
            for stage in ("read_passes", "orient", "align"):
                bag.append(call(stage_function(f"scan.{stage}"), bag, ws))
        except NoOverlap:
            return [None] * len(clouds)
        found = next(one for one in bag if isinstance(one, Alignment))
        return [None if one.pose is None else np.asarray(one.pose) for one in found.passes]


def peer(folder: Path, method: str, seed: int) -> list[Any]:
    """Poses by a method of bench-scan/register.py."""
    # found before this file: PEERS stands first on the path
    peers = importlib.import_module("register")
    return list(peers.run(str(folder), method, seed)[1])


def summary(name: str, method: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    def middle(key: str) -> float | None:
        values = [run[key] for run in runs if run[key] is not None]
        return statistics.median(values) if values else None

    return {
        "set": name,
        "method": method,
        "passes": runs[0]["passes"],
        "right": [run["right"] for run in runs],
        "false": [run["false"] for run in runs],
        "rotation": middle("rotation"),
        "centroid": middle("centroid"),
        "cpu": middle("cpu"),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown; ratio = ours : this method, of the median number of passes placed right."""
    ours_right = {
        row["set"]: statistics.median(row["right"]) for row in rows if row["method"] == OURS
    }
    lines = [
        (
            "| set | method | passes right, by seed | false placements | rotation ° | centroid % |"
            " CPU s | ours : it |"
        ),
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        right = ", ".join(map(str, row["right"])) + f" of {row['passes']}"
        false = ", ".join(map(str, row["false"]))
        errors = [
            "-" if row[key] is None else f"{row[key]:.2f}" for key in ("rotation", "centroid")
        ]
        ratio = ours_right[row["set"]] / max(statistics.median(row["right"]), 0.5)
        against = "" if row["method"] == OURS else f"{ratio:.1f} ×"
        lines.append(
            f"| {row['set']} | {row['method']} | {right} | {false} | {errors[0]} | {errors[1]} |"
            f" {row['cpu']:.0f} | {against} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
