"""Pages of a list: in what order, which rows fit, and how one goes on or back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sql

from webapi.index.schema import JOBS, TAGS, Row
from webapi.index.states import ENDED, WORDS
from webapi.index.tokens import read_token, write_token

# order → (what it goes by, from the top down); the id decides between equals
ORDERS: dict[str, tuple[sql.Column[Any], bool]] = {
    "newest": (JOBS.c.at, True),
    "oldest": (JOBS.c.at, False),
    "name": (JOBS.c.search, False),
    "largest": (JOBS.c.bytes, True),
}
ACTIVE = [word for word in WORDS if word not in ENDED]
Filters = Mapping[str, str | None]


class Page(NamedTuple):
    """ROWS, and the tokens of the pages after and before; None where there is none."""

    rows: list[Row]
    following: str | None
    previous: str | None


def page(
    filters: Filters, size: int, token: str | None, rows_of: Callable[[Any], list[Row]]
) -> Page:
    """SIZE rows after (or before) TOKEN that fit FILTERS, in the order that its "sort" names."""
    column, down = ORDERS[filters.get("sort") or "newest"]
    back = False
    chosen = sql.select(JOBS).where(*where(filters)).limit(size + 1)
    if token:
        value, id, back = read_token(token, filters, int if column is JOBS.c.bytes else str)
        edge = sql.tuple_(sql.literal(value), sql.literal(id))
        here = sql.tuple_(column, JOBS.c.id)
        chosen = chosen.where(here < edge if down != back else here > edge)
    order = (column, JOBS.c.id)
    found = rows_of(chosen.order_by(*(one.desc() if down != back else one.asc() for one in order)))
    more, rows = len(found) > size, found[:size]
    rows = rows[::-1] if back else rows

    def mark(row: Row, backwards: bool) -> str:
        return write_token(row[column.name], row["id"], backwards, filters)

    return Page(
        rows,
        mark(rows[-1], False) if rows and (more or back) else None,
        mark(rows[0], True) if rows and ((more and back) or (token and not back)) else None,
    )


def where(filters: Filters) -> list[Any]:
    found: list[Any] = []
    if state := filters.get("state"):
        # by name: a search for all but the ended would look at every row
        found.append(JOBS.c.state.in_(ACTIVE) if state == "active" else JOBS.c.state == state)
    if kind := filters.get("kind"):
        found.append(JOBS.c.kind == kind)
    if label := filters.get("label"):
        found.append(JOBS.c.label == label)
    if since := filters.get("since"):
        found.append(JOBS.c.at >= since)
    if until := filters.get("until"):
        found.append(JOBS.c.at < until)
    if tag := filters.get("tag"):
        found.append(JOBS.c.id.in_(sql.select(TAGS.c.id).where(TAGS.c.tag == tag.casefold())))
    found += [
        JOBS.c.search.contains(word.casefold(), autoescape=True)
        for word in (filters.get("q") or "").split()[:8]
    ]
    return found
