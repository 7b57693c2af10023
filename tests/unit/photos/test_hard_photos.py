"""Photographs as people drop them: strangers among them, two things, zooms, lies in EXIF, turned cameras. A model or words, never a wrong model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pipeline.errors import NoOverlap
from pipeline.geometry import rigid
from pipeline.geometry.rigid import similarity
from tests.support import photographs
from tests.unit.photos.conftest import SIZE, Job, Shot, run_stages

pytestmark = pytest.mark.slow(7)


def cameras(folder: Path, photos: dict[str, Any]) -> Job:
    drop = photographs.drop(folder / "drop", photos)
    return run_stages(drop, folder / "work", "photos.find_cameras")


def worst(job: Job, truth: dict[str, Any]) -> tuple[float, float]:
    """Degrees, and the share of the distance, by which the worst camera is off after a similarity."""
    found = {one.name: np.asarray(one.pose) for one in job.posed.pictures}
    centre = {name: rigid.invert(pose)[:3, 3] for name, pose in found.items()}
    a = np.array([centre[name] for name in found])
    b = np.array([rigid.invert(truth[name])[:3, 3] for name in found])
    scale, turn, move = similarity(a, b)
    turned = [
        rigid.degrees(pose[:3, :3] @ turn.T @ truth[name][:3, :3].T) for name, pose in found.items()
    ]
    return max(turned), float(np.linalg.norm(scale * a @ turn.T + move - b, axis=1).max()) / 0.8


def of_another(shot: Shot, count: int) -> dict[str, Any]:
    """COUNT photographs of another thing, that hang together among themselves."""
    other = photographs.Scene(seed=5)
    poses = list(shot.truth.values())[:count]
    return {f"other_{k}.jpg": other.photo(pose, SIZE) for k, pose in enumerate(poses)}


def test_two_of_five_are_strangers(shot: Shot, tmp_path: Path) -> None:
    """The larger group is built, and each of the others is named with what it shows."""
    names = list(shot.truth)[:6]
    job = cameras(tmp_path, {name: shot.photos[name] for name in names} | of_another(shot, 4))
    assert {one.name for one in job.posed.pictures} == set(names)
    left = dict(job.posed.left_out)
    assert set(left) == {f"other_{k}.jpg" for k in range(4)}
    assert all("not what the others show" in why for why in left.values())
    assert max(worst(job, shot.truth)) < 0.3


def test_two_things_never_become_one(shot: Shot, tmp_path: Path) -> None:
    """As many photographs of the one as of the other: one of them is built, the other is named."""
    names = list(shot.truth)[:6]
    job = cameras(tmp_path, {name: shot.photos[name] for name in names} | of_another(shot, 6))
    placed = {one.name for one in job.posed.pictures}
    assert placed in (set(names), {f"other_{k}.jpg" for k in range(6)})
    assert len(job.posed.left_out) == 6 and len(job.posed.groups) >= 2


def test_blurred_photographs_are_refused_with_words(shot: Shot, tmp_path: Path) -> None:
    """All of them out of focus: nothing is made up."""
    blurred = {
        name: photo.filter(ImageFilter.GaussianBlur(14)) for name, photo in shot.photos.items()
    }
    with pytest.raises(NoOverlap, match="none could be joined") as caught:
        cameras(tmp_path, blurred)
    assert "sharp" in caught.value.remedy


def test_two_zooms_are_two_cameras(shot: Shot, tmp_path: Path) -> None:
    """Cut and enlarged as a zoom does, with what EXIF says of it: all find their places and their focal lengths."""
    focal = 18 / np.tan(np.radians(photographs.FOV / 2))
    width, height = SIZE
    photos, lengths = {}, {}
    for number, (name, photo) in enumerate(shot.photos.items()):
        zoom = 1.25 if number % 2 else 1.0
        box = [width * (1 - 1 / zoom) / 2, height * (1 - 1 / zoom) / 2]
        closer = photo.resize(
            SIZE, Image.Resampling.BICUBIC, (*box, width - box[0], height - box[1])
        )
        photos[name] = photographs.jpeg(closer, focal_35=focal * zoom)
        lengths[name] = focal * zoom / 36 * width
    job = cameras(tmp_path, photos)
    assert {one.name for one in job.posed.pictures} == set(shot.truth)
    assert worst(job, shot.truth)[0] < 0.4
    for one in job.posed.pictures:
        assert one.camera[0] == pytest.approx(lengths[one.name], rel=0.03)


@pytest.mark.parametrize("lie", [0.5, 2.5])
def test_a_lie_about_the_lens_makes_no_wrong_model(shot: Shot, tmp_path: Path, lie: float) -> None:
    """EXIF tells half the focal length, or two and a half times it: the cameras are right all the same, or it is said that none could be joined."""
    focal = lie * 18 / np.tan(np.radians(photographs.FOV / 2))
    lying = {name: photographs.jpeg(photo, focal_35=focal) for name, photo in shot.photos.items()}
    try:
        job = cameras(tmp_path, lying)
    except NoOverlap as refused:
        assert "could be joined" in refused.message
        return
    turned, apart = worst(job, shot.truth)
    assert turned < 1 and apart < 0.01


def test_upright_and_turned_photographs_make_one_model(shot: Shot, tmp_path: Path) -> None:
    """Some were taken with the camera on its side, or stored mirrored, with a note in EXIF: as programs for portraits do, and no lens."""
    how = [(6, Image.Transpose.ROTATE_90, 90), (3, Image.Transpose.ROTATE_180, 180), (1, None, 0)]
    how += [(2, Image.Transpose.FLIP_LEFT_RIGHT, 0), (5, Image.Transpose.TRANSPOSE, -90)]
    photos, turns = {}, {}
    for number, (name, photo) in enumerate(shot.photos.items()):
        orientation, stored, turns[name] = how[number % len(how)]
        pixels = photo if stored is None else photo.transpose(stored)
        photos[name] = photographs.jpeg(pixels, orientation=orientation)
    job = cameras(tmp_path, photos)
    assert {one.name for one in job.posed.pictures} == set(shot.truth)
    spun = {}
    for name, pose in shot.truth.items():
        c, s = np.cos(np.radians(turns[name])), np.sin(np.radians(turns[name]))
        roll = np.eye(4)
        roll[:2, :2] = [[c, s], [-s, c]]
        spun[name] = roll @ pose
    assert max(worst(job, spun)) < 0.4
    ups = [np.asarray(one.pose)[:3, :3] for one in job.posed.pictures]
    assert all(one.T @ [0, 0, 1] @ [0, 0, 1] < 0.9 for one in ups)  # z is up, they look aside


@pytest.mark.parametrize("bend", [-0.15, pytest.param(0.15, marks=pytest.mark.proof)])
def test_a_bent_lens_and_a_camera_on_its_side_are_no_hindrance(
    shot: Shot, tmp_path: Path, bend: float
) -> None:
    """Strong distortion, barrel or pincushion, every third photograph upright: cameras are right, and pictures are straight."""
    scene = photographs.Scene(bend=bend)
    names = list(shot.truth)[:7]
    photos = {
        name: scene.photo(shot.truth[name], SIZE if k % 3 else SIZE[::-1])
        for k, name in enumerate(names)
    }
    job = cameras(tmp_path, photos)
    assert {one.name for one in job.posed.pictures} == set(names)
    assert max(worst(job, shot.truth)) < 0.4
    plain = photographs.Scene()
    for one in job.posed.pictures[:2]:
        with Image.open(job.ws.path(one.image)) as opened:
            straight = np.asarray(opened.convert("L"), float)
        size = straight.shape[::-1]
        true = plain.photo(shot.truth[one.name], size, noise=0.0)
        focal = max(size) / 2 / np.tan(np.radians(photographs.FOV / 2))
        assert alike(straight, one.camera, np.asarray(true.convert("L"), float), focal) > 0.95


def alike(straight: Any, camera: Any, true: Any, focal: float) -> float:
    """Correlation of a straight picture with what a pinhole of FOCAL sees."""
    from scipy.ndimage import map_coordinates

    fx, _, cx, cy = camera
    height, width = straight.shape
    y, x = np.mgrid[8 : height - 8, 8 : width - 8] + 0.5
    at = np.stack([(y - cy) / fx * focal + height / 2, (x - cx) / fx * focal + width / 2]) - 0.5
    inside = (at > 1).all(0) & (at[0] < height - 2) & (at[1] < width - 2)
    seen = map_coordinates(true, at, order=1)
    return float(np.corrcoef(seen[inside], straight[8:-8, 8:-8][inside])[0, 1])


def test_heic_as_a_phone_keeps_it_is_read_upright(tmp_path: Path) -> None:
    """The camera lay on its side, or stood on its head: each is turned once, neither left as it lies nor turned twice. Nothing here writes HEIC; the files are photographs of the first four of ring(20)."""
    folder = Path(__file__).parents[2] / "fixtures" / "heic"
    job = cameras(tmp_path, {one.name: one.read_bytes() for one in sorted(folder.iterdir())})
    truth = {f"IMG_{k}.HEIC": pose for k, pose in enumerate(photographs.ring(20)[:4])}
    assert {one.name for one in job.posed.pictures} == set(truth)
    turned, apart = worst(job, truth)
    assert turned < 1 and apart < 0.005


def test_parts_cut_from_photographs_bend_nothing(shot: Shot, tmp_path: Path) -> None:
    """Their lens is taken for looking where their middle is: left in, they bent the places of all by half a degree."""
    parts = {
        f"part{k}.jpg": shot.photos[f"IMG_{k:02}.jpg"].crop((45 * (k % 2), 30, 300, 248))
        for k in (1, 4, 6)
    }
    job = cameras(tmp_path, shot.photos | parts)
    assert {one.name for one in job.posed.pictures} == set(shot.truth)
    assert all("a part of it" in why for _, why in job.posed.left_out)
    assert max(worst(job, shot.truth)) < 0.15


def test_a_thing_that_turned_before_a_patterned_wall_is_refused_with_words(tmp_path: Path) -> None:
    """What stands still behind it holds the photographs together, and tells nothing of the thing."""
    wall = photographs.Scene(seed=9).photo(
        photographs.look(np.array([0.7, 0.3, 0.5]), np.zeros(3)), SIZE
    )
    turning = photographs.Scene(table=False)
    photos = {}
    for number, pose in enumerate(photographs.ring(24)[:8]):
        photo = turning.photo(pose, SIZE, noise=0)
        apart = np.abs(np.asarray(photo, int) - 158).max(2) > 3  # the background's grey
        mask = Image.fromarray(apart).convert("L").filter(ImageFilter.MedianFilter(5))
        photos[f"{number}.jpg"] = Image.composite(photo, wall, mask)
    with pytest.raises(NoOverlap, match="one spot") as caught:
        cameras(tmp_path, photos)
    assert "plain background" in caught.value.remedy
