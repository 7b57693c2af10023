"""The GPU benchmark says what it needs, and all of it runs with tiny networks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu_page import table


@pytest.fixture(scope="module")
def gpu() -> Any:
    path = Path(__file__).resolve().parents[3] / "benchmarks" / "gpu.py"
    spec = importlib.util.spec_from_file_location("bench_gpu", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules["bench_gpu"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_without_a_gpu_it_says_so_and_writes_nothing(
    gpu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    page = tmp_path / "RESULTS.md"
    assert gpu.main(["--into", str(page)]) == 2
    assert "needs a CUDA GPU" in capsys.readouterr().err
    assert not page.exists()


def test_its_section_takes_the_place_of_the_earlier_one(gpu: Any) -> None:
    page = "# Results\n\n## A\n\na\n\n## GPU\n\nold\n\n## B\n\nb\n"
    assert (
        gpu.replaced(page, "## GPU\n\nnew\n")
        == "# Results\n\n## A\n\na\n\n## GPU\n\nnew\n\n## B\n\nb\n"
    )
    assert gpu.replaced("# Results\n", "## GPU\n\nnew\n") == "# Results\n\n## GPU\n\nnew\n"


def test_a_card_that_is_too_small_is_said_in_the_row(gpu: Any) -> None:
    def short() -> str:
        raise torch.OutOfMemoryError("simulated")

    row = gpu.measured("FLUX", "one batch", short, 1)
    assert row.note == "out of memory"
    assert (
        table([row]).splitlines()[-1] == "| FLUX | one batch | – | – | – | 1.00 | out of memory |"
    )


def rows_of(page: str, begin: tuple[str, ...]) -> list[list[str]]:
    return [line.split(" | ") for line in page.splitlines() if line.startswith(begin)]


@pytest.mark.slow
def test_all_ways_run_with_tiny_networks_and_give_the_same_meshes(
    gpu: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert gpu.main(["--tiny", "--rounds", "1"]) == 0
    torch.set_num_threads(threads)
    out = capsys.readouterr().out
    rows = rows_of(out, ("| TripoSR |", "| TripoSG", "| InstantMesh", "| FLUX"))
    assert [row[0].strip("| ") for row in rows] == ["TripoSR"] * 3 + ["TripoSG standard"] * 2 + [
        "TripoSG high"
    ] * 2 + ["InstantMesh large"] * 3 + ["FLUX.1-schnell"] * 2 + ["FLUX.2 klein, a prompt"] * 2 + [
        "FLUX.2 klein base, a side"
    ] * 2
    faces = {
        row[0]: {part for part in row[-1].split(", ") if "faces" in part}
        for row in rows
        if "FLUX" not in row[0]
    }
    assert all(len({word.split()[0] for word in words}) == 1 for words in faces.values())
    first, second, evicted, refused = (row for row in rows_of(out, ("| TripoSR, ", "| one GPU")))
    assert (first[1], second[1]) == ("the first: weights from disk", "the second: hot")
    assert first[-1] == second[-1]
    assert evicted[-1].strip("| ") == "held then: second"
    assert "cuda:0 is used by another inbox3d" in refused[-1]
    dense, sparse = (float(row[-1].split()[0]) for row in rows[:2])
    assert dense > 3 * sparse
