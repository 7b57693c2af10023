"""XYZ, PTS, TXT, CSV: separator, decimal mark, header and columns are found by looking. Pure
numpy."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from pathlib import PurePath

from pipeline.formats import crs, shifts, tables
from pipeline.formats.account import Account
from pipeline.formats.columns import Named
from pipeline.formats.refusals import Source, broken, cut_off
from pipeline.geometry.rigid import Array
from pipeline.geometry.units import METRES
from pipeline.stages.scan import _columns, _first_column, _rows, _shades, _table
from pipeline.stages.scan._raw import Raw, from_columns, refuse_degrees

_HEAD = 1 << 20  # bytes that decide how the table is written


def read(source: Source, account: Account) -> list[Raw]:
    """The rows of a text file as one pass; several blocks with a count of their own (PTS) lie in
    one frame and are one pass, too."""
    with source.path.open("rb") as stream:
        head = stream.read(_HEAD)
    coding = tables.encoding(head)
    if "\0" in head.decode(coding, "replace")[:65536]:
        raise broken(source.name, "it is not a text file")
    table = _table.look(source.name, tables.head_lines(head, len(head) < _HEAD))
    with source.path.open(encoding=coding, errors="replace") as lines:
        skipped = sum(1 for _ in itertools.islice(lines, table.start))
        rows = _rows.read(iter(lines), table.form, skipped + 1)
    _counted(source.name, rows, table, account)
    for text in _rows.refuse_odd(source.name, rows):
        account.remark(text)
    return [_raw(source, table, rows.values, account)]


def _counted(name: str, rows: _rows.Rows, table: _table.Table, account: Account) -> None:
    """Compare the counts in the file with the rows below each of them."""
    cut = _rows.ends_in_a_row(rows)
    counts = [*([(0, table.promised)] if table.promised is not None else []), *rows.counts]
    if not counts:
        if cut:
            raise cut_off(name, rows.many + 1, rows.many)
        account.count("rows", rows.many + len(rows.bad), rows.many)
        return
    ends = [at for at, _ in counts[1:]] + [rows.many]
    for block, ((start, said), end) in enumerate(zip(counts, ends, strict=True), 1):
        held = end - start
        if block == len(counts) and held + len(rows.bad) - cut < said:
            raise cut_off(name, said, held)
        account.count("points" if len(counts) == 1 else f"points of block {block}", said, held)


def _raw(source: Source, table: _table.Table, values: Array, account: Account) -> Raw:
    told: tuple[str | None, ...] = ()
    units: dict[str, str] = {}
    form, names = table.form, table.names
    if names is not None:
        by_column = dict(zip(range(form.wide), names.roles, strict=False))
        told = tuple(by_column[at] for at in form.kept if at in by_column)
        units = {
            role: unit
            for role, unit in zip(names.roles, names.units, strict=False)
            if role and unit
        }
        _tell(names, form, account)
    roles = _columns.roles(values, told, PurePath(source.name).suffix.lower(), account)
    table_of = {role: values[:, at] for at, role in enumerate(roles) if role}
    raw = from_columns(source.name, table_of, account)
    grey = _shades.of_table(raw, table_of, account)
    if names is None or crs.in_degrees(table.above):
        refuse_degrees(source.name, raw.points)
    if names is None and table.worded:
        account.remark(f"{table.worded} of its {form.wide} columns hold words, not read")
    shifts.tell(table.above, account)
    raw.survey = source.name.lower().endswith(".pts")
    raw.unit = _one_unit(raw, units, account) or table.unit
    _unread(roles, names, form, grey, account)
    return raw


def _tell(names: Named, form: _rows.Form, account: Account) -> None:
    order = [role for role in names.roles if role in ("x", "y", "z")]
    if order[:2] == ["y", "x"]:
        shown = ", ".join(
            word
            for word, role in zip(names.words, names.roles, strict=True)
            if role in ("x", "y", "z")
        )
        account.remark(
            f"its columns stand in the order {shown} and were taken by these names, not by their"
            " order"
        )


def _one_unit(raw: Raw, units: dict[str, str], account: Account) -> str | None:
    """The unit of the columns; a column in another one is converted."""
    unit = units.get("x")
    for axis, name in enumerate("xyz"):
        other = units.get(name)
        if unit and other and other != unit:
            raw.points[:, axis] *= METRES[other] / METRES[unit]
            account.remark(
                f"its {name} is in {other} and was converted to {unit}, the unit of its x"
            )
    return unit


def _unread(
    roles: list[str | None],
    names: Named | None,
    form: _rows.Form,
    used: set[str],
    account: Account,
) -> None:
    """Name what is neither place, normal nor colour, nor USED in their stead."""
    known = {"x", "y", "z", "nx", "ny", "nz", "red", "green", "blue", _first_column.APART} | used
    words = [names.words[at] if names and at < len(names.words) else None for at in form.kept]
    named = [
        word or role
        for word, role in zip(words, roles, strict=False)
        if (word or role) and role not in known
    ]
    texts = [
        names.words[at]
        for at in range(form.wide)
        if names and at < len(names.words) and at not in form.kept
    ]
    account.lost([word for word in (*named, *texts) if word])
    nameless = sum(role is None and word is None for role, word in zip(roles, words, strict=False))
    if nameless:
        account.remark(
            f"{nameless} of its {form.wide} columns could not be understood and were not "
            "read; "
            "a line of column names above the rows decides it"
        )


def lines_of(source: Source) -> Generator[str]:
    """The lines of a text file in whatever encoding it has."""
    with source.path.open("rb") as stream:
        coding = tables.encoding(stream.read(_HEAD))
    with source.path.open(encoding=coding, errors="replace") as lines:
        yield from lines
