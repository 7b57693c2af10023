"""Why photographs have no place, in words."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.formats.refusals import Source
from pipeline.stages.photos._mapping import FEWEST_FEATURES, Mapped
from pipeline.stages.photos._world import Shot


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
