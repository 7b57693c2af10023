"""The tables of the index."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql

Row = dict[str, Any]

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
    sql.Column("urgent", sql.Boolean, nullable=False),
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
    sql.Column("tags", sql.String(900)),  # that people gave it, between commas
    sql.Index("inbox3d_jobs_at", "at", "id", "search"),
    sql.Index("inbox3d_jobs_state", "state", "at", "id"),
    sql.Index("inbox3d_jobs_kind", "kind", "at", "id"),
    sql.Index("inbox3d_jobs_both", "kind", "state", "at", "id"),
    sql.Index("inbox3d_jobs_pace", "kind", "tier", "state", "ended", "seconds"),
    sql.Index("inbox3d_jobs_folder", "folder"),
    sql.Index("inbox3d_jobs_name", "search", "id"),
    sql.Index("inbox3d_jobs_state_name", "state", "search", "id"),
    sql.Index("inbox3d_jobs_both_name", "kind", "state", "search", "id"),
    sql.Index("inbox3d_jobs_bytes", "bytes", "id"),
    sql.Index("inbox3d_jobs_state_bytes", "state", "bytes", "id"),
    sql.Index("inbox3d_jobs_kind_name", "kind", "search", "id"),
    sql.Index("inbox3d_jobs_kind_bytes", "kind", "bytes", "id"),
    sql.Index("inbox3d_jobs_both_bytes", "kind", "state", "bytes", "id"),
    sql.Index("inbox3d_jobs_label", "label", "at", "id"),
    sql.Index("inbox3d_jobs_label_name", "label", "search", "id"),
)
# tags that people gave jobs, with what lists of them are filtered and sorted by: a tag may be on
# thousands of jobs, of which a page shows fifty
TAGS = sql.Table(
    "inbox3d_tags",
    META,
    sql.Column("tag", sql.String(40), primary_key=True),
    sql.Column("id", sql.String(64), primary_key=True),
    *(
        sql.Column(name, JOBS.c[name].type, nullable=JOBS.c[name].nullable)
        for name in ("state", "kind", "search", "at", "bytes")
    ),
    sql.Index("inbox3d_tags_id", "id"),
    sql.Index("inbox3d_tags_at", "tag", "at", "id"),
    sql.Index("inbox3d_tags_name", "tag", "search", "id"),
    sql.Index("inbox3d_tags_bytes", "tag", "bytes", "id"),
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
VERSION = "7"


NAMES = tuple(column.name for column in JOBS.c)
