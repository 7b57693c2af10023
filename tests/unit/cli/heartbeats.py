"""A clock that is turned by hand, and what a command waits for."""

from __future__ import annotations

from layout import accept, lifecycle
from layout.accept import AcceptedRequest
from layout.beat import Beat
from layout.tree import Atlas, Place
from pipeline import config
from pipeline.cli._serving import Serving


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def kill(beat: Beat) -> None:
    """kill -9: the heartbeat stays, the lock does not."""
    beat._lock.close()


def waiting_job(atlas: Atlas, queue: str = "scan") -> Place:
    (atlas.inbox / "vase").mkdir()
    (atlas.inbox / "vase/a.ply").write_text("ply")
    return accept.accept(
        atlas,
        lifecycle.claim_drop(atlas, "vase", queue),
        AcceptedRequest("scan", {}, frozenset(), "quiet"),
    )


def words(serving: Serving, place: Place, looks: int = 30) -> str:
    return [serving.lacking(place) for _ in range(looks)][-1]


def serving(atlas: Atlas) -> Serving:
    return Serving(atlas, config.load(), Clock())
