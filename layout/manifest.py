"""The files that describe: job.json, error.json and atlas.json, as pydantic models.

Each carries ``format: 1``. An older one is read; a newer one is left alone, in words (NewerFormat).
"""

from __future__ import annotations

import datetime
import errno
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from layout.disk import Disk

REQUEST_LIMIT = 256 * 1024  # of a job.json found in inbox/ no more is read
FORMAT = 1


class NewerFormat(ValueError):
    """Written by a newer inbox3d. Operator: update this host; nothing was changed."""


class Unreadable(ValueError):
    """Not readable as what its name says."""


class Document(BaseModel):
    """A small JSON file. Unknown keys are refused, so that a typo cannot pass for an option."""

    model_config = ConfigDict(extra="forbid")
    name: ClassVar[str]
    format: int = FORMAT

    @classmethod
    def load(cls, data: bytes) -> Self:
        try:
            document = cls.model_validate_json(data)
        except ValidationError as error:
            if _newer(data):
                raise NewerFormat(f"{cls.name} has a newer format than {FORMAT}") from None
            raise Unreadable(f"{cls.name}: {error.errors()[0]['msg']}") from None
        if document.format > FORMAT:
            raise NewerFormat(
                f"{cls.name} has format {document.format}; this inbox3d reads {FORMAT}"
            )
        return document

    def dump(self) -> bytes:
        return (self.model_dump_json(indent=1) + "\n").encode()


def _newer(data: bytes) -> bool:
    import json

    try:
        return int(json.loads(data).get("format", 0)) > FORMAT
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):
        return False


def now() -> str:
    """UTC time for people to read; nothing is ever decided by it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


class Source(BaseModel):
    name: str  # what the person called it
    origin: Literal["share", "api", "cli"]
    at: str
    by: str | None = None  # the name of the key that submitted it


class Listed(BaseModel):
    """A file of the drop. For a folder the path is relative to input/<x>/."""

    path: str
    size: int
    sha256: str | None = None
    used: bool = True


class Accepted(BaseModel):
    at: str
    n: int


class Outcome(StrEnum):
    """How a start ended that is no crash. ``Start.noted`` says it to people; programs go by
    this."""

    HANDED_ON = "handed-on"
    RELEASED = "released"  # drained, or the line did not work
    CHANGED = "input-changed"
    ASKED_ANEW = "options-changed"
    SENT_BACK = "sent-back"  # earlier work no longer fits
    LACKING = "lacking"  # the worker or its host lacked something
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Start(BaseModel):
    n: int
    worker: str
    at: str
    ended: str | None = None
    # in words, why this start is no crash: handed on, drained, line fault …
    noted: str | None = None
    # the same as a fact; None where it crashed, still runs, or an older inbox3d wrote it
    outcome: Outcome | None = None
    crash: str | None = None  # what its worker saw of a crash: the engine died of signal 11 …


class Provenance(BaseModel):
    label: Literal["draft", "placeholder"] | None = None
    seed: int | None = None
    backend: str | None = None
    models: dict[str, str] = {}
    # SHA-256 of pictures from outside the drop, by inputs/<path> or address
    inputs: dict[str, str] = {}
    versions: dict[str, str] = {}
    settings: dict[str, Any] = {}
    times: dict[str, float] = {}  # seconds by stage
    peak_rss: int | None = None  # bytes
    warnings: list[str] = []
    # of a scan that was compared with one: its name, the tolerance, whether it was kept
    reference: dict[str, Any] | None = None


class JobFile(Document):
    """job.json: who asked for what. No state field: the folder is the state."""

    name: ClassVar[str] = "job.json"
    id: str
    kind: str | None = None
    options: dict[str, Any] = {}
    source: Source
    evidence: str | None = None
    manifest: list[Listed] = []
    inode: int | None = None
    # seconds input/ must have been seen unchanged before a start; doubled after a late arrival
    quiet: float | None = None
    accepted: Accepted | None = None
    starts: list[Start] = []
    notes: list[str] = []
    copy_of: str | None = None
    retry_of: str | None = None
    after: str | None = None  # the job of the same name that ran when this one was accepted
    provenance: Provenance = Field(default_factory=Provenance)

    def run(self) -> list[Start]:
        """The starts since the job was accepted last."""
        base = self.accepted.n if self.accepted else 0
        return [start for start in self.starts if start.n > base]

    def crashes(self, n: int) -> int:
        """How many starts of this run, up to and including N, ended without anybody noting why."""
        base = self.accepted.n if self.accepted else 0
        return n - base - len({start.n for start in self.run() if start.n <= n and start.noted})

    def note_start(self, n: int, **facts: str | None) -> None:
        """Set facts on start N, adding it where a crash lost the entry."""
        for start in self.starts:
            if start.n == n:
                for key, value in facts.items():
                    setattr(start, key, value)
                return
        self.starts.append(
            Start.model_validate({"n": n, "worker": "unknown", "at": now(), **facts})
        )


# who must act, in words for people; what the pipeline could not do is looked into by who runs it
ACTS = {
    "submitter": "whoever sent it",
    "operator": "whoever runs inbox3d",
    "pipeline": "whoever runs inbox3d",
}


class ErrorFile(Document):
    """error.json: class name, who must act, what to do."""

    name: ClassVar[str] = "error.json"
    error: str
    who: Literal["submitter", "operator", "pipeline"]
    message: str
    remedy: str
    stage: str | None = None
    leg: str | None = None
    n: int = 0


class AtlasFile(Document):
    """atlas.json: which tree this is. A new epoch tells every process to restart under a new
    name."""

    name: ClassVar[str] = "atlas.json"
    uuid: str
    epoch: int = 1
    inodes: Literal["stable", "changing"] = "stable"
    created: str = ""
    # of .pipeline/: another one tells that the tree was restored, copied or moved to another disk
    inode: int | None = None


def read_job(disk: Disk, folder: Path, limit: int | None = None) -> JobFile | None:
    """job.json of FOLDER, or None where two looks find none. Unreadable and NewerFormat say what is
    wrong with it."""
    try:
        data = _read_twice(disk, folder / JobFile.name, None if limit is None else limit + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno in (errno.EISDIR, errno.ELOOP):
            raise Unreadable("job.json is a folder or a link") from None
        raise
    if limit is not None and len(data) > limit:
        raise Unreadable(f"job.json is larger than {limit // 1024} KiB")
    return JobFile.load(data)


def _read_twice(disk: Disk, path: Path, limit: int | None) -> bytes:
    """One "no such file" may come from a stale negative entry; a job must not be judged by it."""
    try:
        return disk.read(path, limit)
    except FileNotFoundError:
        return disk.read(path, limit)


def write_job(disk: Disk, folder: Path, job: JobFile) -> None:
    disk.replace(folder / JobFile.name, job.dump())
