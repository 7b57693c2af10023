"""One picture under several names counts once; a neighbour a step aside is another picture."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pipeline.formats.refusals import Source
from pipeline.stages.photos import _pictures
from pipeline.workspace import Workspace
from tests.support import photographs
from tests.unit.photos.conftest import SIZE

Make = Callable[..., Workspace]


def encoded(picture: Any, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


@pytest.mark.slow
def test_a_picture_in_another_format_size_or_turn_counts_once(
    tmp_path: Path, workspace: Make
) -> None:
    """The largest is kept, of equal ones the one that knows its lens; each other one is left out by name."""
    scene = photographs.Scene()
    first, aside = (scene.photo(pose, SIZE) for pose in photographs.ring(72)[:2])
    small = first.resize((SIZE[0] // 2, SIZE[1] // 2))
    on_its_side = first.transpose(Image.Transpose.ROTATE_90)
    files = {
        "IMG_1.avif": encoded(first, "AVIF", quality=60),
        "IMG_1.jpg": photographs.jpeg(first, focal_35=39),
        "IMG_1 small.webp": encoded(small, "WEBP", quality=70),
        "IMG_1 turned.jpg": photographs.jpeg(on_its_side, orientation=6),
        "IMG_2.jpg": photographs.jpeg(aside),
        "mirrored.jpg": photographs.jpeg(first.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
    }
    folder = photographs.drop(tmp_path / "drop", files)
    sources = [Source(name, folder / name) for name in sorted(files)]
    photos, left_out = _pictures.read(sources, {}, 1600, workspace(kind="scan"))
    assert [photo.name for photo in photos] == ["IMG_1.jpg", "IMG_2.jpg", "mirrored.jpg"]
    assert set(left_out) == {"IMG_1 small.webp", "IMG_1 turned.jpg", "IMG_1.avif"}
    assert all("same picture as IMG_1.jpg" in why for why in left_out.values())
