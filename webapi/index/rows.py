"""From a job's folder to its row, and from a row to what goes over the wire."""

from __future__ import annotations

import contextlib
import datetime
import os
import re
from typing import Any

from layout import lifecycle, tree
from layout.disk import LineFault
from layout.manifest import ErrorFile, JobFile, NewerFormat
from layout.signs import Progress
from layout.tree import Atlas, Place, State
from pipeline.errors import Cancelled
from pipeline.progress.words import left
from pipeline.submission import job_view
from webapi.index.schema import Row
from webapi.index.states import ENDED, word
from webapi.text import clean

CANCELLED = "cancelled"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.:+Z-]{0,20}")
SMALL = 64 * 1024


def read(atlas: Atlas, place: Place) -> Row | None:
    """The row of the job that stands at PLACE; None where there is no job.json to read (any
    more)."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError, NewerFormat):
        job = lifecycle.readable_job(atlas, place.path)
        return row_of(atlas, place, job) if job else None
    return None


def row_of(atlas: Atlas, place: Place, job: JobFile) -> Row:
    progress, error = job_view.progress_of(atlas, place), job_view.error_of(atlas, place)
    cancelled = _cancelled(place, error)
    state = word(
        State.FAILED if error else place.state,
        job.kind,
        place.queue,
        progress.stage if progress else None,
    )
    last = job.starts[-1] if job.starts else None
    name = clean(job.source.name) or place.id
    return {
        "id": place.id,
        "state": state,
        "folder": str(place.path.relative_to(atlas.root)),
        "name": name,
        "search": f"{name} {place.id}".casefold()[:400],
        "kind": job.kind,
        "tier": _text(job.options.get("quality_tier"), 16),
        "formats": ",".join(formats_of(job)),
        "queue": place.queue,
        "urgent": job.options.get("urgent") is True,
        "worker": place.worker,
        "stage": progress.stage[:64] if progress else None,
        "progress": _share(state, progress),
        "eta": max(0.0, progress.eta) if progress and progress.eta is not None else None,
        "eta_error": progress.eta_error if progress else None,
        "cold": progress.cold if progress else False,
        "moved": (progress.fraction if progress.said is None else progress.said)
        if progress
        else None,
        "message": message(place, progress, error),
        "cancelled": cancelled,
        "remedy": clean(error.remedy, 1000) if error and not cancelled else None,
        "label": job.provenance.label,
        "at": _time(job.source.at) or "",
        "ended": _time(last.ended if last else None) or _modified(place)
        if state in ENDED
        else None,
        "bytes": sum(file.size for file in job.manifest),
        "seconds": sum(job.provenance.times.values()) or None if state == "completed" else None,
        "submitter": _text(job.source.by, 100),
        "retry_of": _text(job.retry_of, 64),
        "webhook": _text(job.options.get("webhook_url"), 2000),
        "tags": None,
    }


def message(place: Place, progress: Progress | None, error: ErrorFile | None) -> str:
    """One line for a person."""
    if place.state is State.INBOX:
        return "waits to be accepted"
    if place.state is State.CLAIMED:
        return f"waits for a worker of queue {place.queue}"
    if place.state is State.PROCESSING:
        return (
            clean(progress.message or stage_said(progress.stage), 1000) if progress else "starting"
        )
    if place.state is State.DONE and error is None:
        return "done"
    if error is None or _cancelled(place, error):
        return CANCELLED
    return clean(error.message, 1000)


def _cancelled(place: Place, error: ErrorFile | None) -> bool:
    """In failed/ by a person: by a command, or by the mouse, which writes no reason."""
    return place.state is State.FAILED and (error is None or error.error == Cancelled.__name__)


def stage_said(stage: str) -> str:
    return stage.rpartition(".")[2].replace("_", " ")


def formats_of(job: JobFile) -> list[str]:
    asked = job.options.get("output_format")
    return [
        text
        for text in (asked if isinstance(asked, list) else [asked])
        if isinstance(text, str) and text.isalnum()
    ][:8] or ["glb"]


def asset_path(row: Row) -> str | None:
    """done/<id>/output/model.<first format>: to be pasted after the share's name."""
    if row["state"] != "completed":
        return None
    return f"{row['folder']}/{tree.OUTPUT}/model.{(row['formats'] or 'glb').partition(',')[0]}"


def status(row: Row) -> dict[str, Any]:
    return {
        "job_id": row["id"],
        "state": row["state"],
        "message": row["message"],
        "asset_path": asset_path(row),
        "progress": row["progress"],
        "eta": row["eta"],
    }


def summary(row: Row) -> dict[str, Any]:
    return status(row) | {
        "eta_error": row["eta_error"],
        "left": left(row["eta"], row["eta_error"], row["cold"]) or None,
        "name": row["name"],
        "kind": row["kind"],
        "folder": row["folder"],
        "queue": row["queue"],
        "urgent": bool(row["urgent"]),
        "position": row.get("position"),
        "starts_in": row.get("starts_in"),
        "worker": row["worker"],
        "stage": row["stage"],
        "submitted_at": row["at"] or None,
        "ended_at": row["ended"],
        "label": row["label"],
        "tags": row["tags"].split(",") if row["tags"] else [],
        "remedy": row["remedy"],
        "retry_of": row["retry_of"],
    }


def stands(atlas: Atlas, row: Row) -> bool:
    """Whether the folder that ROW names is still there."""
    try:
        os.lstat(f"{atlas.root}/{row['folder']}/{JobFile.name}")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise LineFault(error.errno, error.strerror, error.filename) from error
    return True


def _share(state: str, progress: Progress | None) -> float:
    if state == "completed":
        return 1.0
    return min(max(progress.fraction, 0.0), 1.0) if progress else 0.0


def _modified(place: Place) -> str | None:
    """For a job that ended without an entry in starts (cancelled, refused): when its folder came
    here, for the eye only."""
    with contextlib.suppress(OSError):
        when = place.path.lstat().st_mtime
        return datetime.datetime.fromtimestamp(when, datetime.UTC).isoformat(timespec="seconds")
    return None


def _time(text: str | None) -> str | None:
    return text if text and _TIME.fullmatch(text) else None


def _text(value: Any, limit: int) -> str | None:
    return value[:limit] if isinstance(value, str) and "\0" not in value else None
