"""fetch_images re-encodes what was dropped, reads sides from names, and reaches nothing that is not public."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from pipeline import safe_fetch
from pipeline.artefacts import Dropped
from pipeline.errors import InputRejected, ViewsMissing
from pipeline.stages.views import _fetched, fetch_images
from pipeline.workspace import Workspace

Make = Callable[..., Workspace]
GREY = np.full((96, 72, 3), 90)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["front.png", "left.png", "back.png", "right.png"], [0, 90, 180, 270]),
        (["315.png", "000.png", "045.png"], [0, 45, 315]),
        (["holiday.png"], [0]),
        (["a.png", "b.png", "c.png", "d.png"], [0, 90, 180, 270]),
    ],
)
def test_sides_come_from_names(
    workspace: Make, drop: Callable[..., Dropped], names: list[str], expected: list[float]
) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, dict.fromkeys(names, GREY)), ws)
    assert [view.azimuth for view in views.views] == expected
    assert bool(ws.warnings) == (names[0] == "a.png")
    for view in views.views:
        with Image.open(ws.path(view.image)) as image:
            assert (image.mode, image.size) == ("RGBA", (72, 96))


def test_a_name_without_a_side_among_named_ones_is_left_out_with_a_warning(
    workspace: Make, drop: Callable[..., Dropped]
) -> None:
    ws = workspace()
    views = fetch_images.run(drop(ws, {"front.png": GREY, "left.png": GREY, "extra.png": GREY}), ws)
    assert [view.source for view in views.views] == ["front.png", "left.png"]
    assert "extra.png" in ws.warnings[0]


def test_a_mask_is_no_view(workspace: Make, drop: Callable[..., Dropped]) -> None:
    """Beside two pictures without sides it was the third one around the object."""
    ws = workspace()
    names = ("masks/a.png", "a.png")
    (ws.input / "masks").mkdir()
    views = fetch_images.run(drop(ws, dict.fromkeys(names, GREY)), ws)
    assert [view.source for view in views.views] == ["a.png"]
    assert "masks/a.png: masks are not used of images" in ws.warnings[0]


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
    with pytest.raises(InputRejected, match=r"front\.png is no picture that can be read"):
        fetch_images.run(Dropped(names=("front.png",)), ws)
    with pytest.raises(InputRejected, match="is not among the files"):
        fetch_images.run(Dropped(names=("../../etc/passwd.png",)), workspace())


def test_no_picture_at_all_is_refused(workspace: Make) -> None:
    with pytest.raises(ViewsMissing):
        fetch_images.run(Dropped(names=()), workspace())


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/a.png", "http://0x7f.1/", "http://[64:ff9b::a00:1]/", "file:///etc/passwd"],
)
def test_an_address_that_is_not_public_is_refused_by_name(workspace: Make, url: str) -> None:
    """What the guard refuses is the submitter's to change; tests/unit/pipeline/test_safe_fetch.py attacks the guard itself."""
    with pytest.raises(fetch_images.Refused, match=re.escape(url)) as refusal:
        fetch_images.run(Dropped(names=()), workspace(image_urls=[url]))
    assert refusal.value.who == "submitter"


def picture(colour: int, form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (72, 96), (colour, 90, 90)).save(stream, form)
    return stream.getvalue()


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Address → what is there; nothing else is reached, and everything within the limits of pictures."""
    there: dict[str, bytes] = {}

    def fetch(url: str, largest: int, seconds: float, lan: tuple[str, ...]) -> Iterator[bytes]:
        assert (largest, seconds, lan) == (50 << 20, 60.0, ("nas.home",))
        yield there[url]

    monkeypatch.setattr(safe_fetch, "fetch", fetch)
    return there


def fetched(
    workspace: Make, internet: dict[str, bytes], *urls: str
) -> tuple[Workspace, dict[str, float]]:
    """The workspace and source → azimuth, with a picture of its own at every address that has none yet."""
    for k, url in enumerate(dict.fromkeys(urls)):
        internet.setdefault(url.partition("#")[0], picture(10 + k))
    ws = workspace(image_urls=list(urls))
    ws.lan = ("nas.home",)
    views = fetch_images.run(Dropped(names=()), ws)
    return ws, {view.source: view.azimuth for view in views.views}


SIDES = {"front.png": 0, "left.png": 90, "back.png": 180, "right.png": 270}


def test_a_picture_at_an_address_becomes_a_view(
    workspace: Make, internet: dict[str, bytes]
) -> None:
    assert fetched(workspace, internet, "http://example.org/left.png?size=8")[1] == {"left.png": 90}


@pytest.mark.parametrize(
    "pattern",
    [
        "http://e.org/{}.png",
        "http://e.org/{}/image.png",
        "http://e.org/{}/2024/image.png",
        "http://e.org/image.png?side={}",
        "http://e.org/image.png?v=2&side={}&size=512",
        "http://e.org/%2e/{}/a%20b.png#x",
        "http://e.org/left/{}/image.png",
    ],
)
def test_the_side_may_stand_anywhere_in_the_addresses(
    workspace: Make, internet: dict[str, bytes], pattern: str
) -> None:
    ws, found = fetched(
        workspace, internet, *(pattern.format(side.removesuffix(".png")) for side in SIDES)
    )
    assert (found, ws.warnings) == (SIDES, [])


def test_azimuths_as_folders_count_where_each_picture_has_its_own(
    workspace: Make, internet: dict[str, bytes]
) -> None:
    assert list(
        fetched(workspace, internet, *(f"http://e.org/{k:03}/i.png" for k in (0, 120, 240)))[
            1
        ].values()
    ) == [0, 120, 240]
    names = _fetched.names_of([f"http://e.org/album/{k}/i.png" for k in (101, 102, 103)])
    assert list(names.values()) == [
        "i.png",
        "i (2).png",
        "i (3).png",
    ]  # an album's numbers are no angles


@pytest.mark.parametrize(
    "urls",
    [
        [f"http://e.org/i.png?id={k}" for k in range(4)],
        [f"http://e.org/{k}/i.png" for k in "abcd"],
        ["http://e.org/i.png", "http://e.org/I.png", "http://f.org/i.PNG", "http://f.org/%69.png"],
        ["http://e.org", "http://f.org", "http://e.org/?", "http://e.org/a/"],
        [f"http://e.org/{'x' * 700}{k}.png" for k in range(4)],
        [
            "http://e.org/a%2Fi.png",
            "http://e.org/b%00i.png",
            "http://e.org/..",
            "http://e.org/ü.png",
        ],
    ],
)
def test_every_address_gives_a_picture_of_its_own_name(
    workspace: Make, internet: dict[str, bytes], urls: list[str]
) -> None:
    """Four addresses, four views, whatever their names share; four without sides are evenly spaced in the order of the addresses."""
    _, found = fetched(workspace, internet, *urls)
    assert list(found.values()) == [0, 90, 180, 270]
    assert all(0 < len(name) <= 90 and "/" not in name and name.isprintable() for name in found)
    assert len({name.casefold() for name in found}) == 4


def test_one_side_among_addresses_is_found_and_numbers_elsewhere_are_not_angles(
    workspace: Make, internet: dict[str, bytes]
) -> None:
    ws, found = fetched(
        workspace,
        internet,
        "http://e.org/120/front/i.png",
        "http://e.org/240/x/i.png",
        "http://e.org/90/left/i.png",
    )
    assert found == {"front.png": 0, "left.png": 90}
    assert "i.png" in ws.warnings[0]


def test_an_address_named_twice_is_used_once_and_so_it_says(
    workspace: Make, internet: dict[str, bytes]
) -> None:
    ws, found = fetched(
        workspace,
        internet,
        "http://e.org/front.png",
        "http://e.org/left.png",
        "http://e.org/front.png",
    )
    assert found == {"front.png": 0, "left.png": 90}
    assert ["more than once" in warning for warning in ws.warnings] == [True]


def test_two_addresses_with_one_picture_are_named(
    workspace: Make, internet: dict[str, bytes]
) -> None:
    """A server that ignores the query gives the front four times."""
    urls = [f"http://e.org/image.png?side={side}" for side in ("front", "left")]
    internet |= dict.fromkeys(urls, picture(7))
    ws, _ = fetched(workspace, internet, *urls)
    assert ws.warnings == ["The addresses of front.png and left.png gave the same picture."]


def test_a_fetched_picture_takes_no_dropped_ones_name(
    workspace: Make, drop: Callable[..., Dropped], internet: dict[str, bytes]
) -> None:
    internet["http://e.org/a.png"] = picture(7)
    ws = workspace(image_urls=["http://e.org/a.png"])
    ws.lan = ("nas.home",)
    views = fetch_images.run(drop(ws, {"A.png": GREY, "b.png": GREY}), ws)
    assert [view.source for view in views.views] == ["A.png", "b.png", "a (2).png"]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_the_content_says_what_a_picture_is(
    workspace: Make, internet: dict[str, bytes], form: str
) -> None:
    internet["http://e.org/download"] = picture(7, form)
    assert fetched(workspace, internet, "http://e.org/download")[1] == {"download": 0}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>Sign in", "a page or text"),
        (b'{"error": "gone"}', "a page or text"),
        (b"", "nothing"),
    ],
)
def test_what_is_no_picture_is_said_with_its_address(
    workspace: Make, internet: dict[str, bytes], content: bytes, words: str
) -> None:
    internet["http://e.org/front.png"] = content
    with pytest.raises(
        fetch_images.Refused, match=rf"http://e\.org/front\.png: it gave {words}, no picture"
    ):
        fetched(workspace, internet, "http://e.org/front.png")
