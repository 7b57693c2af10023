"""The index: one row per job in SQL, so that lists stay fast. A cache of the tree and nothing else;
deleting it loses nothing.

SQLite on a local disk by default, PostgreSQL by URL. Rows are written by the follower (and, so that
nobody waits for its next look, by the request that made a change); they hold what a list or a
status needs and nothing that the tree does not say.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.config import SettingsRefused
from webapi.index.states import ENDED
from webapi.problems import Problem

Row = dict[str, Any]
log = logging.getLogger(__name__)
META = sql.MetaData()
JOBS = sql.Table(
    "inbox3d_jobs",
    META,
    sql.Column("id", sql.String(64), primary_key=True),
    sql.Column("state", sql.String(32), nullable=False),  # the word of the wire
    sql.Column("folder", sql.String(200), nullable=False),  # relative to Atlas
    sql.Column("name", sql.String(255), nullable=False),
    sql.Column("search", sql.String(400), nullable=False),  # name and id, case folded
    sql.Column("kind", sql.String(16)),
    sql.Column("tier", sql.String(16)),
    sql.Column("formats", sql.String(64)),
    sql.Column("queue", sql.String(48)),
    sql.Column("worker", sql.String(48)),
    sql.Column("stage", sql.String(64)),
    sql.Column("progress", sql.Float, nullable=False),
    sql.Column("eta", sql.Float),
    sql.Column("eta_error", sql.Float),  # how wrong eta may be
    sql.Column("cold", sql.Boolean, nullable=False),  # eta rests on no earlier job
    # what the stage itself told of its share: it rests where nothing moves
    sql.Column("moved", sql.Float),
    sql.Column("message", sql.String(1000), nullable=False),
    sql.Column("cancelled", sql.Boolean),  # by a person: failed in name only
    sql.Column("remedy", sql.String(1000)),
    sql.Column("label", sql.String(16)),
    sql.Column("at", sql.String(40), nullable=False),
    sql.Column("ended", sql.String(40)),
    sql.Column("bytes", sql.BigInteger, nullable=False),  # of the drop
    sql.Column("seconds", sql.Float),  # what its stages took together
    sql.Column("submitter", sql.String(100)),
    sql.Column("retry_of", sql.String(64)),
    sql.Column("webhook", sql.String(2000)),
    sql.Index("inbox3d_jobs_at", "at", "id", "search"),
    sql.Index("inbox3d_jobs_state", "state", "at", "id"),
    sql.Index("inbox3d_jobs_kind", "kind", "at", "id"),
    sql.Index("inbox3d_jobs_both", "kind", "state", "at", "id"),
    sql.Index("inbox3d_jobs_pace", "kind", "tier", "state", "ended", "seconds"),
    sql.Index("inbox3d_jobs_folder", "folder"),
)
HOOKS = sql.Table(  # webhooks that are still to be delivered
    "inbox3d_hooks",
    META,
    sql.Column("id", sql.String(80), primary_key=True),
    sql.Column("url", sql.String(2000), nullable=False),
    sql.Column("body", sql.Text, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("due", sql.Float, nullable=False),  # seconds since 1970
)
NOTES = sql.Table(  # troubles that the operator was told of and that last
    "inbox3d_notes", META, sql.Column("key", sql.String(100), primary_key=True)
)
FACTS = sql.Table(
    "inbox3d_facts",
    META,
    sql.Column("key", sql.String(40), primary_key=True),
    sql.Column("value", sql.String(200), nullable=False),
)
VERSION = "4"


def connect(url: str | None, folder: Path, uuid: str) -> sql.Engine:
    """The database at URL, or SQLite in FOLDER (a local disk) named after the tree's UUID."""
    if url is None:
        folder.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{folder / f'index-{uuid}.sqlite'}"
    elif url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.partition("://")[2]
    try:
        engine = sql.create_engine(
            url,
            pool_size=16,
            max_overflow=64,
            pool_use_lifo=True,
            pool_pre_ping=not url.startswith("sqlite"),
        )
    except (sql.exc.ArgumentError, ImportError) as error:
        raise SettingsRefused(
            f"[host] sql_url is no database that is known here: {error}"
        ) from None
    if engine.dialect.name == "sqlite":
        sql.event.listen(engine, "connect", _tune)
    return engine


def _tune(connection: Any, _: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=10000", "cache_size=-1000"):
        connection.execute(f"PRAGMA {pragma}").close()


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
            return bool(
                db.execute(sql.select(FACTS.c.value).where(FACTS.c.key == "tree")).scalar()
                == self._tree
            )

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
            META.create_all(db, checkfirst=True)
            found = db.execute(sql.select(FACTS.c.value).where(FACTS.c.key == "tree")).scalar()
            db.execute(sql.select(JOBS.c.id).limit(1)).first()
        if found != self._tree:
            META.drop_all(self.engine)
            META.create_all(self.engine)
            with self.engine.begin() as db:
                db.execute(self._upsert(FACTS), [{"key": "tree", "value": self._tree}])

    # -- writing -------------------------------------------------------------------------------
    def put(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            with self.engine.begin() as db:
                db.execute(self._upsert(JOBS), [dict(row) for row in rows])

    def drop(self, ids: Iterable[str]) -> None:
        if chosen := list(ids):
            with self.engine.begin() as db:
                for start in range(0, len(chosen), 500):
                    db.execute(sql.delete(JOBS).where(JOBS.c.id.in_(chosen[start : start + 500])))

    def clear(self) -> None:
        try:
            with self.engine.begin() as db:
                db.execute(sql.delete(JOBS))
        except sql.exc.DatabaseError as error:
            if isinstance(error, sql.exc.OperationalError):
                raise
            self.discard()
            self.prepare()

    def _upsert(self, table: sql.Table) -> Any:
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
        return dict(zip(_NAMES, found, strict=True)) if found else None

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

    def page(
        self, filters: Mapping[str, str | None], size: int, token: str | None = None
    ) -> tuple[list[Row], str | None]:
        """Newest first, SIZE rows after TOKEN, and the token of the next page or None."""
        chosen = (
            sql.select(JOBS)
            .where(*self._where(filters))
            .order_by(JOBS.c.at.desc(), JOBS.c.id.desc())
            .limit(size + 1)
        )
        if token:
            at, id = read_token(token, filters)
            chosen = chosen.where(
                sql.tuple_(JOBS.c.at, JOBS.c.id) < sql.tuple_(sql.literal(at), sql.literal(id))
            )
        rows = self._rows(chosen)
        return rows[:size], (write_token(rows[size - 1], filters) if len(rows) > size else None)

    @staticmethod
    def _where(filters: Mapping[str, str | None]) -> list[Any]:
        where: list[Any] = []
        if state := filters.get("state"):
            where.append(JOBS.c.state.not_in(ENDED) if state == "active" else JOBS.c.state == state)
        if kind := filters.get("kind"):
            where.append(JOBS.c.kind == kind)
        if since := filters.get("since"):
            where.append(JOBS.c.at >= since)
        where += [
            JOBS.c.search.contains(word.casefold(), autoescape=True)
            for word in (filters.get("q") or "").split()[:8]
        ]
        return where

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
            return [dict(row) for row in db.execute(chosen).mappings()]


_NAMES = tuple(column.name for column in JOBS.c)


def write_token(row: Mapping[str, Any], filters: Mapping[str, str | None]) -> str:
    return (
        base64.urlsafe_b64encode(json.dumps([row["at"], row["id"], _mark(filters)]).encode())
        .decode()
        .rstrip("=")
    )


def read_token(token: str, filters: Mapping[str, str | None]) -> tuple[str, str]:
    """(at, id) of the last row of the page before. Problem where TOKEN is none of ours, or of a
    list with other filters (AIP-158)."""
    try:
        at, id, mark = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        if (
            isinstance(at, str)
            and isinstance(id, str)
            and "\0" not in at + id
            and mark == _mark(filters)
        ):
            return at, id
    except (ValueError, TypeError, binascii.Error, RecursionError):
        pass
    raise Problem(
        422,
        "page-token",
        "page_token is none that this service gave for these filters.",
        "Take next_page_token of the page before, unchanged, with the same filters.",
    )


def _mark(filters: Mapping[str, str | None]) -> int:
    return zlib.crc32(
        json.dumps(sorted((key, value) for key, value in filters.items() if value)).encode()
    )
