"""Opening a picture file (Pillow), and how large it may be: of JPEG, larger ones are read at half
their size, which costs a quarter of the memory and of the time."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from pipeline.formats import pictures
from pipeline.geometry.readers.eightbits import Warn

MOST_PIXELS = 178_000_000  # of the picture as it is read; Pillow refuses more by itself
MOST_JPEG = 400_000_000  # of a JPEG as it is stored: a progressive one is held whole, too
HALVED = "{} has {} × {} pixels: it is read at half that size."

READERS = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "webp": ("WEBP",),
    "tiff": ("TIFF",),
    "bmp": ("BMP", "DIB"),
    "gif": ("GIF",),
    "jp2": ("JPEG2000",),
    "avif": ("AVIF",),
    "heic": ("HEIF",),
}


def kind_of(path: Path) -> str | None:
    """A key of READERS by the first bytes of the file at PATH, or None."""
    with path.open("rb") as file:
        return pictures.kind_of(file.read(512))


def opened(path: Path, kind: str) -> Any:
    """The picture at PATH of KIND (formats/pictures) as Pillow opens it, not yet decoded."""
    from PIL import Image, JpegImagePlugin

    if kind == "heic":
        import pi_heif

        pi_heif.register_heif_opener()
    content = _named_after_content(path) if kind == "avif" else path
    try:
        return Image.open(content, formats=READERS[kind])
    except Image.DecompressionBombError:
        if kind != "jpeg":
            raise
        return JpegImagePlugin.JpegImageFile(path)


def most(kind: str) -> int:
    """How many pixels a picture of KIND may have as it is stored."""
    return MOST_JPEG if kind == "jpeg" else MOST_PIXELS


def times(path: Path) -> int:
    """By how much the edges of the picture at PATH are shorter when it is read than as stored."""
    kind = str(kind_of(path))
    with opened(path, kind) as image:
        return _times(image, kind)


def reduce(image: Any, name: str, kind: str, warn: Warn) -> None:
    """Have an opened IMAGE decoded at half its size where it is larger than is read; WARN hears
    it."""
    if _times(image, kind) > 1:
        warn(HALVED.format(name, *image.size))
        image.draft(None, (image.width // 2, image.height // 2))


def _times(image: Any, kind: str) -> int:
    return 2 if kind == "jpeg" and image.width * image.height > MOST_PIXELS else 1


def _named_after_content(path: Path) -> io.BytesIO:
    """An AVIF picture may call itself HEIC first, and is then taken for one."""
    data = path.read_bytes()
    return io.BytesIO(
        data if data[8:12] in pictures.AVIF else data[:8] + pictures.AVIF[0] + data[12:]
    )
