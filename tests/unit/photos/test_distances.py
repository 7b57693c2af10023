"""Two named points that a person marked in photographs, and how far they are apart, give the size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.artefacts import PosedPicture
from pipeline.formats.refusals import Source
from pipeline.geometry import rigid
from pipeline.stages.photos import _distances
from pipeline.stages.photos._pictures import Photo
from pipeline.stages.photos._world import Shot
from tests.support import photographs

POINTS = {"A": np.array([0.05, 0.02, 0.1]), "B": np.array([-0.1, 0.04, 0.15])}
APART = float(np.linalg.norm(POINTS["A"] - POINTS["B"]))
BEND, WIDTH, HEIGHT, FOCAL = -0.12, 800, 600, 700.0


def marked(
    folder: Path, told: str, units: float = 1.0, off: float = 0.0, step: int = 2
) -> tuple[Any, list[PosedPicture], list[Shot]]:
    """Three photographs by a bent lens, in a frame of UNITS per metre, with both points marked; the last mark OFF pixels aside."""
    pictures, shots, rows = [], [], ["# point, photograph, x, y"]
    for number, pose in enumerate(photographs.ring(36, 30)[: 3 * step : step]):
        moved = pose.copy()
        moved[:3, 3] *= units
        params = (FOCAL / 2, WIDTH / 4, HEIGHT / 4, BEND)  # of a working copy of half the size
        photo = Photo(f"IMG_{number}.JPG", "", (400, 300), (WIDTH, HEIGHT), (), None)
        shots.append(Shot(photo, params, moved[:3, :3], moved[:3, 3]))
        camera = (FOCAL / 2, FOCAL / 2, WIDTH / 4, HEIGHT / 4)
        pictures.append(
            PosedPicture(image="", camera=camera, pose=rigid.to_matrix(moved), name=photo.name)
        )
        for label, point in POINTS.items():
            x, y, z = pose[:3, :3] @ point + pose[:3, 3]
            ray = np.array([x, y]) / z
            at = FOCAL * ray * (1 + BEND * (ray @ ray)) + [WIDTH / 2, HEIGHT / 2]
            rows.append(f"{label}, {photo.name.lower()}, {at[0]:.3f}, {at[1]:.3f}")
    x, y = map(float, rows[-1].split(",")[2:])
    rows[-1] = f"B, IMG_2.jpg, {x}, {y + off}"
    (folder / "distances.csv").write_text("\n".join([*rows, told]))
    return _distances.read([Source("distances.csv", folder / "distances.csv")]), pictures, shots


@pytest.mark.parametrize(
    "unit, factor", [("mm", 1000.0), ("cm", 100.0), ("m", 1.0), ("inch", 1 / 0.0254)]
)
def test_a_distance_between_marked_points_gives_the_size(
    unit: str, factor: float, tmp_path: Path
) -> None:
    """In the unit it is told in, through a bent lens, in photographs that are larger than the working copies."""
    told = _distances.size(*marked(tmp_path, f"A, B, {APART * factor:.6f} {unit}", units=2.5))
    assert told.metres == pytest.approx(1 / 2.5, rel=1e-4)
    assert "A–B" in told.words and "distances.csv" in told.words


def test_marks_that_do_not_fit_are_not_used_and_said(tmp_path: Path) -> None:
    """A point marked in two places, in one photograph alone, from one place; a list without a unit tells nothing."""
    told = f"A B {APART:.4f} m"
    astray = _distances.size(*marked(tmp_path, told, off=60))
    assert astray.metres is None and "point B is not marked in one place" in astray.words
    near, pictures, shots = marked(tmp_path, told)
    alone = _distances.size(near, pictures[:1], shots[:1])
    assert alone.metres is None and "it takes two" in alone.words
    poses = [one.pose for one in pictures]
    side = [one.model_copy(update={"pose": poses[0]}) for one in pictures[:2]]
    same = near._replace(marks={(a, photo): near.marks[a, "img_0"] for a, photo in near.marks})
    narrow = _distances.size(same, side, shots[:2])
    assert narrow.metres is None and "nearly the same place" in narrow.words
    assert marked(tmp_path, "A B 181")[0] is None


def test_distances_that_disagree_are_not_used(tmp_path: Path) -> None:
    """Two of them, one three times as long as it should be."""
    rows = f"A B {APART:.4f} m\nB A {3 * APART:.4f} m"
    told = _distances.size(*marked(tmp_path, rows))
    assert told.metres is None and "disagree" in told.words


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_marks_count_in_the_photograph_as_it_is_shown(turned: int) -> None:
    """Whatever way EXIF says that it is to be turned."""
    dots = np.zeros((30, 40), np.uint8)
    dots[7, 31] = 255
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = turned
    Image.fromarray(dots).save(file, "PNG", exif=exif)
    y, x = np.argwhere(np.asarray(ImageOps.exif_transpose(Image.open(file))))[0]
    photo = Photo("", "", (80, 60), (40, 30), (), None, turned)
    assert photo.stored_place((x + 0.5, y + 0.5)) == (63, 15)
