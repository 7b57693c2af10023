"""The networks give the recorded tensors, each within its tolerance."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.parity.compare import Deviation, compare, tolerance
from tests.parity.instantmesh import first_layer
from tests.parity.meshes import nearest_of_box
from tests.parity.sets import check


def wrong(lines: list[Deviation]) -> dict[str, float]:
    return {line.name: line.largest for line in lines if not line.ok}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["triposr/small.json", "triposr/marching_cubes.npz"])
def test_triposr_matches_the_small_goldens(testdata: Path, name: str) -> None:
    lines, weights = check(testdata / "goldens" / name)
    assert (wrong(lines), weights) == ({}, [])


@pytest.mark.parametrize(
    "name", ["instantmesh/small.json", "instantmesh/flexicubes.json", "instantmesh/empty_sdf.npz"]
)
def test_instantmesh_matches_the_small_goldens(testdata: Path, name: str) -> None:
    lines, weights = check(testdata / "goldens" / name)
    assert (wrong(lines), weights) == ({}, [])


@pytest.mark.slow
def test_triposg_matches_the_small_goldens(testdata: Path) -> None:
    lines, weights = check(testdata / "goldens" / "triposg" / "small.json")
    assert (wrong(lines), weights) == ({}, [])


@pytest.mark.slow
def test_a_wrong_tensor_is_found_and_named(testdata: Path, tmp_path: Path) -> None:
    """The check is no rubber stamp: one number off in one array, an unknown name and another seed's weights all show."""
    source = testdata / "goldens" / "triposr" / "small"
    arrays = dict(np.load(source.with_suffix(".npz")))
    arrays["scene_codes"][0, 1, 2, 3, 4] += 1e-3
    np.savez(tmp_path / "set.npz", **arrays, unheard_of=np.zeros(3))
    facts = json.loads(source.with_suffix(".json").read_text())
    facts["weight_check"]["tokenizer.embeddings"] = [0.0, "0" * 16]
    (tmp_path / "set.json").write_text(json.dumps(facts))
    lines, weights = check(tmp_path / "set.json")
    assert set(wrong(lines)) == {"scene_codes", "unheard_of"}
    assert weights == ["tokenizer.embeddings"]


def test_another_number_of_objects_is_a_deviation_and_a_strided_record_is_not() -> None:
    def look(computed: tuple[int, ...], recorded: tuple[int, ...]) -> float:
        return compare(
            {"planes": np.zeros(recorded)}, {"planes": lambda: np.zeros(computed)}, full=False
        )[0].largest

    assert look((2, 3, 10, 16, 16), (1, 3, 10, 16, 16)) == float("inf")
    assert look((1, 3, 40, 64, 64), (1, 3, 8, 8, 8)) == 0.0
    assert look((1, 1025, 768), (1, 33, 32)) == 0.0
    assert look((1, 1025, 768), (1, 30, 32)) == float("inf")


@pytest.mark.parametrize("size", [0.01, 1.0, 50.0])
def test_vertices_may_be_out_by_a_share_of_the_box_whatever_its_size(size: float) -> None:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 0.5) for z in (0, 0.2)]) * size
    allowed = tolerance("mesh0_res24_vertices_sorted", full=True)
    assert (
        nearest_of_box(corners + 0.9e-5 * size * np.eye(3)[0], corners)
        < allowed
        < nearest_of_box(corners + 1.1e-5 * size * np.eye(3)[0], corners)
    )


def test_the_spread_of_weighted_meshes_is_that_of_the_fields_own_crossings(testdata: Path) -> None:
    """Crossings that the weights move come near enough to pass by luck; the right ones agree to the last digits."""
    lines, _ = check(testdata / "goldens" / "instantmesh" / "flexicubes.json")
    assert max(line.largest for line in lines if "ldev" in line.name) < 1e-7


@pytest.mark.slow(8)
def test_one_layer_of_the_published_width_matches_what_is_recorded_of_it(testdata: Path) -> None:
    """The largest network with the first of its sixteen like layers: its encoder and that layer, tensor by tensor."""
    path = testdata / "goldens" / "instantmesh" / "large.json"
    with torch.inference_mode():
        recorded, values = first_layer(
            json.loads(path.read_text()), dict(np.load(path.with_suffix(".npz")))
        )
        lines = compare(recorded, values, full=True)
    assert wrong(lines) == {}
    assert {line.name for line in lines} >= {"image_tokens_strided", "block0_out_strided"}


@pytest.mark.proof
@pytest.mark.parametrize(
    "name", ["instantmesh/large.json", "triposr/published.json", "triposg/published.json"]
)
def test_the_published_sizes_match_within_eight_gigabytes(
    testdata: Path, root: Path, name: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.parity", str(testdata / "goldens" / name)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("ok ") > 30
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 8 * 2**20  # KiB
