"""Folders of photographs become models: cost and, where the truth is known, how right they are;
beside pycolmap alone (cameras only) and, where its scripts are at hand, a prototype.

    python benchmarks/photos.py SETS [--sets photos_figure,photos_sceaux,photos_berlin]
    [--peers pycolmap,prototype] [--prototype SCRIPTS] [--keep FOLDER] [--out TABLE.md]

SETS holds a folder for each set: photographs in it or in its photos/, with truth.json where they
were rendered. SCRIPTS holds the prototype's sfm.py, mvs.py and texture.py, whose packages are to be
importable. Each one runs in a process of its own, one after the other. HELD photographs are kept
out when the texture is made a second time, and compared with it. On a machine with a GPU each set
is also made without it, and the ratio of the times stands beside the two.
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

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PICTURES = (".jpg", ".jpeg", ".png", ".heic")
OURS, WITHOUT_GPU, RATIO = "inbox3d", "inbox3d without GPU", "CPU : GPU"
GOALS = "≤ 360 CPU s, ≤ 3 GB; result and truth ≥ 99 %; texture ≥ 32 dB"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default="photos_figure,photos_sceaux,photos_berlin")
    parser.add_argument("--peers", default="pycolmap,prototype")
    parser.add_argument("--prototype", type=Path)
    parser.add_argument("--keep", type=Path, help="where to leave what is made")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    parser.add_argument("--one", help="run WHO:SET here and print one JSON line")
    given = parser.parse_args()
    if given.one:
        who, name = given.one.split(":")
        print(json.dumps(measured(who, given.folder / name, given.keep, given.prototype)))
        return
    peers = [OURS, *(one for one in given.peers.split(",") if one)]
    if has_gpu():
        peers.insert(1, WITHOUT_GPU)
    if given.prototype is None:
        peers = [one for one in peers if one != "prototype"]
    with tempfile.TemporaryDirectory() as passing:
        given.keep = given.keep or Path(passing)
        found = {
            name: {who: in_a_process(who, name, given) for who in peers}
            for name in given.sets.split(",")
        }
    text = "\n\n".join(table(name, compared(columns)) for name, columns in found.items())
    print(text)
    if given.out:
        given.out.write_text(text + "\n")


def in_a_process(who: str, name: str, given: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, str(given.folder), "--one", f"{who}:{name}"]
    command += ["--keep", str(given.keep)]
    command += ["--prototype", str(given.prototype)] if given.prototype else []
    hidden = {"CUDA_VISIBLE_DEVICES": ""} if who == WITHOUT_GPU else {}
    told = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=False, env={**os.environ, **hidden}
    )
    if told.returncode:
        return {"failed": f"exit status {told.returncode}"}
    return dict(json.loads(told.stdout.splitlines()[-1]))


def measured(who: str, folder: Path, keep: Path, scripts: Path | None) -> dict[str, Any]:
    """Rows, name → figure, of one who makes a model of one set."""
    from benchmarks import photos_peers, photos_product, photos_truth

    photos = folder / "photos" if (folder / "photos").is_dir() else folder
    root = keep / f"{who}-{folder.name}"
    root.mkdir(parents=True, exist_ok=True)
    truth = photos_truth.Truth(folder) if (folder / "truth.json").is_file() else None
    if who == "pycolmap":
        return photos_peers.sparse_alone(photos, root, truth)
    if who == "prototype":
        assert scripts is not None
        return photos_peers.prototype(photos, root, truth, scripts)
    return photos_product.whole(photos, root, truth)


def has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def compared(columns: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """COLUMNS, and where a set was made with and without the GPU how many times as long the one
    without took."""
    with_it, without = columns[OURS], columns.get(WITHOUT_GPU, {})
    ratios = {
        row: without[row] / with_it[row]
        for row in ("CPU s", "wall s")
        if with_it.get(row) and row in without
    }
    return {**columns, RATIO: ratios} if ratios else columns


def pictures_in(photos: Path) -> list[str]:
    return sorted(one.name for one in photos.iterdir() if one.suffix.lower() in PICTURES)


def table(name: str, columns: dict[str, dict[str, Any]]) -> str:
    """Markdown: a row for each figure, a column for each who."""
    rows = dict.fromkeys(row for column in columns.values() for row in column)
    lines = [f"| {name} | {' | '.join(columns)} |", "| --- |" + " --- |" * len(columns)]
    for row in rows:
        cells = [said(column.get(row)) for column in columns.values()]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def said(value: Any) -> str:
    if value is None:
        return ""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and abs(value) < 10
        else (f"{value:.1f}" if isinstance(value, float) else str(value))
    )


if __name__ == "__main__":
    main()
