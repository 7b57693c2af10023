"""Words for people: the filters of the templates."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from layout.manifest import ACTS
from pipeline.progress.words import left, percent, span
from pipeline.text import sentence
from webapi.index import rows
from webapi.index.states import SAID
from webapi.text import titled


def ago(text: str | None) -> str:
    """How long ago TEXT (UTC) was, for the eye."""
    try:
        when = datetime.datetime.fromisoformat(text or "")
    except ValueError:
        return ""
    seconds = (
        datetime.datetime.now(datetime.UTC)
        - (when if when.tzinfo else when.replace(tzinfo=datetime.UTC))
    ).total_seconds()
    for limit, unit, name in (
        (60, 1, "s"),
        (3600, 60, "min"),
        (86400, 3600, "h"),
        (14 * 86400, 86400, "d"),
    ):
        if abs(seconds) < limit:
            return "just now" if seconds < 10 else f"{seconds / unit:.0f} {name} ago"
    return f"{when:%-d %b %Y}"


def took(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:.0f} {unit}" if count >= 10 or unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return ""


def uses(worker: Mapping[str, Any]) -> str:
    """What a worker's engine and its GPU use."""
    said, gpu = [], worker["gpu"]
    if worker["used"]:
        most = f" of {worker['memory'] / 2**30:.0f}" if worker["memory"] else ""
        said.append(f"{worker['used'] / 2**30:.1f}{most} GiB")
    if gpu:
        busy = f", {gpu['busy']:.0%} busy" if gpu["busy"] is not None else ""
        memory = f"{gpu['used'] / 2**30:.1f} of {gpu['memory'] / 2**30:.0f} GiB"
        said.append(f"{gpu['model']}: {memory}{busy}")
    return " · ".join(said)


FILTERS = {
    "acts": lambda who: ACTS.get(who, who),
    "sentence": sentence,
    "uses": uses,
    "titled": titled,
    "ago": ago,
    "took": took,
    "percent": percent,
    "span": span,
    "left": lambda row: left(row["eta"], row["eta_error"], row["cold"]),
    "size": size,
    "said": lambda word: SAID.get(word, word),
    "asset": rows.asset_path,
}
