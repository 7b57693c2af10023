"""fetch_images re-encodes what was dropped, reads sides from names, and reaches nothing that is not public."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from pipeline import guard
from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected, ViewsMissing
from pipeline.stages.views import fetch_images
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
GREY = np.full((8, 6, 3), 90)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["front.png", "left.png", "back.png", "right.png"], [0, 90, 180, 270]),
        (["315.png", "000.png", "045.png"], [0, 45, 315]),
        (["holiday.png"], [0]),
        (["a.png", "b.png", "c.png", "d.png"], [0, 90, 180, 270]),
    ],
)
def test_sides_come_from_names(workspace: Make, drop: Callable[..., Dropped], names: list[str], expected: list[float]) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, dict.fromkeys(names, GREY)), ws)
    assert [view.azimuth for view in views.views] == expected
    assert bool(ws.warnings) == (names[0] == "a.png")
    for view in views.views:
        with Image.open(ws.path(view.image)) as image:
            assert (image.mode, image.size) == ("RGBA", (6, 8))


def test_a_name_without_a_side_among_named_ones_is_left_out_with_a_warning(workspace: Make, drop: Callable[..., Dropped]) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, {"front.png": GREY, "left.png": GREY, "extra.png": GREY}), ws)
    assert [view.source for view in views.views] == ["front.png", "left.png"]
    assert "extra.png" in ws.warnings[0]


def test_a_turned_photo_is_turned_back(workspace: Make) -> None:
    ws = workspace()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20)).save(ws.input / "front.jpg", exif=exif)
    views = fetch_images.run(Dropped(names=("front.jpg",)), ws)
    with Image.open(ws.path(views.views[0].image)) as image:
        assert image.size == (20, 40)


def test_a_broken_picture_and_one_outside_the_job_are_named(workspace: Make) -> None:
    ws = workspace()
    (ws.input / "front.png").write_bytes(b"\x89PNG but no more")
    with pytest.raises(InputRejected, match=r"front\.png cannot be read as a picture"):
        fetch_images.run(Dropped(names=("front.png",)), ws)
    with pytest.raises(InputRejected, match="is not among the files"):
        fetch_images.run(Dropped(names=("../../etc/passwd.png",)), workspace())


def test_no_picture_at_all_is_refused(workspace: Make) -> None:
    with pytest.raises(ViewsMissing):
        fetch_images.run(Dropped(names=()), workspace())


@pytest.mark.parametrize("url", ["http://127.0.0.1/a.png", "http://0x7f.1/", "http://[64:ff9b::a00:1]/", "file:///etc/passwd"])
def test_an_address_that_is_not_public_is_refused_by_name(workspace: Make, url: str) -> None:
    """What the guard refuses is the submitter's to change; tests/unit/pipeline/test_guard.py attacks the guard itself."""
    with pytest.raises(fetch_images.Refused, match=re.escape(url)) as refusal:
        fetch_images.run(Dropped(names=()), workspace(image_urls=[url]))
    assert refusal.value.who == "submitter"


def test_a_picture_at_an_address_becomes_a_view(workspace: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limits of pictures: types, bytes, seconds, hosts of the LAN."""
    asked = []
    picture = io.BytesIO()
    Image.fromarray(GREY.astype(np.uint8)).save(picture, "PNG")

    def fetch(*how: object) -> Iterator[bytes]:
        asked.append(how)
        yield picture.getvalue()

    monkeypatch.setattr(guard, "fetch", fetch)
    ws = workspace(image_urls=["http://example.org/left.png?size=8"])
    ws.lan = ("nas.home",)
    views = fetch_images.run(Dropped(names=()), ws)
    assert [(view.azimuth, view.source) for view in views.views] == [(90, "left.png")]
    assert asked == [("http://example.org/left.png?size=8", ("image/png", "image/jpeg", "image/webp"), 50 << 20, 60.0, ("nas.home",))]
