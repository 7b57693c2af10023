"""Pages of a list: in what order, which rows fit, and how one goes on or back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sql

from webapi.index.schema import JOBS, TAGS, Row
from webapi.index.states import ENDED, WORDS
from webapi.index.tokens import read_token, write_token

# order → (the column that it goes by, from the top down); the id decides between equals
ORDERS = {"newest": ("at", True), "oldest": ("at", False), "name": ("search", False)} | {
    "largest": ("bytes", True)
}
FEW = 2000  # jobs that are sorted in less time than an index is read down for them
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
    name, down = ORDERS[filters.get("sort") or "newest"]
    back, source = False, TAGS if filters.get("tag") else JOBS
    column = source.c[name]
    chosen = sql.select(JOBS).where(*where(filters, source)).limit(size + 1)
    if source is TAGS:
        chosen = chosen.join(TAGS, TAGS.c.id == JOBS.c.id)
    if token:
        value, id, back = read_token(token, filters, int if name == "bytes" else str)
        edge = sql.tuple_(sql.literal(value), sql.literal(id))
        here = sql.tuple_(column, source.c.id)
        chosen = chosen.where(here < edge if down != back else here > edge)
    order = (_sorted_after(column, filters, source, rows_of), source.c.id)
    found = rows_of(chosen.order_by(*(one.desc() if down != back else one.asc() for one in order)))
    more, rows = len(found) > size, found[:size]
    rows = rows[::-1] if back else rows

    def mark(row: Row, backwards: bool) -> str:
        return write_token(row[name], row["id"], backwards, filters)

    return Page(
        rows,
        mark(rows[-1], False) if rows and (more or back) else None,
        mark(rows[0], True) if rows and ((more and back) or (token and not back)) else None,
    )


def _sorted_after(
    column: Any, filters: Filters, source: sql.Table, rows_of: Callable[[Any], list[Row]]
) -> Any:
    """COLUMN to sort by; where few jobs are of the dates of FILTERS, as an expression that no index
    is in the order of: else a database reads down that index for those few."""
    dates = {key: value for key, value in filters.items() if key in ("since", "until") and value}
    if not dates or column.name == "at":
        return column
    some = sql.select(JOBS.c.id).where(*where(dates, JOBS)).limit(FEW).subquery()
    (count,) = rows_of(sql.select(sql.func.count().label("count")).select_from(some))
    return column if count["count"] >= FEW else sql.func.coalesce(column, column)


def where(filters: Filters, source: sql.Table = JOBS) -> list[Any]:
    """What rows of SOURCE, and of JOBS beside it, must be to fit."""
    found: list[Any] = []
    if state := filters.get("state"):
        # by name: a search for all but the ended would look at every row
        found.append(source.c.state.in_(ACTIVE) if state == "active" else source.c.state == state)
    if kind := filters.get("kind"):
        found.append(source.c.kind == kind)
    if label := filters.get("label"):
        found.append(JOBS.c.label == label)
    if since := filters.get("since"):
        found.append(source.c.at >= since)
    if until := filters.get("until"):
        found.append(source.c.at < until)
    if tag := filters.get("tag"):
        found.append(TAGS.c.tag == tag.casefold())
    found += [
        source.c.search.contains(word.casefold(), autoescape=True)
        for word in (filters.get("q") or "").split()[:8]
    ]
    return found
