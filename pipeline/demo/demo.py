"""`inbox3d demo`: virtual scan passes of a known figure go through the real lifecycle; the result
is judged by the truth."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

from layout import tree
from layout.tree import Atlas
from pipeline.demo import pose_errors, virtual_figure, virtual_scanner

PASSES, SEED = 10, 7
ENOUGH = 0.8  # share of the passes that must be placed right
RESULTS = ("report.html", "model.glb", "preview.png", "scan.json")


def run(atlas: Path, submit: Callable[[Path], Path], say: Callable[[str], None] = print) -> int:
    """Make a drop, let ``submit`` bring it through the Atlas (it returns the folder in done/ or
    failed/), tell what came out.

    The drop's copy and the truth stay beside the Atlas in <atlas>-truth/. Returns 0 when a result
    is there, at least four of five passes are placed right and none is placed wrong, else 1. Needs
    the extra ``scan``.
    """
    beside = _fresh(atlas.with_name(f"{atlas.name}-truth"))
    say("Making a figure that exists only in this computer, and scanning it from all sides.")
    figure = virtual_figure.make()
    drop = beside / "waving-cat"
    truth = virtual_scanner.make_drop(figure, drop, beside / "truth.json", passes=PASSES, seed=SEED)
    extent = " × ".join(f"{edge:.0f}" for edge in figure.extent)
    points = sum(told["points"] for told in truth["passes"].values())
    say(
        f"  {PASSES} passes, {points:,} points, a figure of {extent} mm: shuffled, each in a pose"
        " of its own,"
    )
    say("  with noise, outliers and the turntable in view.")
    say(f"Dropping them into {Atlas(atlas).inbox}")
    started = time.monotonic()
    folder = submit(drop)
    say(f"After {time.monotonic() - started:.0f} s the job lies in {folder}")
    return _tell(folder, truth, say)


def _others(output: Path) -> str:
    """Names of the files beside the report that are for people to open."""
    names = {path.name for path in output.iterdir() if path.is_file()}
    return ", ".join(sorted(names - {"report.html", tree.CHECKSUMS}))


def _fresh(folder: Path) -> Path:
    """FOLDER if it is not there yet, else the first free FOLDER-2, -3 …; made."""
    number, free = 1, folder
    while True:
        try:
            free.mkdir(parents=True)
            return free
        except FileExistsError:
            number += 1
            free = folder.with_name(f"{folder.name}-{number}")


def _tell(folder: Path, truth: dict[str, object], say: Callable[[str], None]) -> int:
    if (folder / "error.txt").is_file():
        say((folder / "error.txt").read_text())
        return 1
    output = folder / "output"
    absent = [name for name in RESULTS if not (output / name).is_file()]
    if absent:
        say(
            f"The result is not whole: {', '.join(absent)} missing in {output}. Read the end of"
            f" {folder / tree.LOG}."
        )
        return 1
    table = pose_errors.compare(json.loads((output / "scan.json").read_text()), truth)
    say("\nWhere each pass was placed, beside where it truly belongs:\n")
    say(f"{table}\n")
    say(f"Open this first:\n  {output / 'report.html'}\nBeside it lie {_others(output)}.")
    if table.wrong or table.right < ENOUGH * len(table.rows):
        say("The model is not as good as it should be: too few passes were placed right.")
        return 1
    return 0
