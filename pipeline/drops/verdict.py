"""What can be said of a drop: it waits, it is ready, or it is refused."""

from __future__ import annotations

from dataclasses import dataclass

UNFINISHED = "looks unfinished: "
FILL = "Copy the file again; if it is right as it is, put an empty file READY beside it"
MEND_LIST = "Copy what is missing or correct job.toml"
SPARED = (
    "looks cut off: {}. Copy that again or take it away: if nothing changes for {:.0f} min, the"
    " other photographs make the model without it"
)


@dataclass(frozen=True)
class Wait:
    """Not yet, and why, in words for STATUS.txt. until: when that may end on the clock of
    Completeness, if it is known; stuck: not by itself."""

    reason: str
    until: float | None = None
    stuck: bool = False


@dataclass(frozen=True)
class Ready:
    """Complete. evidence: the rung; quiet: seconds without a change; notes: what the person should
    know."""

    evidence: str
    quiet: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refuse:
    """Never a job as it stands."""

    reason: str
    remedy: str


Verdict = Wait | Ready | Refuse
