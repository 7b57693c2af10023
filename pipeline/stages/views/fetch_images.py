"""fetch_images: dropped pictures, pictures below inputs/ and pictures at addresses become views, re-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from pipeline import guard
from pipeline.artefacts import Dropped, View, Views
from pipeline.declared import FetchImages
from pipeline.errors import InputRejected, ViewsMissing
from pipeline.stages.views._fetched import names_of
from pipeline.stages.views._names import azimuths
from pipeline.workspace import StageWorkspace

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}
MOST_PIXELS, LONGEST = 200_000_000, 2048
MOST_BYTES, SECONDS = 50 << 20, 60.0


class Refused(InputRejected):
    """A picture's address gave no picture."""

    remedy = "Give an http or https address of a picture, public or on a host in [worker] image_lan, or send the file."


def run(dropped: Dropped | None, ws: StageWorkspace[FetchImages]) -> Views:
    """Read every picture, turn it as its EXIF says, shrink it to 2048 pixels and write it as RGBA to views/ (library: Pillow).

    Azimuths come from the names (front, left, back, right, 000 … 359). Raises InputRejected, naming the file and the fact, and
    ViewsMissing where there is no picture at all. Only stage that uses the network, and only for options.image_urls.
    """
    found = _local(dropped, ws)
    found |= _remote(ws, found)
    if not found:
        raise ViewsMissing(
            "There is no picture in the drop.", remedy="Drop one picture, or a folder of them named front, left, back, right."
        )
    placed, warning = azimuths(list(found))
    if warning:
        ws.warn(warning)
    ordered = sorted(placed.items(), key=lambda item: item[1])
    views = []
    for k, (name, azimuth) in enumerate(ordered):
        ws.progress(k / len(ordered), f"reading {name}")
        target = f"views/raw/{azimuth:03.0f}.png"
        _reencode(found[name], name, ws.path(target))
        views.append(View(image=target, azimuth=azimuth, source=name))
    return Views(views=tuple(views))


def _local(dropped: Dropped | None, ws: StageWorkspace[FetchImages]) -> dict[str, Path]:
    names = [*(dropped.names if dropped else ()), *ws.options.image_paths]
    found = {}
    for name in dict.fromkeys(names):
        path = (ws.input / name).resolve()
        if path.suffix.lower() not in SUFFIXES and name not in ws.options.image_paths:
            continue
        if not path.is_relative_to(ws.input.resolve()) or not path.is_file():
            raise InputRejected(
                f"{name} is not among the files of this job.", remedy="Name a picture that lies below inputs/ on the share."
            )
        found[name] = path
    return found


def _remote(ws: StageWorkspace[FetchImages], local: Collection[str]) -> dict[str, Path]:
    """Fetched name → file. Servers call pictures what they like (octet-stream, image/jpg, nothing): the content decides what it is."""
    asked = ws.options.image_urls
    names, found, seen = names_of(asked, local), {}, dict[bytes, str]()
    if len(names) < len(asked):
        ws.warn("An address is named more than once among image_urls; its picture is used once.")
    for k, (url, name) in enumerate(names.items()):
        ws.progress(0.0, f"fetching picture {k + 1}")
        path = ws.path(f"views/fetched/{k}")
        try:
            with path.open("wb") as stream:
                stream.writelines(guard.fetch(url, MOST_BYTES, SECONDS, ws.lan))
        except (guard.NotAllowed, guard.NoUse) as reason:
            raise Refused(f"{url[:200]}: {reason}.") from None
        content = path.read_bytes()
        if not content or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"<", b"{", b"[", b""):
            raise Refused(f"{url[:200]}: it gave {'a page or text' if content.strip() else 'nothing'}, no picture.")
        if (same := seen.setdefault(hashlib.sha256(content).digest(), name)) != name:
            ws.warn(f"The addresses of {same} and {name} gave the same picture.")
        found[name] = path
    return found


def _reencode(source: Path, name: str, target: Path) -> None:
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise InputRejected(f"{name} has {opened.width} × {opened.height} pixels; {MOST_PIXELS:,} are the most.")
            image = ImageOps.exif_transpose(opened).convert("RGBA")
    except InputRejected:
        raise
    except Exception as error:  # Pillow raises whatever the broken file led it to
        raise InputRejected(f"{name} cannot be read as a picture: {type(error).__name__}.") from None
    image.thumbnail((LONGEST, LONGEST))
    image.save(target, compress_level=1)
