"""Pictures are known by what they hold, and a cut one is seen to be cut."""

from __future__ import annotations

import io

import pytest

from pipeline.formats import contradictions, pictures
from pipeline.formats.completeness import cut_off
from tests.support.pictures import encoded, figure

KINDS = list(pictures.KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_is_known_by_its_first_bytes_and_contradicts_no_pictures_name(
    kind: str,
) -> None:
    data = encoded(figure()[0], kind)
    assert pictures.kind_of(data[:512]) == kind
    assert contradictions.contradiction("picture.jpg", data) is None
    assert cut_off("picture.jpg", len(data), io.BytesIO(data)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_cannot_pass_for_a_scan(kind: str) -> None:
    assert (
        contradictions.contradiction("pass.ply", encoded(figure()[0], kind))
        == pictures.KINDS[kind][0]
    )


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "tiff"])
def test_a_cut_picture_lacks_its_end_whatever_its_name(kind: str) -> None:
    data = encoded(figure()[0], kind)
    data = data[: len(data) * 3 // 4]
    assert cut_off("picture", len(data), io.BytesIO(data))


def test_the_brand_that_comes_later_tells_avif_from_heic() -> None:
    avif = encoded(figure()[0], "avif")
    assert pictures.kind_of(avif[:8] + b"mif1" + avif[12:]) == "avif"
    assert pictures.kind_of(b"\0\0\0\x18ftypisom\0\0\0\0isommp42") is None


def test_text_and_raw_files_are_no_pictures() -> None:
    assert pictures.kind_of(b"BMW is a brand of cars") is None
    assert (
        ".dng" in pictures.NOT_TAKEN and not pictures.NOT_TAKEN.keys() & pictures.BY_SUFFIX.keys()
    )
