"""A folder of photographs becomes a scan: cameras, points, a mesh; what does not belong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import InputRejected, NoOverlap
from pipeline.geometry import arrays, rigid
from pipeline.geometry.rigid import similarity
from tests.support import photographs
from tests.unit.photos.conftest import SIZE, Job, Shot, run_stages


def centres(job: Job, shot: Shot) -> tuple[Any, Any]:
    found = {one.name: np.asarray(one.pose) for one in job.posed.pictures}
    pairs = [(found[name], pose) for name, pose in shot.truth.items() if name in found]
    return tuple(np.array([rigid.invert(pair[k])[:3, 3] for pair in pairs]) for k in (0, 1))  # type: ignore[return-value]


@pytest.mark.slow(20)  # its drop is solved once, for four tests
def test_every_photo_of_the_object_finds_its_camera(job: Job, shot: Shot) -> None:
    """Within 0.3 % of the distance and 0.3 degrees after a similarity, although these are small pictures."""
    assert {one.name for one in job.posed.pictures} == set(shot.truth)
    found, true = centres(job, shot)
    scale, turn, move = similarity(found, true)
    assert np.linalg.norm(scale * found @ turn.T + move - true, axis=1).max() < 0.003 * 0.8
    for one in job.posed.pictures:
        there = np.asarray(one.pose)[:3, :3] @ turn.T
        assert rigid.degrees(there @ shot.truth[one.name][:3, :3].T) < 0.3
        assert one.residual is not None and one.residual < 1


@pytest.mark.slow
def test_photos_that_do_not_belong_are_left_out_by_name(job: Job) -> None:
    """Another scene, a blur, a mirrored one, the same file again: each with its reason, in the result too."""
    reasons = dict(job.posed.left_out)
    strays = {"copy.jpg", "other_a.jpg", "other_b.jpg", "blurred.jpg", "mirrored.jpg"}
    assert set(reasons) == strays
    assert "too little detail" in reasons["blurred.jpg"]
    assert reasons["copy.jpg"] == "it is the same picture as IMG_00.jpg"
    assert all(any(name in text for text in job.ws.warnings) for name in reasons)
    listed = {one.name: one for one in job.alignment.passes}
    assert not any(listed[name].placed for name in reasons)
    assert all(str(listed[name].warning).startswith("left out: ") for name in reasons)


@pytest.mark.slow
def test_the_surface_is_the_one_that_was_photographed(job: Job, shot: Shot) -> None:
    """Nearly all of the mesh lies within 1 % of the body's size from it; the table is taken away."""
    import open3d as o3d

    found, true = centres(job, shot)
    scale, turn, move = similarity(found, true)
    vertices = arrays.load(job.ws.path(job.mesh.arrays))["vertices"]
    placed = (scale * vertices @ turn.T + move).astype(np.float32)
    assert (placed[:, 2] > 0.004).mean() > 0.98
    distance = shot.scene.scene.compute_distance(o3d.core.Tensor(placed)).numpy()
    assert np.quantile(distance, 0.95) < 0.01 * 0.48
    assert job.mesh.faces > 5000


@pytest.mark.slow
def test_it_is_said_that_photographs_tell_no_size(job: Job) -> None:
    """And the unit counts as a guess."""
    assert job.scans.unit_guessed
    assert any("photographs tell no size" in text for text in job.ws.warnings)


@pytest.mark.slow
def test_photos_without_overlap_are_refused_with_the_line_that_makes_them_views(
    shot: Shot, tmp_path: Path
) -> None:
    """Three of three scenes: there is no model in them."""
    poses = list(shot.truth.values())
    photos = {
        f"{seed}.jpg": photographs.Scene(seed=seed).photo(poses[seed], SIZE) for seed in (1, 2, 3)
    }
    with pytest.raises(NoOverlap) as caught:
        run_stages(
            photographs.drop(tmp_path / "drop", photos), tmp_path / "work", "photos.find_cameras"
        )
    assert 'kind = "images"' in caught.value.remedy
    assert "of the 3 dropped none could be joined" in caught.value.message


@pytest.mark.slow
def test_two_photos_make_no_scan(shot: Shot, tmp_path: Path) -> None:
    """Refused in words before anything is sought."""
    photos = {name: shot.photos[name] for name in ("IMG_00.jpg", "IMG_01.jpg")}
    with pytest.raises(
        InputRejected, match=r"a model needs 3 photos.* of the 2 dropped 2 could be used"
    ):
        run_stages(
            photographs.drop(tmp_path / "drop", photos), tmp_path / "work", "photos.find_cameras"
        )


def test_a_drop_of_scans_is_none_of_photos(tmp_path: Path) -> None:
    """Pictures beside points, or of depths, start no search for cameras."""
    for number, name in enumerate(("a.ply", "depth_1.png")):
        drop = photographs.drop(tmp_path / str(number), {name: b"x", "b.jpg": b"x", "c.jpg": b"x"})
        job = run_stages(drop, tmp_path / f"work{number}", "photos.densify")
        assert job.posed.pictures == () and job.scans.passes == ()


@pytest.mark.slow
def test_few_photos_make_a_model_with_gaps_and_that_is_said(shot: Shot, tmp_path: Path) -> None:
    """Three neighbours are enough for a scan, and the result tells what they cannot show."""
    names = ("IMG_02.jpg", "IMG_03.jpg", "IMG_04.jpg")
    drop = photographs.drop(tmp_path / "drop", {name: shot.photos[name] for name in names})
    job = run_stages(drop, tmp_path / "work", "photos.densify")
    assert len(job.posed.pictures) == 3
    assert any("only 3 photographs" in text and "gaps" in text for text in job.ws.warnings)
