"""Of several pictures of one moment one is kept; panoramas are no photographs of one camera."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline.artefacts import PosedPicture, PosedPictures
from pipeline.formats.refusals import Source
from pipeline.geometry import arrays, rigid
from pipeline.stages.photos import _copies, _pictures, _views
from pipeline.stages.photos._pictures import Photo
from pipeline.stages.photos._world import Shot
from pipeline.workspace import Workspace
from tests.support import photographs

Make = Callable[..., Workspace]
POINTS = np.random.default_rng(4).uniform(-0.2, 0.2, (400, 3))


def shot(
    name: str,
    azimuth: float,
    aside: float = 0.0,
    edge: int = 4000,
    sees: slice = slice(0, 300),
    middle: float = 0.5,
    at: tuple[float, float, float] = (0, 0, 0),
) -> Shot:
    """A camera a metre away from the points, moved ASIDE (metres), that looks AT a place."""
    angle = np.radians(azimuth)
    eye = np.array([np.cos(angle), np.sin(angle), 0.3])
    pose = photographs.look(eye + aside * np.array([-eye[1], eye[0], 0]), np.array(at))
    size = (edge, edge * 3 // 4)
    photo = Photo(name, f"photos/copies/{name}.png", size, size, (), None)
    seen = np.arange(400, dtype=np.int32)[sees]
    params = (edge, edge * middle, edge * 3 / 8, 0.0)
    return Shot(photo, params, pose[:3, :3], pose[:3, 3], seen)


def test_an_edited_copy_and_a_part_of_a_photograph_are_left_out_for_it() -> None:
    """Cut smaller, or of the same size with a longer name; a burst and a screenshot as well."""
    shots = [
        shot("IMG_E1.jpg", 0),
        shot("IMG_1.jpg", 0),
        shot("IMG_2-edited.jpg", 20, edge=3000, sees=slice(0, 120)),
        shot("IMG_2.jpg", 20),
        shot("IMG_3.jpg", 40),
        shot("IMG_4.jpg", 40, aside=0.001),
        shot("part.jpg", 60, aside=0.03, edge=2000, middle=0.53),
        shot("whole.jpg", 60, aside=0.03),
    ]
    assert _copies.copies(shots, POINTS) == {
        "IMG_E1.jpg": "IMG_1.jpg",
        "IMG_2-edited.jpg": "IMG_2.jpg",
        "IMG_4.jpg": "IMG_3.jpg",
        "part.jpg": "whole.jpg",
    }


def test_a_part_cut_from_one_side_is_a_copy_and_a_wide_photograph_is_none() -> None:
    """Its lens is taken for looking where its middle is, which tips its camera. Of a near and a wide one from one spot both stay: the wide one was left out for showing things smaller."""
    part = shot("part.jpg", 0, aside=0.01, edge=3000, sees=slice(0, 200), at=(0, 0, 0.08))
    whole = shot("IMG_1.jpg", 0)
    assert _copies._moved(_copies._shown(part, POINTS), _copies._shown(whole, POINTS)) > 0.002
    wide = shot("wide.jpg", 90, sees=slice(0, 390))
    near = shot("near.jpg", 90, sees=slice(0, 80))
    near.params = (9000.0, *near.params[1:])
    assert _copies.copies([part, whole, wide, near], POINTS) == {"part.jpg": "IMG_1.jpg"}


def test_a_screenshot_is_larger_and_shows_things_smaller() -> None:
    """It goes all the same; and of equal ones the one that knows its lens stays."""
    screen = shot("screen.png", 0, edge=6000)
    screen.params = (3000.0, *screen.params[1:])
    edited, original = shot("1.jpg", 90), shot("IMG_1.jpg", 90)
    original.photo = original.photo._replace(focal=4000.0)
    assert _copies.copies([screen, shot("IMG_0.jpg", 0), edited, original], POINTS) == {
        "screen.png": "IMG_0.jpg",
        "1.jpg": "IMG_1.jpg",
    }


def test_a_step_aside_or_another_way_to_look_is_another_photograph() -> None:
    shots = [
        shot("a.jpg", 0),
        shot("aside.jpg", 0, aside=0.02),
        shot("turned.jpg", 0, at=(0, 0.4, 0)),
        shot("other.jpg", 0, aside=0.001, sees=slice(250, 400)),
    ]
    assert _copies.copies(shots, POINTS) == {}


def test_photographs_from_one_spot_do_not_confirm_each_other(workspace: Make) -> None:
    """Whatever depth the one tells, the other sees it in the same place."""
    ws = workspace(kind="scan")
    shots = [shot("a", 0), shot("b", 0, aside=0.001, at=(0, 0.1, 0)), shot("c", 10)]
    seen = [np.stack([one.sees, np.full_like(one.sees, k)], 1) for k, one in enumerate(shots)]
    arrays.save(ws.path("photos/sparse.npz"), points=POINTS, seen=np.concatenate(seen))
    pictures = []
    for one in shots:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = one.rotation, one.translation
        pictures.append(
            PosedPicture(
                image=one.photo.copy,
                camera=(1.0, 1.0, 0.5, 0.5),
                pose=rigid.to_matrix(pose),
                name=one.name,
            )
        )
    posed = PosedPictures(pictures=tuple(pictures), sparse="photos/sparse.npz")
    asked = [plan.others for plan in _views.plans(posed, 8, ws) if plan is not None]
    assert [sorted(others) for others in asked] == [[2], [2], [0, 1]]


@pytest.mark.parametrize(
    ("size", "how"),
    [
        ((600, 200), {}),
        ((200, 600), {}),
        ((400, 200), {"exif": 6}),
        ((400, 200), {"xmp": b"<x GPano:ProjectionType='equirectangular'/>"}),
        ((432, 160), None),  # as wide as the widest films
    ],
)
def test_a_panorama_is_left_out_by_name(
    size: tuple[int, int], how: dict[str, Any] | None, tmp_path: Path, workspace: Make
) -> None:
    """It found a place among photographs that it was made of, and its bends went into the model."""
    said = dict(how or {})
    if "exif" in said:
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA401] = said["exif"]
        said["exif"] = exif
    Image.new("RGB", size).save(tmp_path / "p.jpg", "JPEG", **said)
    sources = [Source("p.jpg", tmp_path / "p.jpg")]
    photos, left_out = _pictures.read(sources, {}, 1600, workspace(kind="scan"))
    assert (len(photos), "panorama" in left_out.get("p.jpg", "")) == (
        (1, False) if how is None else (0, True)
    )
