"""The settings, group by group, and all of them together."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from pipeline.config.fields import Group, LocalPath, Names, Seconds
from pipeline.config.web import Web
from pipeline.jobs.presets import refusal


class Intake(Group):
    """When a drop is complete, and how inbox/ is looked at."""

    quiet_local: Seconds = Field(
        default=5.0, description="a drop on a local disk must stand unchanged that long"
    )
    quiet_network: Seconds = Field(default=30.0, description="the same on a network mount")
    patience: Seconds = Field(
        default=1800.0,
        description="how long an unchanged drop may look unfinished before it is refused",
    )
    hold: Seconds = Field(
        default=600.0, description="how long a second drop of a name waits while the first one runs"
    )
    tick: Seconds = Field(
        default=1.0,
        description="time between two looks at inbox/; up to 5 s where thousands wait there",
    )
    look_limit: int = Field(default=200, ge=1, description="entries of inbox/ examined in one look")
    entry_limit: int = Field(
        default=100_000, ge=1, description="files and folders that one drop may hold"
    )
    status_interval: Seconds = Field(
        default=5.0, description="STATUS.txt is written at most that often"
    )


class Worker(Group):
    """How workers live, die and are limited."""

    beat: Seconds = Field(default=15.0, description="time between two heartbeats")
    dead_looks: int = Field(
        default=6, ge=2, description="unchanged looks after which a worker counts as dead"
    )
    max_crashes: int = Field(default=3, ge=1, description="crashes of one job before it fails")
    deadline: Seconds = Field(default=3600.0, description="longest time for one stage")
    memory_gb: float | None = Field(
        default=None,
        gt=0,
        description=(
            "memory of an engine; default: 80 % of what the machine, or its container, has, divided"
            " among its workers"
        ),
    )
    poll: Seconds = Field(default=1.0, description="time between two looks at claimed/")
    image_lan: Names = Field(
        default=(),
        description=(
            "hosts and networks of the LAN that image_urls may name; public addresses always may"
        ),
    )


class Reaper(Group):
    """How what dead processes left behind is mended."""

    interval: Seconds = Field(default=15.0, description="time between two rounds")
    staging_looks_apart: Seconds = Field(
        default=3600.0, description="staging without its job in two looks that far apart is trash"
    )
    orphan_look_gap: Seconds = Field(
        default=60.0, description="time between the two looks that show any other thing to be gone"
    )
    drafts_age: Seconds = Field(
        default=86400.0, description="an unchanged draft is trash after that time"
    )
    verify_after: Seconds = Field(
        default=600.0,
        description="results are verified once more after that time, then scratch goes",
    )
    trash_days: float = Field(
        default=30.0, ge=0, description="deleted jobs stay in trash that many days"
    )


class Assist(Group):
    """An optional service that may clean the mesh or name its features; its answer is checked, and
    without it nothing changes."""

    url: str | None = Field(
        default=None, description="address of the service; none: nothing is sent anywhere"
    )
    timeout: Seconds = Field(default=60.0, description="time allowed for an answer")

    @property
    def service(self) -> tuple[str, float] | None:
        """(address, seconds), or None where no service is set."""
        return (self.url, self.timeout) if self.url else None


class Workers(Group):
    """A row of `[[host.workers]]`: workers of one role on this host."""

    devices: Names = Field(
        default=("auto",), min_length=1, description="auto, cpu, or devices such as cuda:0,cuda:1"
    )
    queues: Names = Field(
        default=(), description="what they serve; none: all that this host has the libraries for"
    )
    count: int | None = Field(
        default=None,
        ge=1,
        description="how many on the CPU; none: as many as cores and memory allow; a GPU has one",
    )
    threads: int | None = Field(
        default=None, ge=1, description="cores of each on the CPU; none: up to 8"
    )
    memory_gb: float | None = Field(
        default=None,
        gt=0,
        description=(
            "memory of each engine; none: a share of what the others leave of 80 % of the machine"
            " (a GPU's twice as much as a CPU's), and on the CPU as many workers as have 16 each"
        ),
    )


class Host(Group):
    """What only this host knows."""

    atlas: LocalPath | None = Field(
        default=None, description="where Atlas is mounted; --atlas and $INBOX3D_ATLAS outrank it"
    )
    name: str = Field(
        default_factory=lambda: socket.gethostname().split(".")[0] or "host",
        description="this host in worker names",
    )
    devices: Names = Field(
        default=("auto",), min_length=1, description="auto, cpu, or devices such as cuda:0,cuda:1"
    )
    workers: tuple[Workers, ...] = Field(
        default=(),
        description="which workers `up` starts, see below; none: as `devices` says, all queues",
    )
    scratch: LocalPath = Field(
        default=Path("~/.cache/inbox3d/scratch"),
        validate_default=True,
        description="disposable local folder",
    )
    models: LocalPath = Field(
        default=Path("~/.cache/inbox3d/models"),
        validate_default=True,
        description="local folder with model weights",
    )
    precision: Literal["fast", "exact"] = Field(
        default="fast",
        description=(
            "on GPUs: fast computes what networks see in half precision, exact all of it in float32"
        ),
    )
    compile: bool = Field(
        default=False,
        description=(
            "on GPUs: compile networks at a worker's first job; pays from some dozens of jobs on"
        ),
    )
    redis_url: str | None = Field(default=None, description="mirror job states to this Redis")
    sql_url: str | None = Field(
        default=None,
        description="keep the list of jobs in this database; none: SQLite beside scratch",
    )


class Log(Group):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="least level that is written"
    )
    form: Literal["text", "json"] = Field(
        default="text", description="text for people, json for machines"
    )


class Settings(Group):
    """All settings in effect; they go into job.json."""

    intake: Intake = Intake()
    worker: Worker = Worker()
    reaper: Reaper = Reaper()
    web: Web = Web()
    assist: Assist = Assist()
    host: Host = Field(default_factory=lambda: Host())
    log: Log = Log()
    presets: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="options under a name, which a job chooses by `preset`",
    )

    @field_validator("presets")
    @classmethod
    def _make_jobs(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if wrong := refusal(value):
            raise ValueError(wrong)
        return value


HOST_GROUPS = frozenset({"host", "log"})
