"""What is answered of one job: its status, its row in a list, all that is known of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from layout.manifest import Outcome
from webapi.index.states import Word
from webapi.routes.answers import Answer


class Status(Answer):
    job_id: str
    state: Word
    message: str = Field(
        description="one line for a person; exactly `cancelled` for a cancelled job"
    )
    asset_path: str | None = Field(
        description="where the model lies, relative to the share; null until completed"
    )
    progress: float = Field(ge=0, le=1)
    eta: float | None = Field(description="seconds left; null rather than invented")


class Ended(Answer):
    """What a job's webhook_url is called with when it ends."""

    type: Literal["job.completed", "job.failed"]
    timestamp: str | None = Field(description="when it ended")
    data: Status


class Summary(Status):
    eta_error: float | None = Field(description="how wrong eta may be, in seconds")
    left: str | None = Field(
        description=(
            "eta and its error in words; a first estimate, resting on no earlier job of the kind,"
            " says so"
        )
    )
    name: str = Field(description="what its person called it")
    kind: Literal["scan", "images", "prompt", "convert"] | None
    folder: str = Field(description="where it stands, relative to the share")
    queue: str | None = Field(description="the queue it waits in")
    urgent: bool = Field(description="started before those that are not")
    position: int | None = Field(
        description="its turn there, 1 is next; null in lists of jobs and where it does not wait"
    )
    starts_in: float | None = Field(
        description="seconds until it is likely to start; null rather than invented"
    )
    worker: str | None = Field(description="the worker that has it")
    stage: str | None
    submitted_at: str | None
    ended_at: str | None
    label: Literal["draft", "placeholder"] | None
    tags: list[str] = Field(description="given by people, in lower case")
    remedy: str | None = Field(description="what to do about a failure")
    retry_of: str | None


class JobList(Answer):
    jobs: list[Summary]
    next_page_token: str | None
    previous_page_token: str | None = Field(description="of the page before; null on the first")
    total: int | None = Field(
        description="how many jobs fit the filter; null where counting them would take long"
    )


class Artefact(Answer):
    name: str
    size: int
    sha256: str | None
    url: str


class FileRow(Answer):
    path: str
    size: int
    sha256: str | None
    used: bool


class StartRow(Answer):
    n: int
    worker: str
    at: str
    ended: str | None
    noted: str | None
    outcome: Outcome | None
    crash: str | None


class Detail(Summary):
    options: dict[str, Any]
    files: list[FileRow] = Field(description="what was dropped; the first 1000 files")
    starts: list[StartRow]
    notes: list[str]
    artefacts: list[Artefact]
    provenance: dict[str, Any]
    error: dict[str, Any] | None


class Artefacts(Answer):
    job_id: str
    artefacts: list[Artefact]
