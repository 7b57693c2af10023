"""What goes over the wire, as pydantic models: request bodies are the options of pipeline/jobs.py,
answers are described here.

openapi.py writes the document from these, and the tests hold every answer against it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from layout.manifest import Outcome
from pipeline.jobs import Common, ConvertOptions, ImagesOptions, PromptOptions, ScanOptions
from pipeline.jobs.common import Axis, Format, level, words
from webapi.index.states import Word
from webapi.routes.option_schema import options_schema

EXAMPLE_ID = "vase-7k3f9q2mxa"


class Generate(PromptOptions):
    """A sentence, and how to make a model of it."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"prompt": "a red cube", "output_format": "glb"}},
    )
    prompt: str = Field(min_length=1, max_length=2000, pattern=r"\S", description="what to make")


class FromImage(ImagesOptions):
    """Images by address or by path below inputs/, and how to make a model of them."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"image_paths": ["/inputs/a.png"], "output_format": "glb"}},
    )

    @model_validator(mode="after")
    def _one_source(self) -> FromImage:
        if bool(self.image_urls) == bool(self.image_paths):
            raise ValueError(
                "name image_urls or image_paths, one of the two"
                if self.image_urls
                else "name image_urls or image_paths, or upload files"
            )
        return self


class Export(BaseModel):
    """What is wanted of a finished model: formats, or another way up, or both."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"example": {"output_format": "stl"}}
    )
    output_format: tuple[Format, ...] = Field(
        ("glb",), min_length=1, description="formats to write; model.glb is always there"
    )
    up: Axis | None = Field(None, description="axis of model.glb that is to point up (now y)")
    front: Axis | None = Field(
        None, description="axis of model.glb that is to point to the front (now z)"
    )

    @model_validator(mode="after")
    def _something(self) -> Export:
        if not self.model_fields_set:
            raise ValueError("name output_format, up or front")
        level(self.up or "y", self.front or "auto")
        return self

    @property
    def turned(self) -> dict[str, str]:
        """The axes that are named; empty where the model stays as it stands."""
        named = {"up": self.up, "front": self.front}
        return {key: value for key, value in named.items() if value}

    @field_validator("output_format", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        value = words(value)
        return tuple(dict.fromkeys(value)) if isinstance(value, list) else value


SCAN_LIKE: tuple[type[Common], ...] = (ScanOptions, ConvertOptions, ImagesOptions, PromptOptions)


def _options_of_any_kind(schema: dict[str, Any]) -> None:
    """Without defaults: what is not named stays as it was."""
    found = options_schema(SCAN_LIKE)
    found["kind"]["description"] = "default: as it was"
    schema["properties"] = {
        key: {name: said for name, said in one.items() if name != "default"}
        for key, one in found.items()
        if key not in ("prompt", "image_urls", "image_paths")
    }
    schema["additionalProperties"] = False


class Again(BaseModel):
    """The options that shall be others this time."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",  # they are checked as options of the job's kind, with those it had
        json_schema_extra=_options_of_any_kind,
    )


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Submitted(Answer):
    job_id: str = Field(examples=[EXAMPLE_ID])
    status_url: str = Field(examples=[f"/3d/status/{EXAMPLE_ID}"])
    waits_for: str | None = Field(
        None, description="in words, that no worker can start it at present; left out otherwise"
    )
    made_without: str | None = Field(
        None,
        description=(
            "in words, models of the workers that are broken at present, where the choice of the"
            " backend is theirs; left out otherwise"
        ),
    )


class Retried(Submitted):
    retry_of: str | None = Field(
        description=(
            "the done job whose input was copied; null where the failed job itself runs again"
        )
    )


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


class Labelled(BaseModel):
    """What a job is called from now on, and its tags."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"name": "Grandma's jug", "tags": ["kitchen"]}},
    )
    name: str | None = Field(None, max_length=200, description="null: as it was dropped")
    tags: tuple[str, ...] = Field((), max_length=20, description="1 to 40 characters each")


class Tagged(Answer):
    tag: str
    jobs: int


class Tags(Answer):
    tags: list[Tagged]


class Many(BaseModel):
    """One verb for several jobs."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"do": "cancel", "jobs": [EXAMPLE_ID]}},
    )
    do: Literal["cancel", "retry", "delete", "restore"]
    jobs: tuple[str, ...] = Field(min_length=1, max_length=200, description="their ids")


class OneDone(Answer):
    job_id: str
    done: bool
    why: str | None = Field(description="why it was not done")
    new_id: str | None = Field(description="of the new job, where a done one was retried")


class ManyDone(Answer):
    jobs: list[OneDone]


class Deleted(Answer):
    job_id: str
    deleted_on: str = Field(description="the day; it stays 30 days from then")


class Trash(Answer):
    jobs: list[Deleted] = Field(description="the latest 1000")


class FieldProblem(Answer):
    field: str
    message: str


class ProblemBody(Answer):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str
    errors: list[FieldProblem] | None = None


class QueueCount(Answer):
    name: str
    waiting: int
    workers: int = Field(description="live ones that serve it")


class Gpu(Answer):
    model: str
    memory: int = Field(description="bytes, all of it")
    used: int = Field(description="bytes, by everybody")
    busy: float | None = Field(description="share of the time; null where it is not told")


class WorkerRow(Answer):
    name: str
    queues: list[str] = Field(description="that it serves")
    job_id: str | None = Field(description="the job that it holds")
    job_name: str | None
    stage: str | None
    progress: float | None = Field(description="of that job")
    message: str = Field(description="what it does or waits for")
    memory: int | None = Field(description="bytes that its engine may use; null: any")
    used: int | None = Field(description="bytes that its engine uses")
    gpu: Gpu | None


class Workers(Answer):
    workers: list[WorkerRow]


class Counts(Answer):
    waiting: int = Field(description="jobs that no worker has yet")
    running: int
    completed: int
    failed: int
    arriving: int = Field(description="drops in inbox/ that are no jobs yet")
    workers: int = Field(description="live ones")
    attention: int = Field(description="troubles that wait for a person")
    halted: bool
    queues: list[QueueCount]


class Health(Answer):
    status: Literal["ok"]
    version: str


class Ready(Answer):
    status: Literal["ready"]
    jobs: dict[str, int]
    queues: dict[str, int] = Field(description="live workers by queue")
    halted: str | None
