"""Everything about one job, and how long it may still take."""

from __future__ import annotations

import contextlib
import functools
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import SQLAlchemyError

from layout import lifecycle, tree, walk
from layout.manifest import JobFile, NewerFormat
from layout.tree import Atlas, Place, State
from pipeline.submission import job_view
from webapi.index import rows
from webapi.index.follower import Follower
from webapi.index.schema import Row
from webapi.index.states import ENDED

FEWEST, FILES = 5, 1000
UNTOLD: Row = {"eta": None, "eta_error": None, "cold": False}


class Outlook:
    """What the time left of rows is foreseen from, each asked for once; of MANY rows their turns,
    too, in one go."""

    def __init__(self, follower: Follower, many: bool = False) -> None:
        self.follower, self.many = follower, many
        self.pace = functools.cache(self._pace)

    @functools.cached_property
    def served(self) -> dict[str, int]:
        return self.follower.queues()

    @functools.cached_property
    def turns(self) -> dict[str, int]:
        return self.follower.known.turns() if self.many else {}

    def ahead(self, row: Row) -> int:
        turn = self.turns.get(row["id"])
        return self.follower.known.ahead(row) if turn is None else turn

    def _pace(self, kind: str | None, tier: str | None) -> float | None:
        """Median seconds of such jobs; None of too few."""
        past: list[float] = []
        with contextlib.suppress(SQLAlchemyError):
            past = self.follower.index.pace(kind, tier)
        return statistics.median(past) if len(past) >= FEWEST else None


def all_with_eta(follower: Follower, found: Iterable[Row]) -> list[Row]:
    outlook = Outlook(follower, many=True)
    return [with_eta(follower, row, outlook) for row in found]


def with_eta(follower: Follower, row: Row, outlook: Outlook | None = None) -> Row:
    """ROW with the seconds left: the worker's own estimate, else from what such jobs took before;
    null rather than invented.

    What waits because the line is halted, or for a person, says so.
    """
    if (halt := follower.halted) and row["state"] not in ENDED and not row["worker"]:
        return row | {"message": f"waits: halted by {halt}"} | UNTOLD
    if row["state"] not in ENDED and (why := _attention(follower, row["folder"])):
        return row | {"message": f"waits: {why}"} | UNTOLD
    if row["state"] in ENDED or (row["worker"] and row["eta"] is not None):
        return row
    outlook = outlook or Outlook(follower)
    whole = outlook.pace(row["kind"], row["tier"])
    if row["worker"]:
        return (
            row
            | UNTOLD
            | {"eta": round(whole * (1 - row["progress"]), 1) if whole is not None else None}
        )
    # between two legs: what the leg before says is left
    if row["queue"] is None:  # still in inbox/
        return row | UNTOLD
    own = row["eta"] if row["eta"] is not None else whole
    served = outlook.served.get(row["queue"] or "", 0)
    ahead = outlook.ahead(row)
    turns = ahead // served if served else 0
    stands = row | UNTOLD | {"position": ahead + 1}
    if not served or own is None or (turns and whole is None):
        return stands
    begins = turns * (whole or 0.0)
    return stands | {"eta": round(own + begins, 1), "starts_in": round(begins, 1)}


def _attention(follower: Follower, folder: str) -> str:
    """What a live process says of the job's FOLDER, which waits for a person; or nothing."""
    mark = f"{folder}: "
    return next(
        (line.removeprefix(mark) for line in follower.observer.needs() if line.startswith(mark)), ""
    )


def detail(atlas: Atlas, row: Row) -> dict[str, Any]:
    folder = atlas.root / row["folder"]
    job: JobFile | None = None
    with contextlib.suppress(OSError, NewerFormat):
        job = lifecycle.readable_job(atlas, folder)
    return rows.summary(row) | {
        "options": job.options if job else {},
        "files": [file.model_dump(mode="json") for file in job.manifest[:FILES]] if job else [],
        "starts": [start.model_dump(mode="json") for start in job.starts] if job else [],
        "notes": job.notes if job else [],
        "artefacts": artefacts(atlas, row),
        "provenance": job.provenance.model_dump(mode="json") if job else {},
        "error": error_of(atlas, row) if row["state"] == "failed" else None,
    }


def error_of(atlas: Atlas, row: Row) -> dict[str, Any] | None:
    state = State(row["folder"].partition("/")[0])
    error = job_view.error_of(atlas, Place(state, atlas.root / row["folder"], row["id"]))
    return error.model_dump(mode="json") if error else None


def artefacts(atlas: Atlas, row: Row) -> list[dict[str, Any]]:
    """The result files with their checksums."""
    output = atlas.root / row["folder"] / tree.OUTPUT
    try:
        found = walk.files_below(atlas.disk, output)
    except (FileNotFoundError, NotADirectoryError):
        return []
    sums = checksums(atlas, output)
    url = f"/3d/jobs/{row['id']}/artefacts/"
    return [
        {"name": name, "size": size, "sha256": sums.get(name), "url": url + quote(name)}
        for name, size in found
        if _sayable(name)
    ]


def _sayable(name: str) -> bool:
    return name.isprintable()


def checksums(atlas: Atlas, output: Path) -> dict[str, str]:
    """SHA-256 by name, from checksums.sha256."""
    with contextlib.suppress(OSError):
        text = atlas.disk.read(output / tree.CHECKSUMS).decode("utf-8", "replace")
        pairs = (line.partition("  ") for line in text.splitlines() if not line.startswith("#"))
        return {name: digest for digest, _, name in pairs if len(digest) == 64}
    return {}
