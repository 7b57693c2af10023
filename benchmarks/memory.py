"""What stages need of memory beside what pipeline/progress/needs.py declares: one mesh, converted,
in several sizes.

    python benchmarks/memory.py [--subdivisions 5,8]

A process that has loaded what the engine loads runs the recipe; the kernel counts the peak of each
stage anew. Scans: benchmarks/scale.py prints the same for them.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.scale import forget_peak, peak
from pipeline.artefacts import Artefact, Dropped
from pipeline.jobs import parse
from pipeline.progress import needs
from pipeline.progress.likeness import Asked
from pipeline.queues import QUEUES
from pipeline.recipes import call, stage_function, stages
from pipeline.workspace import StageWorkspace


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--subdivisions", default="5,8", help="of an icosahedron")
    given = parser.parse_args()
    for name in QUEUES["finish"].preload:
        importlib.import_module(name)
    print(f"engine: {peak():.0f} MB (declared {needs.ENGINE / 1e6:.0f})\n")
    print("| stage | size of the file, MB | peak MB | declared MB |\n|---|---|---|---|")
    for level in given.subdivisions.split(","):
        measure(int(level))
    print("\nLoad at the end:", " ".join(f"{one:.1f}" for one in os.getloadavg()))


def measure(level: int) -> None:
    import trimesh

    with tempfile.TemporaryDirectory() as folder:
        drop, root = Path(folder) / "drop", Path(folder) / "root"
        drop.mkdir(), root.mkdir()
        trimesh.creation.icosphere(subdivisions=level, radius=100).export(drop / "ball.ply")
        size = (drop / "ball.ply").stat().st_size
        options = parse({"kind": "convert"})
        asked = Asked("convert", size, 1, tuple(options.model_dump().items()), frozenset())
        ws = StageWorkspace(root, drop, options=options)
        bag: list[Artefact] = [Dropped(names=("ball.ply",))]
        for stage in stages("convert"):
            forget_peak()
            bag.append(call(stage_function(stage), bag, ws))
            declared = needs.declared([stage], asked) / 1e6
            print(f"| {stage} | {size / 1e6:.1f} | {peak():.0f} | {declared:.0f} |", flush=True)


if __name__ == "__main__":
    main()
