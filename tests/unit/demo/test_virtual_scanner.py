"""The demo's virtual scanner: a known figure, honest passes, and a judge that cannot be fooled."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.demo import demo, pose_errors, virtual_figure, virtual_scanner

PASSES = 8


@pytest.fixture(scope="module")
def figure() -> virtual_figure.Figure:
    """A coarse figure: made in a fraction of a second."""
    return virtual_figure.make(step=2.5)


@pytest.fixture(scope="module")
def dropped(
    figure: virtual_figure.Figure, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A drop of eight passes and its truth."""
    folder = tmp_path_factory.mktemp("scanner")
    return folder / "drop", virtual_scanner.make_drop(
        figure, folder / "drop", folder / "truth.json", passes=PASSES, seed=3, pixels=90
    )


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points and colours of a PLY file, by a reader that is not ours."""
    import open3d as o3d

    cloud = o3d.io.read_point_cloud(str(path))
    return np.asarray(cloud.points), np.asarray(cloud.colors)


def placed(points: np.ndarray, pose: list[list[float]]) -> np.ndarray:
    matrix = np.asarray(pose)
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def turn(degrees: float, shift: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """A rigid motion: a turn about z, then a shift."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    motion = np.eye(4)
    motion[:2, :2], motion[:3, 3] = [[c, -s], [s, c]], shift
    return motion


def result_of(truth: dict[str, Any], frame: np.ndarray | None = None) -> dict[str, Any]:
    """The scan.json of a perfect result whose common frame is FRAME away from the figure's."""
    frame = np.eye(4) if frame is None else frame
    return {
        "passes": [
            {"file": name, "pose": (frame @ np.asarray(told["pose"])).tolist()}
            for name, told in truth["passes"].items()
        ]
    }


def test_surface_nets_give_a_closed_sphere_that_faces_outward() -> None:
    """Vertices lie on the surface, every edge has its twin, and the enclosed volume is positive and right."""
    axis = np.arange(-12.0, 13.0)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    vertices, triangles = virtual_figure.surface_nets(np.sqrt(x**2 + y**2 + z**2) - 9.3)
    centred = vertices - 12.0
    assert np.abs(np.linalg.norm(centred, axis=1) - 9.3).max() < 0.15
    edges = {
        (a, b) for triangle in triangles.tolist() for a, b in pairwise([*triangle, triangle[0]])
    }
    assert {(b, a) for a, b in edges} == edges
    corners = centred[triangles]
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 9.3**3, rel=0.02)


def test_the_figure_stands_on_the_plate_and_is_as_tall_as_said(
    figure: virtual_figure.Figure,
) -> None:
    """Millimetres, z up, feet on z = 0."""
    assert figure.vertices[:, 2].min() == pytest.approx(0.0, abs=0.1)
    assert figure.vertices[:, 2].max() == pytest.approx(120, abs=3)


def test_the_figure_has_no_symmetry(figure: virtual_figure.Figure) -> None:
    """Neither a mirror image nor a turned copy lies on the figure itself, so that every pose has one right answer."""
    about = figure.vertices
    copies = {"mirrored": about * (-1, 1, 1), "mirrored front to back": about * (1, -1, 1)}
    copies |= {
        f"turned {angle}": placed(about, turn(angle).tolist()) for angle in range(30, 360, 30)
    }
    off = {
        name: float(np.percentile(np.abs(virtual_figure.distance(copy)), 90))
        for name, copy in copies.items()
    }
    assert min(off.values()) > 0.03 * figure.size, off


def test_the_figure_is_painted_in_many_colours(figure: virtual_figure.Figure) -> None:
    """Ivory, orange, black and red are all there in earnest."""
    for paint in (
        virtual_figure.IVORY,
        virtual_figure.ORANGE,
        virtual_figure.BLACK,
        virtual_figure.RED,
    ):
        near = np.linalg.norm(figure.colours - np.asarray(paint, float), axis=1) < 25
        assert near.mean() > 0.02, paint


def test_the_true_poses_bring_every_pass_back_onto_the_figure(
    figure: virtual_figure.Figure, dropped: tuple[Path, dict[str, Any]]
) -> None:
    """Placed by the truth, nearly all points lie within the noise of the figure or the plate; the outliers do not."""
    drop, truth = dropped
    for name, told in truth["passes"].items():
        points = placed(read(drop / name)[0], told["pose"])
        on_figure = np.abs(virtual_figure.distance(points)) < 0.8
        on_plate = (np.abs(points[:, 2]) < 0.8) | (
            np.abs(np.hypot(points[:, 0], points[:, 1]) - virtual_scanner.PLATE_RADIUS) < 0.8
        )
        assert 0.97 < (on_figure | on_plate).mean() < 1.0
        assert on_figure.mean() > 0.3
        assert (on_plate & ~on_figure).mean() > 0.1


def test_every_pass_is_partial_and_all_together_show_the_figure(
    figure: virtual_figure.Figure, dropped: tuple[Path, dict[str, Any]]
) -> None:
    """No pass sees most of the figure; together they see nearly all that is not hidden below."""
    from scipy.spatial import cKDTree

    drop, truth = dropped
    visible = figure.vertices[figure.vertices[:, 2] > 15]
    seen = [
        cKDTree(placed(read(drop / name)[0], told["pose"])).query(
            visible, distance_upper_bound=2.5
        )[0]
        < 2.5
        for name, told in truth["passes"].items()
    ]
    assert max(one.mean() for one in seen) < 0.7
    assert np.any(seen, axis=0).mean() > 0.85


def test_passes_carry_the_colours_of_the_figure(
    figure: virtual_figure.Figure, dropped: tuple[Path, dict[str, Any]]
) -> None:
    """A point on the figure has the paint of that place, camera noise aside."""
    drop, truth = dropped
    name, told = next(iter(truth["passes"].items()))
    points, colours = read(drop / name)
    back = placed(points, told["pose"])
    on_figure = np.abs(virtual_figure.distance(back)) < 0.3
    off = np.abs(colours[on_figure] * 255 - virtual_figure.colour(back[on_figure]))
    assert np.median(off) < 8


def test_passes_are_scrambled(dropped: tuple[Path, dict[str, Any]]) -> None:
    """No two passes share a pose, the names say nothing, and the truth is not in the drop."""
    drop, truth = dropped
    assert sorted(path.name for path in drop.iterdir()) == sorted(truth["passes"])
    assert len(truth["passes"]) == PASSES
    poses = [np.asarray(told["pose"])[:3, :3] for told in truth["passes"].values()]
    angles = [
        np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1)))
        for i, a in enumerate(poses)
        for b in poses[:i]
    ]
    assert min(angles) > 5
    assert all(np.allclose(pose @ pose.T, np.eye(3)) and np.linalg.det(pose) > 0 for pose in poses)


def test_the_same_seed_gives_the_same_bytes(figure: virtual_figure.Figure, tmp_path: Path) -> None:
    """Another seed gives other passes."""
    written = {}
    for label, seed in (("a", 1), ("b", 1), ("c", 2)):
        virtual_scanner.make_drop(
            figure, tmp_path / label, tmp_path / f"{label}.json", passes=2, seed=seed, pixels=40
        )
        written[label] = {path.name: path.read_bytes() for path in (tmp_path / label).iterdir()}
    assert written["a"] == written["b"]
    assert written["a"].keys() != written["c"].keys()


def test_a_perfect_result_in_any_frame_has_no_error(dropped: tuple[Path, dict[str, Any]]) -> None:
    """The common frame of a result is free."""
    table = pose_errors.compare(result_of(dropped[1], turn(123, (500, -40, 7))), dropped[1])
    assert table.right == PASSES and table.wrong == 0
    assert max(row.degrees or 0 for row in table.rows) < 1e-3
    assert max(row.percent or 0 for row in table.rows) < 1e-3


@pytest.mark.parametrize(
    ("motion", "degrees", "percent"),
    [(turn(20), 20.0, None), (turn(0, (9, 0, 0)), 0.0, 5.1)],
    ids=["turned", "shifted"],
)
def test_a_pass_that_is_placed_wrong_is_found_and_spoils_no_other(
    dropped: tuple[Path, dict[str, Any]], motion: np.ndarray, degrees: float, percent: float | None
) -> None:
    """One pass away from its place counts as wrong by the right amount; the others stay right."""
    truth = dropped[1]
    result = result_of(truth)
    result["passes"][2]["pose"] = (motion @ np.asarray(result["passes"][2]["pose"])).tolist()
    table = pose_errors.compare(result, truth)
    bad = next(row for row in table.rows if row.file == result["passes"][2]["file"])
    assert (table.right, table.wrong, bad.right) == (PASSES - 1, 1, False)
    assert bad.degrees == pytest.approx(degrees, abs=0.01)
    if percent is not None:
        assert bad.percent == pytest.approx(percent, abs=0.1)
    assert "WRONG" in str(table)


def test_passes_left_out_are_neither_right_nor_wrong(dropped: tuple[Path, dict[str, Any]]) -> None:
    """A null pose is a pass left out; with none placed the table still names them all."""
    truth = dropped[1]
    result = result_of(truth)
    result["passes"][0]["pose"] = None
    table = pose_errors.compare(result, truth)
    assert (table.right, table.wrong) == (PASSES - 1, 0)
    assert str(table).count("left out") == 1
    nothing = pose_errors.compare(
        {"passes": [{"file": name, "pose": None} for name in truth["passes"]]}, truth
    )
    assert (nothing.right, nothing.wrong, len(nothing.rows)) == (0, 0, PASSES)


class Play:
    """Plays the pipeline for the demo: SUBMIT writes the folder that a job would end in."""

    def __init__(self, atlas: Path) -> None:
        self.atlas, self.said = atlas, [""]
        self.spoil = self.fail = False
        self.results = demo.RESULTS

    def submit(self, drop: Path) -> Path:
        truth = json.loads((drop.parent / "truth.json").read_text())
        result = result_of(truth, turn(77))
        if self.spoil:
            result["passes"][0]["pose"] = turn(180).tolist()
        ended = self.atlas / "done" / "waving-cat-0123456789"
        (ended / "output").mkdir(parents=True)
        if self.fail:
            (ended / "error.txt").write_text("The surface came out empty.")
        for name in self.results:
            (ended / "output" / name).write_text(
                json.dumps(result) if name == "scan.json" else "model"
            )
        return ended

    def run(self) -> tuple[int, str]:
        code = demo.run(self.atlas, self.submit, self.said.append)
        return code, "\n".join(self.said)


@pytest.fixture
def play(tmp_path: Path, figure: virtual_figure.Figure, monkeypatch: pytest.MonkeyPatch) -> Play:
    """The demo with the coarse figure and a played pipeline."""
    monkeypatch.setattr(virtual_figure, "make", lambda: figure)
    return Play(tmp_path / "atlas")


def test_the_demo_tells_where_the_results_lie_and_how_good_they_are(play: Play) -> None:
    """A good result: the table, the files, exit status 0; the truth lies beside the Atlas, not in it."""
    code, told = play.run()
    assert code == 0
    assert f"{demo.PASSES} of {demo.PASSES} passes placed right, 0 wrong" in told
    assert str(play.atlas / "done" / "waving-cat-0123456789" / "output" / "model.glb") in told
    assert (play.atlas.parent / "atlas-truth" / "truth.json").is_file()


def test_the_demo_runs_again_beside_an_earlier_one(play: Play) -> None:
    """An earlier truth is kept; the new one lies in a folder of its own."""
    (play.atlas.parent / "atlas-truth").mkdir()
    assert play.run()[0] == 0
    assert (play.atlas.parent / "atlas-truth-2" / "truth.json").is_file()


def test_the_demo_does_not_praise_a_wrong_placement(play: Play) -> None:
    """One pass placed wrong is a failure, and the table says which."""
    play.spoil = True
    code, told = play.run()
    assert code == 1
    assert "WRONG" in told and "not as good as it should be" in told


def test_the_demo_passes_on_why_a_job_failed(play: Play) -> None:
    """The words of error.txt, exit status 1."""
    play.fail = True
    code, told = play.run()
    assert code == 1
    assert "The surface came out empty." in told


def test_the_demo_names_a_missing_result(play: Play) -> None:
    """A result without its preview is not whole."""
    play.results = ("model.glb", "scan.json")
    code, told = play.run()
    assert code == 1
    assert "preview.png missing" in told
