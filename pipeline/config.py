"""Settings: what belongs to the pipeline is one file on Atlas for all hosts, what belongs to a host
is that host's own file.

Read in this order, the later one wins: defaults, the file on Atlas, the host's file, the
environment (``INBOX3D_<GROUP>__<FIELD>``). Unknown keys are refused by name; the defaults work
unedited. Times are in seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipeline.errors import PipelineError

SHARED_NAME = "inbox3d.toml"  # below .pipeline/config/ on Atlas
HOST_FILES = ("/etc/inbox3d/host.toml", "~/.config/inbox3d/host.toml")
HOST_VARIABLE = "INBOX3D_HOST_CONFIG"
PREFIX = "INBOX3D_"


class SettingsRefused(PipelineError):
    """A setting is wrong."""

    who = "operator"
    remedy = "Correct the setting that is named; docs/operations.md lists them all."


def _split(value: Any) -> Any:
    """A list, also as text: a,b or, as JSON and TOML write it, ["a", "b"]."""
    if not isinstance(value, str):
        return value
    with contextlib.suppress(ValueError):
        if isinstance(found := json.loads(value), list):
            return found
    return [part.strip() for part in value.split(",") if part.strip()]


def _home(value: Path) -> Path:
    return value.expanduser()


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Notified = Annotated[
    tuple[Literal["completed", "failed", "disk", "stuck"], ...], BeforeValidator(_split)
]
LocalPath = Annotated[Path, AfterValidator(_home)]
Seconds = Annotated[float, Field(gt=0)]


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    tick: Seconds = Field(default=1.0, description="time between two looks at inbox/")
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
        default=None, gt=0, description="memory of an engine; default: 80 % of the machine"
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


class Web(Group):
    """The HTTP service."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    port: int = Field(default=8000, ge=0, le=65535, description="port to listen on")
    lan: Literal["key", "read", "open"] = Field(
        default="read", description="what other hosts may do without a key: nothing, look, or all"
    )
    hosts: Names = Field(
        default=(),
        description="names by which this service is called, besides localhost and plain addresses",
    )
    gateways: Names = Field(
        default=(),
        description="addresses that count as this host itself: the gateway of a container",
    )
    threads: int = Field(
        default=48, ge=4, le=512, description="requests and event streams served at once"
    )
    streams: int = Field(
        default=24,
        ge=1,
        le=500,
        description="event streams among them; further pages look every few seconds instead",
    )
    poll: Seconds = Field(default=1.0, description="time between two looks at the tree")
    max_upload_gb: float = Field(default=50.0, gt=0, description="largest upload")
    max_waiting: int = Field(
        default=1000, ge=1, description="jobs that one submitter may have waiting or running"
    )
    max_waiting_gb: float = Field(
        default=200.0,
        gt=0,
        description="what the drops of those jobs, and what arrives, may hold together",
    )
    free_gb: float = Field(
        default=2.0, ge=0, description="uploads are refused while Atlas has less room than this"
    )
    webhook_lan: Names = Field(
        default=(),
        description=(
            "hosts and networks of the LAN that a webhook_url may name; public addresses always may"
        ),
    )
    notify: Names = Field(
        default=(), description="addresses that apprise notifies, e.g. mailto://… or ntfy://…"
    )
    notify_on: Notified = Field(
        default=("completed", "failed", "disk", "stuck"),
        description=(
            "what is notified: jobs that are completed or failed, too little room on Atlas (disk),"
            " jobs that do not go on (stuck)"
        ),
    )
    stuck_after: Seconds = Field(
        default=1800.0,
        description=(
            "a running job that shows no progress, or a queue that nobody serves, that long is"
            " notified as stuck"
        ),
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
        default=("auto",), description="auto, cpu, or devices such as cuda:0,cuda:1"
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
            "on GPUs: fast computes what networks see in bfloat16, exact all of it in float32"
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


HOST_GROUPS = frozenset({"host", "log"})


def address(listen: str, web: Web) -> tuple[str, int]:
    """(host, port) of LISTEN, ``HOST:PORT`` or ``PORT``; what is left out is [web]'s.
    SettingsRefused where it is neither."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]") or web.host
    if not listen:
        return web.host, web.port
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise SettingsRefused(
            f"--listen: {listen!r} is not HOST:PORT",
            remedy="For example --listen 127.0.0.1:8000, or --listen off.",
        )
    return host, int(port)


def load(shared: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings in effect. SHARED is the file on Atlas, if Atlas is known; a missing file means
    defaults.

    Raises SettingsRefused, naming the file and the key.
    """
    merged: dict[str, dict[str, Any]] = {}
    for origin, layer in _layers(shared, environ):
        _check(origin, layer)
        for group, fields in layer.items():
            merged.setdefault(group, {}).update(fields)
    return Settings.model_validate(merged)


def host_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The host's own file: the one that $INBOX3D_HOST_CONFIG names, else the first that exists."""
    if named := environ.get(HOST_VARIABLE):
        return Path(named).expanduser()
    return next((path for name in HOST_FILES if (path := Path(name).expanduser()).is_file()), None)


def _layers(shared: Path | None, environ: Mapping[str, str]) -> list[tuple[str, dict[str, Any]]]:
    layers = []
    if shared is not None and (content := _read(shared)) is not None:
        pipelines = set(Settings.model_fields) - HOST_GROUPS
        _belongs(
            str(shared),
            content,
            pipelines,
            "belongs to one host: move it to that host's own host.toml",
        )
        layers.append((str(shared), content))
    if (own := host_file(environ)) is not None:
        content = _read(own)
        if content is None:
            raise SettingsRefused(f"${HOST_VARIABLE} names {own}, which does not exist")
        _belongs(
            str(own),
            content,
            set(HOST_GROUPS),
            f"is one for all hosts: move it to .pipeline/config/{SHARED_NAME} on Atlas",
        )
        layers.append((str(own), content))
    return [*layers, ("environment", _environment(environ))]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsRefused(f"{path}: not valid TOML: {error}") from None


def _belongs(origin: str, content: Mapping[str, Any], allowed: set[str], why: str) -> None:
    for group in content:
        if group in Settings.model_fields and group not in allowed:
            raise SettingsRefused(f"{origin}: [{group}] {why}")


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable, value in environ.items():
        group, separator, field = variable.removeprefix(PREFIX).partition("__")
        if variable.startswith(PREFIX) and separator:
            found.setdefault(group.lower(), {})[field.lower()] = value
    return found


def _check(origin: str, content: Mapping[str, Any]) -> None:
    try:
        Settings.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        said = (
            "there is no such setting"
            if first["type"] == "extra_forbidden"
            else f"{first['msg']} (given: {first.get('input')!r})"
        )
        raise SettingsRefused(f"{origin}: {key}: {said}"[:400]) from None
