"""Reading one picture as a person sees it: any format of formats/pictures, turned as its EXIF says,
in sRGB, 8 bits a channel."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import InputRejected
from pipeline.formats import pictures
from pipeline.geometry.readers import deeptiff, opening, pngcolours
from pipeline.geometry.readers.eightbits import Warn, eight_bits

LONGEST = 2048
LEAST, SMALL = 16, 64  # pixels along the longer edge: too few to show an object; few
MORE = 0x8769  # EXIF's further block
SMALLER = "Give a smaller copy of it."
REDUCED = 254  # TIFF tag whose lowest bit marks a preview


def read(
    path: Path, name: str, warn: Warn, longest: int | None = LONGEST, upright: bool = True
) -> Any:
    """The picture at PATH as a Pillow image, RGBA, its edges at most LONGEST pixels (None: as it
    is); WARN hears what was not used of it. UPRIGHT: turned as its EXIF says.

    InputRejected names the picture and the fact (libraries: Pillow, OpenCV for more than 8 bits,
    pi-heif).
    """
    from PIL import Image

    kind = opening.kind_of(path)
    if kind is None:
        raise not_taken(name)
    try:
        page = deeptiff.page_of(path) if kind == "tiff" else None
        if page is not None:
            _check_size(page.size, name, warn)
            _say_more(page.whole, name, "pages", warn)
            deep, profile = deeptiff.image_of(path, name, page.number, warn)
            image = _as_seen(deep, profile, name, warn, upright)
        else:
            with opening.opened(path, kind) as opened:
                _check_size(opened.size, name, warn, opening.most(kind))
                opening.reduce(opened, name, kind, warn)
                _to_first(opened, name, kind, warn)
                profile = opened.info.get("icc_profile")
                shallow = eight_bits(opened, path, name, kind, warn)
                image = _as_seen(shallow, profile, name, warn, upright)
                if kind == "png" and not profile:
                    image = pngcolours.applied(image, path, name, warn)
    except InputRejected:
        raise
    except Image.DecompressionBombError:
        raise InputRejected(
            f"{name} has more than {opening.MOST_PIXELS:,} pixels.", remedy=SMALLER
        ) from None
    except Exception:  # Pillow raises whatever the broken file led it to
        raise InputRejected(
            f"{name} cannot be read as {pictures.KINDS[kind][0]}: it is damaged or cut off.",
            remedy="Save or copy it again.",
        ) from None
    if longest is not None:
        image.thumbnail((longest, longest))
    return image


def exif(path: Path) -> dict[int, Any]:
    """The EXIF values of the picture at PATH, those about the exposure among them; none where there
    is no block, or a broken one."""
    try:
        with opening.opened(path, str(opening.kind_of(path))) as opened:
            block = opened.getexif()
            return {**block, **block.get_ifd(MORE)}
    except Exception:  # Pillow raises whatever a broken block led it to
        return {}


def not_taken(name: str) -> InputRejected:
    """The refusal of a file that is none of the pictures that are taken."""
    what = pictures.NOT_TAKEN.get(PurePosixPath(name).suffix.lower(), "no picture that can be read")
    return InputRejected(f"{name} is {what}.", remedy=f"Save it as one of {pictures.TAKEN}.")


def _check_size(
    size: tuple[int, int], name: str, warn: Warn, most: int = opening.MOST_PIXELS
) -> None:
    width, height = size
    if width * height > most:
        raise InputRejected(
            f"{name} has {width} × {height} pixels; {most:,} are the most.", remedy=SMALLER
        )
    if max(size) < LEAST:
        raise InputRejected(
            f"{name} has {width} × {height} pixels, which is too small to show an object.",
            remedy="Give the picture itself, not an icon of it.",
        )
    if max(size) < SMALL:
        warn(f"{name} has only {width} × {height} pixels: the model cannot show more.")


def _to_first(opened: Any, name: str, kind: str, warn: Warn) -> None:
    """Of several frames or pages the first whole one is used."""
    count = getattr(opened, "n_frames", 1)
    # there the others are previews and depths, and Pillow comes with the main one
    if count < 2 or kind in ("jpeg", "heic"):
        return
    whole = [k for k in range(count) if kind != "tiff" or not _is_preview(opened, k)] or [0]
    opened.seek(whole[0])
    _say_more(len(whole), name, "pages" if kind == "tiff" else "frames", warn)


def _say_more(whole: int, name: str, what: str, warn: Warn) -> None:
    if whole > 1:
        warn(f"{name} holds {whole} {what}: only the first is used.")


def _is_preview(opened: Any, frame: int) -> bool:
    opened.seek(frame)
    return bool(opened.tag_v2.get(REDUCED, 0) & 1)


def _as_seen(image: Any, profile: bytes | None, name: str, warn: Warn, upright: bool) -> Any:
    from PIL import Image, ImageOps

    image = ImageOps.exif_transpose(image) if upright else image
    clear = image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info
    alpha = image.convert("RGBA").getchannel("A") if clear else Image.new("L", image.size, 255)
    colours = _in_srgb(image, profile, name, warn)
    colours.putalpha(alpha)
    return colours


def _in_srgb(image: Any, profile: bytes | None, name: str, warn: Warn) -> Any:
    """RGB in sRGB, by the colour profile that the picture brings."""
    from PIL import ImageCms

    if image.mode in ("P", "PA", "1"):
        image = image.convert("RGB")
    elif image.mode in ("RGBA", "RGBa", "RGBX"):
        image = image.convert("RGBA").convert("RGB")
    elif image.mode in ("LA", "La"):
        image = image.convert("LA").convert("L")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    if profile:
        try:
            return ImageCms.profileToProfile(
                image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, ValueError, OSError, TypeError):
            warn(f"The colour profile of {name} cannot be used: its colours are taken as sRGB.")
    return image.convert("RGB")
