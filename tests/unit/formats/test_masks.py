"""Masks are known by the names of the photographs they go with."""

from __future__ import annotations

import pytest

from pipeline.formats.masks import pairs


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
