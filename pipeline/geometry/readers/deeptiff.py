"""TIFF pictures of more than 8 bits a channel: of floats, of signed numbers, in planes, with white
as zero; by the tags, for Pillow does not know most of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import InputRejected
from pipeline.geometry.readers.eightbits import Warn, by_opencv, scaled

ORIENTATION, PROFILE = 0x0112, 34675  # tags of TIFF
# Pillow's way (Image.Transpose) from upright back to each orientation
UNTURNED = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
UNPACKED = 1
Array = NDArray[Any]


class Page(NamedTuple):
    """The page of a TIFF that is shown, its number and size; whole: pages that are no previews."""

    number: int
    width: int
    height: int
    whole: int

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


def page_of(path: Path) -> Page | None:
    """The first whole page of the TIFF at PATH; None where 8 bits are all it has (library:
    tifffile)."""
    import tifffile

    with tifffile.TiffFile(path) as held:
        pages = [held.pages[k].aspage() for k in range(len(held.pages))]
        whole = [k for k, page in enumerate(pages) if not int(page.subfiletype) & 1] or [0]
        first = pages[whole[0]]
        if int(first.bitspersample) <= 8:
            return None
        return Page(whole[0], first.imagewidth, first.imagelength, len(whole))


def image_of(path: Path, name: str, page: int, warn: Warn) -> tuple[Any, bytes | None]:
    """Page PAGE of the TIFF at PATH as a Pillow image of 8 bits that knows how it is turned, and
    its colour profile (libraries: tifffile for what the tags say, OpenCV for the pixels)."""
    import tifffile
    from PIL import Image

    with tifffile.TiffFile(path) as held:
        said = held.pages[page].aspage()
        kind = int(said.photometric)
        if kind not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
            colours = f"{tifffile.PHOTOMETRIC(kind).name} colours of {said.bitspersample} bits"
            raise InputRejected(
                f"{name} has {colours}, which are not read.",
                remedy="Save it as RGB, or with 8 bits a channel.",
            )
        halves = said.dtype == np.float16  # which OpenCV does not read
        own = halves or _in_planes(said)
        if own and not _all_there(said):
            raise ValueError("strips are missing")
        values = said.asarray() if own else by_opencv(path, page)
        if _in_planes(said):
            values = np.moveaxis(values.reshape(-1, said.imagelength, said.imagewidth), 0, 2)
        turned, profile = (said.tags.valueof(tag) for tag in (ORIENTATION, PROFILE))
    image = Image.fromarray(scaled(_unsigned(values, kind == WHITE_IS_ZERO), name, warn))
    if turned:  # OpenCV gives what is upright already
        way = None if own else UNTURNED.get(int(turned))
        image = image if way is None else image.transpose(Image.Transpose(way))
        image.getexif()[ORIENTATION] = int(turned)
    return image, profile


def _in_planes(page: Any) -> bool:
    return int(page.planarconfig) == 2 and int(page.samplesperpixel) > 1


def _all_there(page: Any) -> bool:
    """Whether the file holds every strip that PAGE declares; tifffile gives black for those that it
    lacks, however large."""
    starts, lengths = page.dataoffsets, page.databytecounts
    needed = page.size * page.bitspersample // 8 if page.compression == UNPACKED else 0
    return (
        len(starts) == len(lengths) == math.prod(page.chunked)
        and sum(lengths) >= needed
        and all(
            start > 0 < length and start + length <= page.parent.filehandle.size
            for start, length in zip(starts, lengths, strict=True)
        )
    )


def _unsigned(values: Array, inverted: bool) -> Array:
    """VALUES as floats or as integers of up to 16 bits from 0 on, black at 0."""
    if values.dtype.kind in "iu" and values.dtype.itemsize > 1:
        spare = 8 * values.dtype.itemsize - (values.dtype.kind == "i") - 16
        values = values.clip(0)
        values = (values >> spare if spare > 0 else values << -spare).astype(np.uint16)
    if not inverted:
        return values
    return (1.0 if values.dtype.kind == "f" else np.iinfo(values.dtype).max) - values
