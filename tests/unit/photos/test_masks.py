"""Masks beside photographs: what they leave out becomes no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.formats.refusals import Source
from pipeline.geometry import arrays, rigid
from pipeline.geometry.rigid import similarity
from pipeline.stages.photos import _masks, _pictures
from pipeline.workspace import Workspace
from tests.support import photographs
from tests.unit.photos.conftest import SIZE, Shot, run_stages

Make = Callable[..., Workspace]


def saved(folder: Path, image: Any) -> Source:
    image.save(folder / "a_mask.png")
    return Source("a_mask.png", folder / "a_mask.png")


@pytest.mark.parametrize("turned", [1, 3, 6, 8])
def test_a_mask_is_drawn_as_the_photograph_is_shown(
    turned: int, tmp_path: Path, workspace: Make
) -> None:
    """And then turned as it is stored, at the size of the working copy."""
    drawn = np.zeros((40, 60), np.uint8)
    drawn[5:15, 30:50] = 255
    stored = Image.fromarray(drawn)
    exif = Image.Exif()
    exif[0x0112] = turned
    stored.save(tmp_path / "photo.png", exif=exif)
    with Image.open(tmp_path / "photo.png") as opened:
        mask = saved(
            tmp_path, ImageOps.exif_transpose(opened).resize((60, 40) if turned < 5 else (40, 60))
        )
    target = tmp_path / "copy.png"
    assert _masks.copied(mask, "a.jpg", (30, 20), turned, target, workspace(kind="scan"))
    with Image.open(target) as opened:
        assert (np.asarray(opened) == drawn[1::2, 1::2]).mean() > 0.98


@pytest.mark.parametrize(
    "image, words",
    [
        (Image.new("L", (60, 60)), "has not the proportions of a.jpg"),
        (Image.effect_noise((60, 40), 40), "is no black and white picture"),
    ],
)
def test_what_is_no_mask_of_a_photograph_is_not_used_and_said(
    image: Any, words: str, tmp_path: Path, workspace: Make
) -> None:
    """The photograph is used without one."""
    ws = workspace(kind="scan")
    assert not _masks.copied(saved(tmp_path, image), "a.jpg", (60, 40), 1, tmp_path / "m.png", ws)
    assert words in ws.warnings[0]


@pytest.mark.slow
def test_what_masks_leave_out_is_not_in_the_model(shot: Shot, tmp_path: Path) -> None:
    """A thing on a speckled table, cut out by masks: no point of the table is left."""
    names = list(shot.truth)[:5]
    bare = photographs.Scene(table=False)
    photos = {name: shot.photos[name] for name in names}
    for name in names[1:]:  # and one has none: it is placed, too
        seen = np.asarray(bare.photo(shot.truth[name], SIZE, noise=0.0), float)
        outline = (np.abs(seen - 0.62 * 255) > 1).any(2)
        file = tmp_path / "mask.png"
        Image.fromarray(np.where(outline, 255, 0).astype(np.uint8)).save(file)
        photos[f"masks/{name}.png"] = file.read_bytes()
    (tmp_path / "drop/masks").mkdir(parents=True)
    job = run_stages(
        photographs.drop(tmp_path / "drop", photos), tmp_path / "work", "photos.densify"
    )
    assert {one.name for one in job.posed.pictures} == set(names)
    eyes = np.array([rigid.invert(np.asarray(one.pose))[:3, 3] for one in job.posed.pictures])
    true = np.array([rigid.invert(shot.truth[one.name])[:3, 3] for one in job.posed.pictures])
    scale, turn, move = similarity(eyes, true)
    points = np.concatenate(
        [
            rigid.apply(np.asarray(one.pose), arrays.load(job.ws.path(one.arrays))["points"])
            for one in job.scans.passes
        ]
    )
    points = scale * points @ turn.T + move
    assert len(points) > 20_000
    beside = (np.abs(points[:, :2]) > [0.16, 0.13]).any(1)
    assert beside.mean() < 0.002


def test_a_mask_that_leaves_nothing_takes_its_photograph_out(
    tmp_path: Path, workspace: Make
) -> None:
    """It was said to show too little detail."""
    photographs.drop(tmp_path, {"a.jpg": Image.effect_noise((60, 40), 40).convert("RGB")})
    mask = saved(tmp_path, Image.new("L", (60, 40)))
    photo = Source("a.jpg", tmp_path / "a.jpg")
    read, left_out = _pictures.read([photo], {"a.jpg": mask}, 100, workspace(kind="scan"))
    assert read == [] and "black all over" in left_out["a.jpg"]


@pytest.mark.parametrize("inside, said", [(0, True), (255, False)])
def test_masks_that_may_be_inverted_are_said(
    inside: int, said: bool, tmp_path: Path, workspace: Make
) -> None:
    """What was around the thing became the model, without a word."""
    ws = workspace(kind="scan")
    for k in range(3):
        image = Image.new("L", (60, 40), 255 - inside)
        image.paste(inside, (20, 10, 40, 40 - (k == 0)))
        image.save(ws.path(f"{k}.png"))
    _masks.say_if_inverted([f"{k}.png" for k in range(3)], ws)
    assert any("invert them" in text for text in ws.warnings) == said
