"""Masks are known by the names of the photographs they go with."""

from __future__ import annotations

import unicodedata

import pytest

from pipeline.formats.masks import of, pairs


@pytest.mark.parametrize(
    "mask",
    [
        "IMG_1_mask.png",
        "IMG_1.jpg.mask.png",
        "masks/IMG_1.png",
        "masks/IMG_1.JPG.png",
        "Mask-IMG_1.png",
    ],
)
def test_a_mask_goes_with_the_photograph_it_is_named_after(mask: str) -> None:
    assert pairs(["IMG_1.jpg", "IMG_2.jpg", mask]) == {"IMG_1.jpg": mask}


def test_photographs_of_a_mask_are_photographs() -> None:
    """Where nothing goes with them they are what is shown."""
    assert pairs(["mask1.jpg", "mask2.jpg", "mask3.jpg"]) == {}
    assert pairs(["my mask/photos/1.jpg", "my mask/photos/2.jpg"]) == {}
    assert pairs(["unmasked_1.jpg", "1.jpg"]) == {}


@pytest.mark.parametrize(
    "form", ["{}/IMG_1_mask.png", "{}/masks/IMG_1.png", "masks/{}/IMG_1.jpg.png"]
)
def test_cameras_that_number_alike_have_masks_of_their_own(form: str) -> None:
    """Each in a folder: both got the mask of the last one."""
    photos = ["cam1/IMG_1.jpg", "cam2/IMG_1.jpg"]
    own = {name: form.format(name[:4]) for name in photos}
    assert pairs([*photos, *own.values()]) == own
    first = own[photos[0]]
    assert pairs([*photos, first]) == {photos[0]: first}


def test_a_mask_that_may_be_of_several_photographs_is_of_none() -> None:
    """It is told whose it may be, and is no photograph; those in one folder are one picture in two formats, and share it."""
    told = of(["cam1/a.jpg", "cam2/a.jpg", "masks/a.png"])
    assert (told.pairs, told.unclear) == ({}, {"masks/a.png": ["cam1/a.jpg", "cam2/a.jpg"]})
    assert told.aside == {"masks/a.png"}
    assert pairs(["x/a.jpg", "x/a.heic", "masks/a.png"]) == dict.fromkeys(
        ["x/a.jpg", "x/a.heic"], "masks/a.png"
    )


def test_an_umlaut_is_one_letter_however_it_is_stored() -> None:
    """macOS stores a letter and its accent apart, other systems in one."""
    apart, joined = (unicodedata.normalize(form, "Übersicht") for form in ("NFD", "NFC"))
    photo, mask = f"{apart}/{apart} 1.jpg", f"masks/{joined}/{joined} 1.png"
    assert pairs([photo, mask]) == {photo: mask}
