"""The visual hull recovers what silhouettes can tell."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline import backends
from pipeline.backends import Effort, Picture, Reconstruction
from pipeline.backends.silhouettes import colors, shot
from pipeline.errors import MeshEmpty
from pipeline.geometry.topology import verdict
from tests.support import solids

EIGHT = tuple(range(0, 360, 45))
EFFORT = Effort(grid=100)


def iou(made: Reconstruction, solid: solids.Solid, res: int = 72) -> float:
    """Share of the union of both solids that is in both, on RES³ points (library: Open3D)."""
    import open3d as o3d

    axis = np.linspace(-1, 1, res)
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    scene = o3d.t.geometry.RaycastingScene(nthreads=2)
    surface = made.surface
    scene.add_triangles(
        o3d.core.Tensor(surface.vertices.astype(np.float32)),
        o3d.core.Tensor(surface.faces.astype(np.uint32)),
    )
    found, true = scene.compute_occupancy(points.astype(np.float32)).numpy() > 0, solid(points) > 0
    return float((found & true).sum() / (found | true).sum())


def hull(solid: solids.Solid, fov: float | None = 30.0) -> Reconstruction:
    return backends.reconstructor("visual-hull").reconstruct(
        solids.cut_out(solid, EIGHT, fov=fov), None, EFFORT
    )


@pytest.mark.slow
def test_eight_views_at_elevation_zero_give_a_mean_iou_of_three_quarters() -> None:
    found = {name: iou(hull(solid), solid) for name, solid in solids.SOLIDS.items()}
    print({name: round(value, 3) for name, value in found.items()})
    assert np.mean(list(found.values())) >= 0.75
    assert found["mug"] < 0.6  # a hull cannot see a cavity: what it says must stay honest


@pytest.mark.slow
def test_a_solid_without_cavities_comes_back_with_its_colours_and_closed() -> None:
    made = hull(solids.SOLIDS["animal"])
    assert iou(made, solids.SOLIDS["animal"]) > 0.8
    assert verdict(made.surface.faces).closed
    assert (made.label, len(made.used)) == ("draft", 8)
    assert set(made.facts["reprojection_iou"]) == {f"{azimuth:03}" for azimuth in EIGHT}
    assert min(made.facts["reprojection_iou"].values()) > 0.9
    assert made.surface.colors is not None
    assert made.surface.colors.std(axis=0).min() > 15


@pytest.mark.slow
def test_where_the_lens_is_not_known_the_one_that_fits_is_found() -> None:
    pictures = [
        picture._replace(fov=None)
        for picture in solids.cut_out(
            solids.SOLIDS["chair"], EIGHT, fov=40.0, size=128, distance=3.0
        )
    ]
    made = backends.reconstructor("visual-hull").reconstruct(pictures, None, Effort(grid=48))
    assert abs(made.facts["fov"] - 40.0) <= 10.0
    assert np.mean(list(made.facts["reprojection_iou"].values())) > 0.85


def painted(pictures: list[Picture]) -> list[Picture]:
    """The same cut-outs in one flat colour each, on white: red from the front, green from the left, blue elsewhere."""
    ink = {0: (200, 0, 0), 90: (0, 200, 0)}
    made = []
    for picture in pictures:
        inside = picture.rgba[..., 3:] > 127
        rgb = np.where(inside, ink.get(round(picture.azimuth), (0, 0, 200)), 255)
        made.append(
            picture._replace(
                rgba=np.concatenate([rgb, picture.rgba[..., 3:]], axis=-1).astype(np.uint8)
            )
        )
    return made


@pytest.mark.slow
def test_sides_take_the_colours_of_the_views_that_see_them_and_none_that_of_the_background() -> (
    None
):
    """A box between four views: each side has its own view's colour; the top, which none sees, has its neighbours'."""
    cube = solids.box((-0.4, -0.4, -0.4), (0.4, 0.4, 0.4))
    made = backends.reconstructor("visual-hull").reconstruct(
        painted(solids.cut_out(cube, (0, 90, 180, 270))), None, Effort(grid=64)
    )
    points, found = made.surface.vertices, made.surface.colors
    assert found is not None
    assert (
        found.sum(axis=1).max() <= 203
    )  # the views' own colours or mixtures of them: white would have 765
    middle = np.abs(points[:, [0, 1]]).max(axis=1) < 0.3
    assert (found[middle & (points[:, 2] > 0.3)] == [200, 0, 0]).all()
    top = (points[:, 1] > 0.35) & (np.abs(points[:, 0]) < 0.1)
    assert (found[top & (points[:, 2] > 0.2)] == [200, 0, 0]).all()
    assert (found[top & (points[:, 2] < -0.2)] == [0, 0, 200]).all()


@pytest.mark.slow
def test_a_view_colours_nothing_that_another_part_hides_from_it() -> None:
    """A small sheet hides the middle of a large one from the front: there the view from the side alone tells the colour."""
    square = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]])
    fan = np.array([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    points = np.vstack([0.6 * square, [[0, 0, 0]], 0.2 * square + [0, 0, 0.5], [[0, 0, 0.5]]])
    views = [np.full((64, 64, 4), ink, np.uint8) for ink in ((200, 0, 0, 255), (0, 0, 200, 255))]
    shots = [
        shot(Picture(str(azimuth), rgba, azimuth, 0.0, 40.0), 40.0)
        for azimuth, rgba in zip((0, 60), views, strict=True)
    ]
    found = colors(points, np.vstack([fan, fan + 5]), shots)
    assert found[4].tolist() == [0, 0, 200]
    assert (
        found[9, 0] > found[9, 2] > 0
    )  # nothing hides the small one: both views tell, the straighter one more


@pytest.mark.slow
@pytest.mark.parametrize("azimuths", [[0.0], [0.0, 180.0, 90.0, 270.0]])
def test_a_red_solid_on_white_becomes_red_all_over(azimuths: list[float]) -> None:
    """One view or four: no white from outside the outline, none on rims."""
    pictures = []
    for picture in solids.cut_out(solids.SOLIDS["chair"], azimuths):
        alpha = picture.rgba[..., 3:]
        pictures.append(
            picture._replace(
                rgba=np.concatenate(
                    [np.where(alpha > 127, [200, 0, 0], 255), alpha], axis=-1
                ).astype(np.uint8)
            )
        )
    made = backends.reconstructor("visual-hull").reconstruct(pictures, None, Effort(grid=64))
    assert made.surface.colors is not None
    assert np.abs(made.surface.colors.astype(int) - [200, 0, 0]).max() <= 1


def test_silhouettes_with_nothing_in_common_are_an_empty_mesh_with_a_remedy() -> None:
    apart = [
        solids.cut_out(solids.ball((0, y, 0), 0.3), [azimuth], size=64)[0]
        for azimuth, y in ((0, 0.5), (90, -0.5))
    ]
    with pytest.raises(MeshEmpty) as caught:
        backends.reconstructor("visual-hull").reconstruct(apart, None, Effort(grid=48))
    assert "same distance" in caught.value.remedy


@pytest.mark.slow
def test_one_silhouette_is_inflated_and_labelled_draft() -> None:
    made = backends.reconstructor("visual-hull").reconstruct(
        solids.cut_out(solids.SOLIDS["animal"], [90.0]), None, EFFORT
    )
    assert made.label == "draft"
    assert verdict(made.surface.faces).closed
    low, high = made.surface.vertices.min(axis=0), made.surface.vertices.max(axis=0)
    assert high[2] - low[2] > 1.5 * (
        high[0] - low[0]
    )  # seen from its left the animal is long; its front stays front
    assert high[2] > 0
