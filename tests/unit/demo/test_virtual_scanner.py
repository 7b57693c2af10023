"""The demo's virtual scanner: a known figure, honest passes, and a judge that cannot be fooled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.demo import scene, virtual_figure, virtual_scanner
from tests.unit.demo.conftest import PASSES
from tests.unit.demo.truth import turn


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Points and colours of a PLY file, by a reader that is not ours."""
    import open3d as o3d

    cloud = o3d.io.read_point_cloud(str(path))
    return np.asarray(cloud.points), np.asarray(cloud.colors)


def placed(points: np.ndarray, pose: list[list[float]]) -> np.ndarray:
    matrix = np.asarray(pose)
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


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
            np.abs(np.hypot(points[:, 0], points[:, 1]) - scene.PLATE_RADIUS) < 0.8
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
