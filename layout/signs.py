"""What running processes write for others to look at: progress.json, arrivals.json, heartbeats."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import ConfigDict, Field

from layout.manifest import Document


class Progress(Document):
    """progress.json: disposable, and only looked at, so what a newer inbox3d adds to it is passed
    over."""

    model_config = ConfigDict(extra="ignore")
    name: ClassVar[str] = "progress.json"
    stage: str
    fraction: float  # of the whole job, all its legs; never falls within a start
    message: str
    eta: float | None = None  # seconds; None rather than invented
    eta_error: float | None = None  # how wrong eta may be, seconds
    cold: bool = False  # eta rests on no earlier job of that kind
    # the share of the stage that the stage itself told; unlike fraction it rests where nothing
    # moves
    said: float | None = None
    n: int | None = None  # the start that wrote it
    waits: str | None = None  # between two legs: the queue it waits for

    def tells_of(self, n: int, queue: str | None) -> bool:
        """Whether it was written for a job that stands at start N, waiting for QUEUE (None: it
        runs); else a dead start left it."""
        if queue is not None:
            return (self.n, self.waits) == (n, queue)
        return self.n in (None, n) or (self.n == n - 1 and self.waits is not None)


class Arrivals(Document):
    """arrivals.json: what lies in inbox/ and is no job yet, by name, and in the intake's words what
    it waits for."""

    model_config = ConfigDict(extra="ignore")  # only looked at
    name: ClassVar[str] = "arrivals.json"
    waits: dict[str, str] = Field(default_factory=dict)


class Gpu(Document):
    """What a worker's GPU is and does: bytes of memory in all and in use, by whomever; how busy it
    is, 0…1, where the driver tells."""

    model_config = ConfigDict(extra="ignore")
    name: ClassVar[str] = "gpu"
    model: str
    memory: int
    used: int
    busy: float | None = None


class Heartbeat(Document):
    # only looked at, and hosts of two releases may serve one tree
    model_config = ConfigDict(extra="ignore")
    name: ClassVar[str] = "heartbeat"
    worker: str
    role: Literal["worker", "intake", "web"]
    counter: int
    boot: str
    pid: int
    lock: tuple[str, int] | None = None  # lock file on its host: path, inode
    queues: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    # models that lie on its host and cannot be used, by name, and "views": why it makes none
    broken: dict[str, str] = Field(default_factory=dict)
    version: str = ""
    memory: int | None = None  # bytes that its engine may use
    used: int | None = None  # bytes that its engine uses
    gpu: Gpu | None = None
    job: str | None = None
    message: str = ""  # in words: idle, working, paused because …
    attention: tuple[str, ...] = ()  # in words: what this process found that waits for a person
