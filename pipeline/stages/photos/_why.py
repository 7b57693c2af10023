"""Why photographs have no place, or make no model, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.errors import NoOverlap
from pipeline.formats.refusals import Source
from pipeline.stages.photos._mapping import FEWEST_FEATURES, Mapped
from pipeline.stages.photos._world import Shot

FEWEST = 3  # photographs of which a model can be made
AS_IMAGES = (
    'If they show one object on a plain background from a few sides, add the line kind = "images"'
    " to job.toml."
)


def left_out(
    sources: Sequence[Source], shots: Sequence[Shot], mapped: Mapped, unread: dict[str, str]
) -> list[tuple[str, str]]:
    """(name, why) of every photograph that is not among SHOTS."""
    placed = {shot.name for shot in shots}
    return [
        (one.name, unread.get(one.name) or _reason(one.name, placed, mapped))
        for one in sources
        if one.name not in placed
    ]


def _reason(name: str, placed: set[str], mapped: Mapped) -> str:
    if mapped.features.get(name, 0) < FEWEST_FEATURES:
        return "it shows too little detail: it is blurred, or of something plain"
    if name in mapped.turned:
        return "it was taken from one spot with others, which tells no depths"
    partners = [b if a == name else a for a, b in mapped.matches if name in (a, b)]
    inside = [one for one in partners if one in placed]
    outside = [one for one in partners if one not in placed]
    if not inside and outside:
        return f"it shows what {', '.join(sorted(outside)[:3])} shows, and not what the others show"
    if not partners:
        return "it shows nothing that the others show"
    return "it shares too little with the others to be placed with certainty"


def one_spot(count: int) -> NoOverlap:
    return NoOverlap(
        f"{count} of the photos show the same, and all from one spot: that tells no depths, so a"
        " model of them would be made up",
        remedy=(
            "Take a step aside before each photo instead of turning on the spot. If the thing was"
            " turned before a camera that stood still, put it before a plain background, or put"
            f" masks beside the photos. Or: {AS_IMAGES}"
        ),
    )


def too_few(joined: int, dropped: int, unread: dict[str, str], how: str = "joined") -> NoOverlap:
    detail = "; ".join(f"{name}: {why}" for name, why in list(unread.items())[:5])
    return NoOverlap(
        f"a model needs {FEWEST} photos that show the same things, and of the {dropped} dropped"
        f" {joined or 'none'} could be {how}" + (f" ({detail})" if detail else ""),
        remedy=(
            "Take more photos, each from a step beside the last and sharp, so that every part is"
            f" seen by three; or: {AS_IMAGES}"
        ),
    )
