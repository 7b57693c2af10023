"""The chain from scrambled passes to a mesh, on a figure whose truth is known."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.artefacts import Symmetry
from pipeline.demo import pose_errors
from pipeline.errors import InputRejected, NoOverlap
from pipeline.geometry import arrays
from tests.unit.scan.conftest import Job, Scanned, run_stages

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.slow(5)


def judged(job: Job, truth: dict) -> pose_errors.Table:
    return pose_errors.compare(
        {"passes": [{"file": one.name, "pose": one.pose} for one in job.alignment.passes]}, truth
    )


def test_every_pass_is_placed_right(job: Job, scanned: Scanned) -> None:
    """Within a third of a degree and 0.1 % of the size, though a turntable that fits everywhere is in every pass."""
    table = judged(job, scanned.truth)
    assert (table.right, table.wrong) == (8, 0)
    assert max(row.degrees or 0.0 for row in table.rows) < 0.3
    assert max(row.percent or 0.0 for row in table.rows) < 0.1


def test_normals_point_away_from_the_object(job: Job, scanned: Scanned) -> None:
    """Every pass's normals face up on the turntable, and away from the figure's middle above it; only the truth knows where that is."""
    for one in job.scans.passes:
        stored = arrays.load(job.ws.path(one.arrays))
        pose = np.asarray(scanned.truth["passes"][one.name]["pose"])
        normals = stored["normals"] @ pose[:3, :3].T
        points = stored["points"] @ pose[:3, :3].T + pose[:3, 3]
        plate, high = np.abs(points[:, 2]) < 1, points[:, 2] > 20
        assert (normals[plate, 2] > 0.9).mean() > 0.9
        assert (((points[high] - points[high].mean(0)) * normals[high]).sum(1) > 0).mean() > 0.6
        assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4)


def test_each_placement_names_the_links_that_hold_it(job: Job) -> None:
    """Seven links hold eight passes, each with its score."""
    used = [link for link in job.alignment.links if link.used]
    assert len(used) == 7
    assert all(link.score > 0.2 for link in used)
    assert all(one.score and one.overlap for one in job.alignment.passes)


def test_the_turntable_is_recognised_and_taken_away(job: Job) -> None:
    """It faces the figure and reaches beyond it; up points away from it, and the figure stands on height 0."""
    support = next(plane for plane in job.features.planes if plane.role == "support")
    assert support.removed
    assert any(
        f"taken away ({support.share:.0%} of the points)" in said for said in job.ws.warnings
    )
    assert job.features.up_from == "support plane"
    assert job.features.symmetry == Symmetry()  # looked for, and the figure has none
    points = arrays.load(job.ws.path(job.features.kept or ""))["points"]
    frame = np.asarray(job.features.frame)
    stood = points @ frame[:3, :3].T + frame[:3, 3]
    low, high = np.percentile(stood, (0.5, 99.5), axis=0)
    assert abs(low[1]) < 0.004
    assert 0.06 < high[1] < 0.16  # the figure is about 11 cm tall
    assert len(points) < 0.8 * job.cloud.points


def test_the_merged_cloud_is_sound(job: Job) -> None:
    """Finite points, unit normals, colours, and the pass each point came from."""
    stored = arrays.load(job.ws.path(job.cloud.arrays))
    assert np.isfinite(stored["points"]).all()
    assert np.allclose(np.linalg.norm(stored["normals"], axis=1), 1, atol=1e-4)
    assert stored["colors"].shape == (job.cloud.points, 3)
    assert set(np.unique(stored["source"])) == set(range(8))


def test_the_mesh_lies_on_the_scan(job: Job) -> None:
    """Distances in shares of the size; what no point supports was cut."""
    measured = job.mesh
    assert measured.scan_to_mesh is not None
    assert measured.scan_to_mesh["mean"] < 0.001
    assert measured.scan_to_mesh["p95"] < 0.003
    assert measured.unsupported_area is not None
    assert measured.unsupported_area < 0.01
    stored = arrays.load(job.ws.path(job.mesh.arrays))
    assert len(stored["colors"]) == len(stored["vertices"]) == job.mesh.vertices
    assert stored["faces"].max() < job.mesh.vertices


def test_a_closed_surface_reports_what_no_point_supports(job: Job, scanned: Scanned) -> None:
    """surface=closed keeps the underside that no scanner saw, and says how much of it there is."""
    from pipeline.stages.scan import measure, mesh

    ws = job.ws
    closed = type(ws)(
        ws.root, ws.input, options=ws.options.model_copy(update={"surface": "closed"})
    )
    kept = arrays.load(ws.path(job.mesh.arrays))
    result = mesh.run(job.cloud, job.features, job.scans, None, closed)
    result = measure.run(result, job.cloud, job.features, job.alignment, job.scans, None, closed)
    arrays.save(ws.path(job.mesh.arrays), **kept)
    assert result.unsupported_area is not None
    assert 0.01 < result.unsupported_area < 0.6
    assert result.faces > job.mesh.faces
    assert result.gaps is not None
    assert result.gaps.holes[0].filled
    assert result.gaps.holes[0].width > 0.3 * job.cloud.size


def test_what_to_scan_again_is_the_underside(job: Job) -> None:
    """The figure stood on its turntable: its base is the widest hole, and the place looks up at it."""
    gaps, up = job.mesh.gaps, 1000 * np.asarray(job.features.frame)[1, :3]
    assert gaps is not None
    assert up @ np.asarray(gaps.holes[0].normal) < -0.9
    first = gaps.rescan[0]
    assert 0 in first.holes
    assert first.shows > 0.8
    assert up @ (np.asarray(first.place) - np.asarray(first.aim)) < 0


def test_the_same_drop_gives_the_same_bytes_with_one_thread_and_with_two(
    scanned: Scanned, tmp_path: Path
) -> None:
    """Poses, links, cloud and mesh of three passes, each time in a process of its own."""
    beside = sorted(scanned.truth["passes"], key=lambda name: scanned.truth["passes"][name]["turn"])
    told = [
        _in_a_process(scanned.drop, beside[:3], tmp_path / str(threads), threads)
        for threads in (1, 2)
    ]
    assert told[0] == told[1]
    names = [file.relative_to(tmp_path / "1") for file in (tmp_path / "1").rglob("*.npz")]
    assert len(names) >= 8
    for name in names:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def _in_a_process(drop: Path, names: list[str], work: Path, threads: int) -> str:
    """What the stages return for these passes of the drop, on so many threads and processors."""
    program = (
        "import os, sys; from pathlib import Path\n"
        f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{threads}])\n"
        "from tests.unit.scan.conftest import run_stages\n"
        f"job = run_stages(Path(sys.argv[1]), Path(sys.argv[2]), names={tuple(names)!r}, cell=2.0)\n"
        "print([one.model_dump_json() for one in job.bag])"
    )
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    said = subprocess.run(
        [sys.executable, "-c", program, drop, work],
        env=os.environ | dict.fromkeys(counts, str(threads)),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return said.stdout


def test_a_pass_of_something_else_is_left_out_and_named(scanned: Scanned, tmp_path: Path) -> None:
    """Three passes of the figure, one of a bumpy torus: three are placed, the stranger is not."""
    drop = tmp_path / "drop"
    drop.mkdir()
    for name in sorted(scanned.truth["passes"])[:3]:
        (drop / name).write_bytes((scanned.drop / name).read_bytes())
    (drop / "stranger.xyz").write_text(_text(_torus()))
    job = run_stages(drop, tmp_path / "work", "align")
    stranger = next(one for one in job.alignment.passes if one.name == "stranger.xyz")
    assert not stranger.placed
    assert stranger.pose is None
    assert "could not be matched" in (stranger.warning or "")
    assert any("stranger.xyz" in text for text in job.ws.warnings)


def test_passes_of_different_things_have_no_overlap(tmp_path: Path) -> None:
    """A torus and a saddle: nothing is forced together."""
    u, v = np.random.default_rng(1).uniform(-60, 60, (2, 6000))
    saddle = np.stack([u, v, (u * u - v * v) / 90 + 6 * np.sin(u / 9)], axis=1)
    drop = tmp_path / "drop"
    drop.mkdir()
    for name, points in (("torus.xyz", _torus()), ("saddle.xyz", saddle)):
        (drop / name).write_text(_text(points))
    with pytest.raises(NoOverlap, match="none of the 2 passes"):
        run_stages(drop, tmp_path / "work", "align")


def test_several_objects_are_told_apart_and_built_together_when_asked(
    scanned: Scanned, tmp_path: Path
) -> None:
    """The figure, and two passes of a torus: two components; components=all places both, side by side. The torus has five equal parts, and its passes say in how many ways they fit."""
    drop = tmp_path / "drop"
    drop.mkdir()
    names = sorted(scanned.truth["passes"])[:3]
    for name in names:
        (drop / name).write_bytes((scanned.drop / name).read_bytes())
    torus = _torus()
    for name, part in (
        ("torus_a.xyz", torus[torus[:, 0] > -35]),
        ("torus_b.xyz", torus[torus[:, 0] < 35] @ _quarter_turn() + 50),
    ):
        (drop / name).write_text(_text(part))
    job = run_stages(drop, tmp_path / "work", "align", components="all")
    assert ("torus_a.xyz", "torus_b.xyz") in job.alignment.components
    assert all(one.placed for one in job.alignment.passes)
    assert len(job.alignment.components[0]) == len(names)
    several = {one.name for one in job.alignment.passes if one.ways > 1}
    assert several == {"torus_a.xyz", "torus_b.xyz"}


def test_one_pass_alone_stands_where_it_is(scanned: Scanned, tmp_path: Path) -> None:
    """Nothing to align: placed at the identity."""
    job = run_stages(scanned.drop, tmp_path, "align", names=(sorted(scanned.truth["passes"])[0],))
    assert job.alignment.passes[0].placed
    assert np.allclose(np.asarray(job.alignment.passes[0].pose), np.eye(4))
    assert any("one pass only" in warning for warning in job.ws.warnings)


@pytest.mark.parametrize("cell", [1e9, 1e-9])
def test_a_cell_that_fits_no_object_is_refused_by_name(tmp_path: Path, cell: float) -> None:
    with pytest.raises(InputRejected, match="cell=") as refused:
        run_stages(_egg(tmp_path), tmp_path / "work", "fuse", cell=cell)
    assert "Set cell between" in refused.value.remedy


def test_align_given_trusts_the_poses_of_the_file(scanned: Scanned, tmp_path: Path) -> None:
    """Four passes as one PTX file with their true poses: align=given keeps them as they are."""
    names = sorted(scanned.truth["passes"])[:4]
    text = []
    for name in names:
        stored = arrays.load(
            run_stages(scanned.drop, tmp_path / name, "read_passes", names=(name,)).ws.path(
                "read_passes/0000.npz"
            )
        )
        points = stored["points"]
        pose = np.asarray(scanned.truth["passes"][name]["pose"])
        text += [
            str(len(points)),
            "1",
            "0 0 0",
            "1 0 0",
            "0 1 0",
            "0 0 1",
            *(" ".join(map(str, row)) for row in pose.T),
            *_text(points).splitlines(),
        ]
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "all.ptx").write_text("\n".join(text))
    job = run_stages(drop, tmp_path / "work", "align", align="given")
    for one, name in zip(job.alignment.passes, names, strict=True):
        assert np.allclose(
            np.asarray(one.pose), np.asarray(scanned.truth["passes"][name]["pose"]), atol=1e-6
        )


def test_align_off_trusts_the_frame_the_passes_came_in(scanned: Scanned, tmp_path: Path) -> None:
    """No matching, all placed at the identity."""
    job = run_stages(scanned.drop, tmp_path, "align", align="off")
    assert all(np.allclose(np.asarray(one.pose), np.eye(4)) for one in job.alignment.passes)


@pytest.mark.parametrize(("up", "axis"), [("y", (0, 1, 0)), ("-z", (0, 0, -1))])
def test_up_is_the_axis_that_was_asked_for(
    tmp_path: Path, up: str, axis: tuple[int, int, int]
) -> None:
    """It becomes +y of the model."""
    job = run_stages(_egg(tmp_path), tmp_path / "work", "find_features", up=up)
    assert (job.features.up, job.features.up_from) == (axis, "option up")
    assert np.asarray(job.features.frame)[1, :3] == pytest.approx(np.multiply(axis, 0.001))


def test_front_is_the_axis_that_was_asked_for_unless_it_points_up(tmp_path: Path) -> None:
    """As far as it is level it becomes +z of the model; what cannot be is said."""
    drop = _egg(tmp_path)
    told = run_stages(drop, tmp_path / "told", "find_features", up="z", front="x")
    assert np.asarray(told.features.frame)[2, :3] == pytest.approx((0.001, 0, 0))
    steep = run_stages(drop, tmp_path / "steep", "find_features", front="z")
    level = "up or down" not in " ".join(steep.ws.warnings)
    assert level == (abs(steep.features.up[2]) < 0.98)


def test_a_guessed_up_says_so_and_how_to_correct_it(tmp_path: Path) -> None:
    """An egg stands on nothing and has no flat side."""
    job = run_stages(_egg(tmp_path), tmp_path / "work", "find_features")
    assert job.features.up_from == "resting"
    assert job.features.up_guessed
    assert "set up=z" in " ".join(job.ws.warnings)


def _egg(folder: Path) -> Path:
    directions = np.random.default_rng(0).normal(size=(8000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    (folder / "drop").mkdir()
    (folder / "drop" / "egg.xyz").write_text(_text(directions * [40, 40, 60]))
    return folder / "drop"


def _torus() -> np.ndarray:
    u, v = np.random.default_rng(0).uniform(0, 2 * np.pi, (2, 8000))
    tube = 22 + 3 * np.sin(5 * u) * np.cos(3 * v)
    points = np.stack(
        [
            (60 + tube * np.cos(v)) * np.cos(u),
            (60 + tube * np.cos(v)) * np.sin(u),
            tube * np.sin(v),
        ],
        axis=1,
    )
    return points[np.sin(v) > -0.2]


def _text(points: np.ndarray) -> str:
    return "\n".join(f"{x:.4f} {y:.4f} {z:.4f}" for x, y, z in points)


def _quarter_turn() -> np.ndarray:
    return np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
