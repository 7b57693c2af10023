"""How true the progress of jobs is: the demo's scan and ten mixed jobs go through a real `inbox3d
up`, one after the other.

python benchmarks/bench_progress.py [--folder DIR] [--stages]

While a job runs its progress.json is read ten times a second. For each job: how long it took,
whether the fraction ever fell, whether it was a first estimate (cold), and the largest |predicted −
actual end| over the last three quarters of the job's time, as a share of the whole time; predicted
is the instant at which progress.json was written plus its eta. "within" is the share of the
predictions that were as near as their own error says. --stages prints what each stage took, with
the job's size: where pipeline/progress/weights.py is from.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from layout import lifecycle
from layout.init import init
from layout.manifest import JobFile, read_job
from layout.tree import Atlas, Place, State
from pipeline.demo import virtual_figure, virtual_scanner
from pipeline.progress.words import percent
from pipeline.submission.submit import submit_path
from pipeline.watchers.members import ours

LOOK, PATIENCE = 0.1, 900.0


class Seen(NamedTuple):
    """One content of progress.json: when it was written, in seconds since the job's start, and what
    it said."""

    at: float
    said: dict[str, Any]


class Run(NamedTuple):
    name: str
    job: JobFile
    whole: float
    seen: list[Seen]


# -- the drops ---------------------------------------------------------------------------------
def drops(folder: Path) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """(name, path, request) of the demo and of ten mixed jobs: each kind twice, in two sizes where
    it has any."""
    figure = virtual_figure.make()
    for name, passes, seed in (("demo", 10, 7), ("scan-small", 5, 3), ("scan-large", 8, 4)):
        virtual_scanner.make_drop(
            figure, folder / name, folder / f"{name}.json", passes=passes, seed=seed
        )
    for name, level in (("small-a", 3), ("small-b", 4), ("large-a", 7), ("large-b", 8)):
        _body(folder / f"{name}.ply", level)
    for name, edge in (("pictures-a", 384), ("pictures-b", 768)):
        _pictures(folder / name, edge)
    yield "demo", folder / "demo", {"kind": "scan"}
    for turn in "ab":
        yield f"convert small {turn}", folder / f"small-{turn}.ply", {"kind": "convert"}
        yield f"convert large {turn}", folder / f"large-{turn}.ply", {"kind": "convert"}
        yield (
            f"images {turn}",
            folder / f"pictures-{turn}",
            {"kind": "images", "backend": "visual-hull"},
        )
        (folder / f"prompt-{turn}.txt").write_text(
            f"a {'red' if turn == 'a' else 'blue'} watering can"
        )
        yield (
            f"prompt {turn}",
            folder / f"prompt-{turn}.txt",
            {"kind": "prompt", "backend": "visual-hull"},
        )
        name = "scan-small" if turn == "a" else "scan-large"
        yield f"scan {turn}", folder / name, {"kind": "scan"}


def _body(path: Path, level: int) -> None:
    """A bumpy ball of 20 · 4^LEVEL faces."""
    import numpy as np
    import trimesh

    ball = trimesh.creation.icosphere(level)
    way = np.asarray(ball.vertices)
    bumps = 0.1 * np.sin(9 * way[:, :1]) * np.cos(7 * way[:, 1:2]) + 0.05 * np.sin(15 * way[:, 2:3])
    trimesh.Trimesh(100 * way * (1 + bumps), ball.faces, process=False).export(path)


def _pictures(folder: Path, edge: int) -> None:
    """Four pictures, EDGE pixels wide, of one body before a plain ground."""
    from PIL import Image, ImageDraw

    folder.mkdir()
    for name, width in (("front", 0.5), ("left", 0.3), ("back", 0.5), ("right", 0.3)):
        picture = Image.new("RGB", (edge, edge), (245, 245, 245))
        pen, middle = ImageDraw.Draw(picture), edge / 2
        for share, top, bottom, colour in (
            (1, 0.35, 0.85, (180, 60, 50)),
            (0.5, 0.15, 0.45, (60, 80, 160)),
        ):
            half = share * width * edge / 2
            pen.ellipse((middle - half, top * edge, middle + half, bottom * edge), fill=colour)
        picture.save(folder / f"{name}.png")


# -- running -----------------------------------------------------------------------------------
def recorded(atlas: Atlas, name: str, drop: Path, request: dict[str, Any]) -> Run:
    """Submit DROP, look until the job is done, and tell what its progress said."""
    id = submit_path(atlas, drop, {**request, "texture_size": 1024}).path.name
    seen: list[Seen] = []
    began, limit = 0.0, time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        place = lifecycle.find(atlas, id)
        if place is not None and place.state in (State.DONE, State.FAILED):
            break
        if place is not None and place.state is State.PROCESSING:
            began = began or time.time()
            _look(place, began, seen)
        time.sleep(LOOK)
    whole, job = time.time() - began, read_job(atlas.disk, place.path) if place else None
    if place is None or place.state is not State.DONE or job is None:
        raise SystemExit(f"{name} did not end well: look at {place.path if place else atlas.root}")
    return Run(name, job, whole, seen)


def _look(place: Place, began: float, seen: list[Seen]) -> None:
    path = place.path / "progress.json"
    try:
        written, said = path.stat().st_mtime, json.loads(path.read_text())
    except (OSError, ValueError):
        return
    if not seen or seen[-1].said != said or seen[-1].at != written - began:
        seen.append(Seen(written - began, said))


# -- judging -----------------------------------------------------------------------------------
HEAD = (
    "job",
    "cold",
    "took s",
    "looks",
    "falls",
    "last",
    "worst miss of the end",
    "within its error",
)


def row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def judged(run: Run) -> str:
    """A row of the table. What was written before the last three quarters counts where it still
    stood in them."""
    fractions = [seen.said["fraction"] for seen in run.seen]
    before = [seen for seen in run.seen if seen.at < run.whole / 4]
    late = before[-1:] + run.seen[len(before) :]
    told = [seen for seen in late if seen.said.get("eta") is not None]
    misses = [abs(seen.at + seen.said["eta"] - run.whole) for seen in told]
    near = sum(
        miss <= (seen.said.get("eta_error") or 0) for miss, seen in zip(misses, told, strict=True)
    )
    falls = sum(later < earlier for earlier, later in itertools.pairwise(fractions))
    worst = f"{max(misses) / run.whole:.0%}" if told and len(told) == len(late) else "none was told"
    cold = "yes" if any(seen.said.get("cold") for seen in run.seen) else ""
    last = f"{percent(fractions[-1])}%" if fractions else ""
    return row(
        run.name,
        cold,
        f"{run.whole:.1f}",
        len(run.seen),
        falls,
        last,
        worst,
        f"{near} of {len(told)}",
    )


def of_stages(run: Run) -> Iterator[str]:
    used = [file for file in run.job.manifest if file.used]
    size = f"{sum(file.size for file in used) / 1e6:.2f} MB, {len(used)} files"
    for stage, seconds in run.job.provenance.times.items():
        yield f"{run.name:<16} {size:<20} {stage:<24} {seconds:8.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--folder", type=Path, help="keep tree, scratch and drops here; default: a temporary folder"
    )
    parser.add_argument("--stages", action="store_true", help="print what each stage took")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        (folder / "drops").mkdir(parents=True)
        atlas = init(folder / "atlas")[0]
        environment = os.environ | {
            "INBOX3D_HOST__SCRATCH": str(folder / "scratch"),
            "OMP_NUM_THREADS": "2",
        }
        command = ours("pipeline up", atlas.root, "--listen", "off", "--name", "bench")
        with (folder / "up.log").open("w") as log:
            fleet = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            print(
                f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f} at the"
                " start\n"
            )
            print(row(*HEAD), "|---" * len(HEAD) + "|", sep="\n", flush=True)
            runs = []
            for name, drop, request in drops(folder / "drops"):
                runs.append(recorded(atlas, name, drop, request))
                print(judged(runs[-1]), flush=True)
        finally:
            fleet.terminate()
            fleet.wait()
        print(f"\nload {os.getloadavg()[0]:.1f} at the end")
        for run in runs if given.stages else ():
            print("", *of_stages(run), sep="\n")


if __name__ == "__main__":
    main()
