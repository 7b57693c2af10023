"""The database behind the index: SQLite on a local disk, or one by URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sql

from pipeline.config import SettingsRefused


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
    for pragma in ("synchronous=OFF", "journal_mode=WAL", "busy_timeout=10000", "cache_size=-1000"):
        connection.execute(f"PRAGMA {pragma}").close()
