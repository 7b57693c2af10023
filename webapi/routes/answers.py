"""What is answered, as pydantic models: the tests hold every answer against them. openapi.py writes
the document from them, from job_answers.py and from the bodies of schemas.py."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_ID = "vase-7k3f9q2mxa"


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


class Tagged(Answer):
    tag: str
    jobs: int


class Tags(Answer):
    tags: list[Tagged]


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
