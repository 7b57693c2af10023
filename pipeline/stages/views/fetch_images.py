"""fetch_images: dropped pictures, pictures below inputs/ and pictures at addresses become views,
re-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

from pipeline import safe_fetch
from pipeline.artefacts import Dropped, View, Views
from pipeline.errors import InputRejected, ViewsMissing
from pipeline.formats import masks, pictures, sides
from pipeline.formats.account import listed
from pipeline.geometry.readers import picture
from pipeline.kept.options import FetchImages
from pipeline.stages.views._dropped import pictures_of
from pipeline.stages.views._fetched import names_of
from pipeline.workspace import StageWorkspace

MOST_BYTES, SECONDS = 50 << 20, 60.0
NAME_THEM = (
    "Name pictures after what they show: front, left, back, right, or degrees (000, 045 … 315)"
)


class Refused(InputRejected):
    """A picture's address gave no picture."""

    remedy = (
        "Give an http or https address of a picture, public or on a host in [worker] image_lan, or"
        " send the file."
    )


def run(dropped: Dropped | None, ws: StageWorkspace[FetchImages]) -> Views:
    """Read every picture as a person sees it, shrink it to 2048 pixels and write it as sRGB with
    alpha to views/ (library: Pillow).

    Azimuths come from the names (front, left, back, right, 000 … 359); what is not used is named in
    a warning. Raises InputRejected, naming the file and the fact, and ViewsMissing where there is
    no picture, or none that says its side. Only stage that uses the network, and only for
    options.image_urls.
    """
    found = pictures_of(dropped, ws)
    found |= _remote(ws, found)
    if not found:
        raise ViewsMissing(
            "There is no picture in the drop.",
            remedy=(
                f"Drop one picture ({pictures.TAKEN} are taken), or a folder of them. {NAME_THEM}."
            ),
        )
    aside = sorted(masks.of(found).aside)
    if aside:
        ws.warn(f"{listed(aside)}: {masks.NO_VIEWS}")
    placed = sides.seen([name for name in found if name not in aside])
    _say(placed, ws)
    views = []
    for k, (name, azimuth) in enumerate(placed.azimuths.items()):
        ws.progress(k / len(placed.azimuths), f"reading {name}")
        target = f"views/raw/{azimuth:03.0f}.png"
        picture.read(found[name], name, ws.warn).save(ws.path(target), compress_level=1)
        views.append(
            View(
                image=target,
                azimuth=azimuth,
                elevation=placed.elevations.get(name, 0.0),
                source=name,
            )
        )
    return Views(views=tuple(views))


def _say(placed: sides.Seen, ws: StageWorkspace[FetchImages]) -> None:
    """What was guessed or is not used of the pictures; ViewsMissing where that leaves none."""
    reasons = [f"{name} ({why})" for name, why in placed.unused.items()]
    if not placed.azimuths:
        raise ViewsMissing(
            f"No picture says which side it shows: {', '.join(reasons)}.",
            remedy=f"{NAME_THEM}, or drop one picture alone.",
        )
    if placed.guess:
        ws.warn(placed.guess)
    if reasons:
        ws.warn(f"Not used: {', '.join(reasons)}.")


def _remote(ws: StageWorkspace[FetchImages], local: Collection[str]) -> dict[str, Path]:
    """Fetched name → file. Servers call pictures what they like (octet-stream, image/jpg, nothing):
    the content decides what it is."""
    asked = ws.options.image_urls
    names, found, seen = names_of(asked, local), {}, dict[bytes, str]()
    if len(names) < len(asked):
        ws.warn("An address is named more than once among image_urls; its picture is used once.")
    for k, (url, name) in enumerate(names.items()):
        ws.progress(0.0, f"fetching picture {k + 1}")
        path = ws.path(f"views/fetched/{k}")
        try:
            with path.open("wb") as stream:
                stream.writelines(safe_fetch.fetch(url, MOST_BYTES, SECONDS, ws.lan))
        except (safe_fetch.NotAllowed, safe_fetch.NoUse) as reason:
            raise Refused(f"{url[:200]}: {reason}.") from None
        content = path.read_bytes()
        ws.fetched[url] = hashlib.sha256(content).hexdigest()
        if pictures.kind_of(content[:512]) is None:
            raise Refused(
                f"{url[:200]}: it gave {'a page or text' if content.strip() else 'nothing'}, no"
                " picture."
            )
        if (same := seen.setdefault(hashlib.sha256(content).digest(), name)) != name:
            ws.warn(f"The addresses of {same} and {name} gave the same picture.")
        found[name] = path
    return found
