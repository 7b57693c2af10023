"""The index: one row per job in SQL, so that lists stay fast. A cache of the tree and nothing else;
deleting it loses nothing.

SQLite on a local disk by default, PostgreSQL by URL. Rows are written by the follower (and, so that
nobody waits for its next look, by the request that made a change); they hold what a list or a
status needs and nothing that the tree does not say.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from webapi.index.paging import Page, page
from webapi.index.schema import FACTS, HOOKS, JOBS, META, NAMES, NOTES, TAGS, VERSION, Row
from webapi.index.states import ENDED

log = logging.getLogger(__name__)

_TREE = sql.select(FACTS.c.value).where(FACTS.c.key == "tree")
# made once: putting a statement together costs more than running it
_OF = {
    table: sql.delete(table).where(table.c.id.in_(sql.bindparam("ids", expanding=True)))
    for table in (JOBS, TAGS)
}


class Index:
    """The rows of one Atlas in one database. The web process starts even while that is away, and
    makes its tables when it is back: see ``stands`` and ``prepare``."""

    def __init__(self, engine: sql.Engine, uuid: str) -> None:
        self.engine, self._tree = engine, f"{VERSION}:{uuid}"
        self._file = (
            Path(engine.url.database)
            if engine.dialect.name == "sqlite" and engine.url.database
            else None
        )
        by_id = sql.select(JOBS).where(JOBS.c.id == sql.bindparam("id")).compile(engine)
        self._by_id, self._positional = str(by_id), by_id.positional
        self._driver: Any = engine.dialect.dbapi
        self._inode: int | None = None
        self._upserts: dict[str, Any] = {}
        try:
            self.prepare()
        except sql.exc.SQLAlchemyError as error:
            log.warning("index.fault what=%s", str(error).partition("\n")[0])

    def _inode_now(self) -> int | None:
        with contextlib.suppress(OSError):
            return self._file.stat().st_ino if self._file else None
        return -1

    def stands(self) -> bool:
        """Whether the tables are there and are this tree's; SQLAlchemyError where the database does
        not answer."""
        if self._inode_now() != self._inode:
            return False
        with self.engine.connect() as db:
            db.execute(sql.select(JOBS.c.id).limit(1)).first()
            return bool(db.execute(_TREE).scalar() == self._tree)

    def prepare(self) -> None:
        """Connect anew and make the tables that are missing; throw away what belongs to another
        tree or another version, or is damaged.

        Webhooks that are still to be sent are carried over where they can be read.
        """
        hooks: list[Row] = []
        with contextlib.suppress(sql.exc.SQLAlchemyError):
            hooks = self._rows(sql.select(HOOKS)) if self._inode is not None else []
        self.engine.dispose()
        try:
            self._make()
        except sql.exc.DatabaseError as error:
            if self._file is None or (
                isinstance(error, sql.exc.OperationalError) and "malformed" not in str(error)
            ):
                raise
            self.discard()
            self._make()
        if hooks:
            with self.engine.begin() as db:
                db.execute(self._insert(HOOKS).on_conflict_do_nothing(), hooks)
        self._inode = self._inode_now()

    def discard(self) -> None:
        """Take a SQLite file away; it is only a cache, and a damaged one cannot be mended."""
        self.engine.dispose()
        for end in ("", "-wal", "-shm") if self._file else ():
            Path(f"{self._file}{end}").unlink(missing_ok=True)

    def _make(self) -> None:
        with self.engine.begin() as db:
            found = self._tree_of(db)
            if found not in (None, self._tree):
                META.drop_all(db)
            META.create_all(db)
            if found != self._tree:
                db.execute(self._upsert(FACTS), [{"key": "tree", "value": self._tree}])
            db.execute(sql.select(JOBS.c.id).limit(1)).first()

    def _tree_of(self, db: sql.Connection) -> str | None:
        """Whose rows the database holds; None where it holds none of ours."""
        if not sql.inspect(db).has_table(FACTS.name):
            return None
        found: str | None = db.execute(_TREE).scalar()
        return found

    # -- writing -------------------------------------------------------------------------------
    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if not rows:
            return
        tagged = [
            {**{name: row[name] for name in OF_TAGS}, "tag": tag}
            for row in rows
            for tag in (row["tags"] or "").split(",")
            if tag
        ]
        with self.engine.begin() as db:
            db.execute(self._upsert(JOBS), [dict(row) for row in rows])
            for some in batched([row["id"] for row in rows]):
                db.execute(_OF[TAGS], {"ids": some})
            if tagged:
                db.execute(self._insert(TAGS).on_conflict_do_nothing(), tagged)

    def drop(self, ids: Iterable[str]) -> None:
        if chosen := list(ids):
            with self.engine.begin() as db:
                for some in batched(chosen):
                    for delete in _OF.values():
                        db.execute(delete, {"ids": some})

    def clear(self) -> None:
        try:
            with self.engine.begin() as db:
                for table in (JOBS, TAGS):
                    db.execute(sql.delete(table))
        except sql.exc.DatabaseError as error:
            if isinstance(error, sql.exc.OperationalError):
                raise
            self.discard()
            self.prepare()

    def _upsert(self, table: sql.Table) -> Any:
        """Made once: putting it together costs more than running it."""
        if table.name not in self._upserts:
            self._upserts[table.name] = self._new_upsert(table)
        return self._upserts[table.name]

    def _new_upsert(self, table: sql.Table) -> Any:
        insert = self._insert(table)
        keys = [column.name for column in table.primary_key]
        return insert.on_conflict_do_update(
            index_elements=keys,
            set_={c.name: insert.excluded[c.name] for c in table.c if c.name not in keys},
        )

    def _insert(self, table: sql.Table) -> Any:
        return (sqlite if self.engine.dialect.name == "sqlite" else postgresql).insert(table)

    # -- reading -------------------------------------------------------------------------------
    def get(self, id: str) -> Row | None:
        """The row of job ID. The one question of every status: it goes straight to the driver, at a
        third of the cost."""
        try:
            with (
                contextlib.closing(self.engine.raw_connection()) as db,
                contextlib.closing(db.cursor()) as cursor,
            ):
                cursor.execute(self._by_id, (id,) if self._positional else {"id": id})
                found = cursor.fetchone()
        except self._driver.Error as error:
            raise sql.exc.OperationalError(self._by_id, None, error) from error
        return dict(zip(NAMES, found, strict=True)) if found else None

    def names(self, state: str) -> dict[str, str]:
        """Folder name by id of every job below the folder STATE; most are the same text, kept
        once."""
        chosen = (
            sql.select(JOBS.c.id, JOBS.c.folder)
            .where(JOBS.c.folder.like(f"{state}/%"))
            .execution_options(yield_per=1000)
        )
        with self.engine.connect() as db:
            pairs = ((row[0], row[1].partition("/")[2]) for row in db.execute(chosen))
            return {id: id if name == id else name for id, name in pairs}

    def active(self) -> list[Row]:
        """Every job that has not ended, oldest first."""
        return self._rows(
            sql.select(JOBS).where(JOBS.c.state.not_in(ENDED)).order_by(JOBS.c.at, JOBS.c.id)
        )

    def counts(self) -> dict[str, int]:
        with self.engine.connect() as db:
            return {
                row[0]: row[1]
                for row in db.execute(
                    sql.select(JOBS.c.state, sql.func.count()).group_by(JOBS.c.state)
                )
            }

    def noted(self) -> set[str]:
        """Keys of the troubles that were told."""
        with self.engine.connect() as db:
            return {row[0] for row in db.execute(sql.select(NOTES.c.key))}

    def note(self, key: str) -> bool:
        """Note KEY; whether this call did it, and no other web host."""
        insert = self._insert(NOTES).values(key=key).on_conflict_do_nothing()
        with self.engine.begin() as db:
            return bool(db.execute(insert).rowcount)

    def forget_notes(self, keys: Iterable[str]) -> None:
        if chosen := list(keys):
            with self.engine.begin() as db:
                db.execute(sql.delete(NOTES).where(NOTES.c.key.in_(chosen)))

    def page(self, filters: Mapping[str, str | None], size: int, token: str | None = None) -> Page:
        """SIZE rows after (or before) TOKEN, in the order that FILTERS name; newest first where
        none."""
        return page(filters, size, token, self._rows)

    def tags(self) -> dict[str, int]:
        """How many jobs bear each tag, the commonest first."""
        count = sql.func.count()
        chosen = (
            sql.select(TAGS.c.tag, count).group_by(TAGS.c.tag).order_by(count.desc(), TAGS.c.tag)
        )
        with self.engine.connect() as db:
            return {row[0]: row[1] for row in db.execute(chosen.limit(200))}

    def pace(self, kind: str | None, tier: str | None, last: int = 25) -> list[float]:
        """Seconds that the last finished jobs of this kind and tier took."""
        chosen = sql.select(JOBS.c.seconds).where(
            JOBS.c.kind == kind,
            JOBS.c.tier == tier,
            JOBS.c.state == "completed",
            JOBS.c.seconds.is_not(None),
        )
        with self.engine.connect() as db:
            return [
                row.seconds for row in db.execute(chosen.order_by(JOBS.c.ended.desc()).limit(last))
            ]

    def _rows(self, chosen: Any) -> list[Row]:
        with self.engine.connect() as db:
            found = db.execute(chosen)
            names = tuple(found.keys())  # a third of the time of mappings()
            return [dict(zip(names, row, strict=True)) for row in found]


OF_TAGS = tuple(column.name for column in TAGS.c if column.name != "tag")


def batched(ids: list[str], size: int = 500) -> list[list[str]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]
