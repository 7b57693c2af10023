"""Low-rank changes: pairs of thin matrices, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import save_file

from pipeline import weights
from pipeline.errors import BackendUnavailable
from pipeline.weights import lowrank
from tests.support import tiny, tinyklein


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"x.lora_A.weight": (2, 8), "x.lora_B.weight": (4, 2)}, None),
        ({"x.lora_down.weight": (2, 8), "x.lora_up.weight": (4, 2)}, None),
        ({"x.lora_A.weight": (2, 8)}, "tensor x.lora_B.weight is missing"),
        ({"x.lora_A.weight": (2, 8), "x.lora_B.weight": (4, 3)}, "make no product"),
        ({"x.lora_A.weight": (2, 8), "x.lora_B.weight": (4, 2), "x.alpha": ()}, "x.alpha is no half"),
        ({}, "it holds no tensors"),
    ],
)  # fmt: skip
def test_each_half_has_its_other(shapes: dict[str, tuple[int, ...]], words: str | None) -> None:
    said = lowrank.unpaired(shapes)
    assert said is None if words is None else words in (said or "")


@pytest.mark.slow
def test_they_are_imported_verified_and_refused_where_they_are_something_else(
    tmp_path: Path,
) -> None:
    models, name = tmp_path / "models", "flux2-klein-depth"
    state = tinyklein.depth(tmp_path / "made")
    weights.import_model(tmp_path / "made" / name, models, name)
    assert [(row.name, row.problem) for row in weights.verify(models)] == [(name, None)]
    path = models / name / weights.WEIGHTS
    assert lowrank.difference(path) is None
    first = next(iter(state))
    save_file({first: state[first]}, path)
    assert "corrupt" in (weights.verify(models)[0].problem or "")
    tiny.triposr(tmp_path)
    (tmp_path / "other.safetensors").write_bytes(path.read_bytes())
    with pytest.raises(BackendUnavailable, match="is not the published"):
        weights.import_model(tmp_path / "other.safetensors", models, name)
    with pytest.raises(BackendUnavailable, match="is not flux2-klein-depth: it looks like triposr"):
        weights.import_model(tmp_path / "triposr", models, name)
    with pytest.raises(BackendUnavailable) as refused:
        weights.import_model(tmp_path / "other.safetensors", models, "triposr")
    assert "It looks like a LoRA" in refused.value.remedy


def test_looking_at_them_needs_no_torch() -> None:
    code = "import sys, pipeline.weights.lowrank; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
