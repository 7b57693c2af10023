"""The table behind docs/layout.md: every path with its writer, its reader and its class in the data
strategy (authoritative, runtime, disposable)."""

from __future__ import annotations

from typing import NamedTuple

from layout.tree import EARLIER, ERROR_TEXT, INPUT, JOB, LOG, OUTPUT, PROGRESS, WORK


class PathRow(NamedTuple):
    path: str
    what: str
    writer: str
    reader: str
    kind: str  # authoritative | runtime | disposable
    backup: bool


PATHS: tuple[PathRow, ...] = (
    PathRow(
        "inbox/",
        "drops and sealed jobs that nobody has claimed yet",
        "people, web layer, CLI",
        "intake",
        "authoritative",
        True,
    ),
    PathRow(
        "inbox/STATUS.txt",
        "in words: what arrives, waits, runs, failed lately",
        "intake",
        "people",
        "disposable",
        False,
    ),
    PathRow(
        "claimed/",
        "accepted jobs that wait for a worker; the hidden ones are being accepted",
        "intake, workers",
        "workers",
        "authoritative",
        True,
    ),
    PathRow(
        "processing/",
        "jobs that a worker holds",
        "workers, reaper",
        "workers, reaper",
        "authoritative",
        True,
    ),
    PathRow(
        "done/", "finished jobs; results in output/", "workers", "people", "authoritative", True
    ),
    PathRow(
        "failed/",
        "jobs that ended without a result; error.txt says why",
        "workers, intake, people",
        "people",
        "authoritative",
        True,
    ),
    PathRow(
        "inputs/",
        "images that a request may name by path (the mission's /inputs)",
        "people",
        "workers",
        "authoritative",
        True,
    ),
    PathRow(
        "HALT",
        "while it exists nothing is claimed or started (HALT.txt, any case; people put it into"
        " inbox/)",
        "people, CLI",
        "intake, workers",
        "runtime",
        False,
    ),
    PathRow(
        ".pipeline/atlas.json",
        "identity of this tree: uuid, format, epoch",
        "init",
        "everyone",
        "runtime",
        True,
    ),
    PathRow(
        ".pipeline/config/",
        "inbox3d.toml for all hosts; keys, hashed, and the secret that signs webhooks, mode 0600",
        "operator, CLI",
        "everyone",
        "runtime",
        True,
    ),
    PathRow(
        ".pipeline/idem/", "Idempotency-Key to job id", "web layer", "web layer", "runtime", False
    ),
    PathRow(
        ".pipeline/labels/",
        "names and tags that people gave jobs afterwards, <id>.json each",
        "web layer",
        "web layer",
        "authoritative",
        True,
    ),
    PathRow(
        ".pipeline/drafts/",
        "submissions being written, before their rename into inbox/",
        "web layer, CLI",
        "reaper",
        "disposable",
        False,
    ),
    PathRow(
        ".pipeline/staging/",
        "outputs being promoted",
        "workers",
        "workers, reaper",
        "disposable",
        False,
    ),
    PathRow(
        ".pipeline/arrivals.json",
        "what STATUS.txt says of drops that arrive, as facts",
        "intake",
        "web layer",
        "disposable",
        False,
    ),
    PathRow(".pipeline/workers/", "heartbeats", "workers, intake", "everyone", "disposable", False),
    PathRow(
        ".pipeline/trash/",
        "deleted job folders for 30 days, the rest until the next sweep",
        "reaper, API, CLI",
        "operator",
        "disposable",
        False,
    ),
)

JOB_PATHS: tuple[PathRow, ...] = (
    PathRow(
        JOB,
        "who asked for what; no state field",
        "holder of the folder's path",
        "everyone",
        "authoritative",
        True,
    ),
    PathRow(
        f"{INPUT}/",
        "exactly what was dropped, under its own names; never modified",
        "the person, before the claim",
        "workers",
        "authoritative",
        True,
    ),
    PathRow(
        f"{WORK}/<leg>/",
        "artefacts of finished legs, until output/ stands: from there a restored job goes on",
        "workers",
        "workers",
        "runtime",
        True,
    ),
    PathRow(
        PROGRESS,
        "share of the whole job, message, time left and its error; PROGRESS.txt in one line",
        "worker",
        "people, web layer",
        "disposable",
        False,
    ),
    PathRow(
        f"{OUTPUT}/",
        "results (the mission's /outputs); absent until promoted whole",
        "worker, by one rename",
        "people",
        "authoritative",
        True,
    ),
    PathRow(LOG, "the job's own log", "worker", "people", "authoritative", True),
    PathRow(
        ERROR_TEXT,
        "in failed/ only: one page a person can read; error.json beside it",
        "worker, intake, reaper",
        "people",
        "authoritative",
        True,
    ),
    PathRow(
        f"{EARLIER}/<n>/",
        "output, error and log of runs before a retry",
        "intake",
        "people",
        "authoritative",
        True,
    ),
)

HOST_PATHS: tuple[PathRow, ...] = (
    PathRow(
        "<scratch>/<id>@<worker>.<n>/",
        "a job's local workspace (the mission's /cache)",
        "worker",
        "worker",
        "disposable",
        False,
    ),
    PathRow(
        "<scratch>/services/<service>/",
        "what `inbox3d serve` answered: pictures and meshes, the newest 200",
        "the service",
        "who asked",
        "disposable",
        False,
    ),
    PathRow(
        "<models>/",
        "model weights (the mission's /models): a cache, fetched or imported again",
        "operator, CLI",
        "workers",
        "disposable",
        False,
    ),
)
