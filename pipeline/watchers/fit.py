"""What must hold before a fleet starts: said once, with its remedy, rather than at every job."""

from __future__ import annotations

from layout.init import came_back
from layout.tree import Atlas
from pipeline.errors import BackendUnavailable, SubmitRefused
from pipeline.queues import missing_extra


class Restored(SubmitRefused):
    """The tree was restored, copied or moved to another disk: its waiting jobs would be taken for
    copies."""

    who = "operator"


def check(atlas: Atlas, queues: tuple[str, ...]) -> None:
    """Restored where `inbox3d init --restored` was forgotten, BackendUnavailable where one of the
    QUEUES that were asked for by name cannot be served here."""
    if came_back(atlas):
        raise Restored(
            f"{atlas.root} was restored, copied or moved to another disk.",
            remedy=f"Stop every `up` on it, then: inbox3d init {atlas.root} --restored",
        )
    extras = {queue: missing_extra(queue) for queue in queues}
    if lacking := [queue for queue, extra in extras.items() if extra]:
        wanted = ",".join(sorted({str(extras[queue]) for queue in lacking}))
        raise BackendUnavailable(
            f"This host cannot serve {', '.join(lacking)}: the libraries are not installed.",
            remedy=f"pip install -c constraints.txt 'inbox3d[{wanted}]'",
        )
