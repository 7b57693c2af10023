"""Which kind of set a file is, and its comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from tests.parity import instantmesh, triposg, triposr
from tests.parity.compare import Deviation, compare, load


def check(path: Path) -> tuple[list[Deviation], list[str]]:
    """Compare the set at PATH (.json, or .npz where there is no .json): its deviations, and the names of parameters with wrong weights."""
    torch.set_num_threads(2)
    facts: dict[str, Any] = (
        json.loads(path.with_suffix(".json").read_text())
        if path.with_suffix(".json").is_file()
        else {}
    )
    recorded = load(path.with_suffix(".npz"))
    full = any(name.endswith("_strided") for name in recorded)
    wrong: list[str] = []
    with torch.inference_mode():
        if "shapes" in facts:
            values = instantmesh.flexicubes_set(facts, recorded)
        elif "views" in facts:
            values, wrong = instantmesh.computed(facts, recorded)
        elif "transformer" in facts.get("config", {}):
            values, wrong = triposg.computed(facts, recorded)
        elif "images" in facts:
            values, wrong = triposr.computed(facts, recorded)
        elif "allpos_sdf" in recorded:
            values = instantmesh.empty_set(
                json.loads(path.with_name("small.json").read_text()), recorded
            )
        else:
            values = triposr.marching_cubes_set(recorded)
        return compare(recorded, values, full), wrong
