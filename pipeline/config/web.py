"""The settings of the HTTP service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from pipeline.config.fields import Group, Names, Seconds, split

Notified = Annotated[
    tuple[Literal["completed", "failed", "disk", "stuck"], ...], BeforeValidator(split)
]


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
    address: str | None = Field(
        default=None,
        description="where people open the pages, e.g. http://models.lan; notices link to it",
    )
    gateways: Names = Field(
        default=(),
        description="addresses that count as this host itself: the gateway of a container",
    )
    login_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$",
        description=(
            "header in which a proxy names who signed in there, e.g. Remote-User; read what it"
            " risks in docs/api.md first"
        ),
    )
    login_from: Names = Field(
        default=(), description="addresses or networks of the proxies whose login_header counts"
    )
    login_scope: Literal["read", "submit", "admin"] = Field(
        default="submit", description="what somebody may do who signed in at the proxy"
    )
    login_admins: Names = Field(
        default=(), description="names in login_header that have the scope admin"
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
