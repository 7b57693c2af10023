"""What must hold before a fleet starts: said once, with its remedy, rather than at every job."""

from __future__ import annotations

from layout.tree import Atlas
from pipeline.errors import BackendUnavailable
from pipeline.queues import missing_extra
from pipeline.submission.refusals import refuse_restored


def check(atlas: Atlas, queues: tuple[str, ...]) -> None:
    """Restored where `inbox3d init --restored` was forgotten, BackendUnavailable where one of the
    QUEUES that were asked for by name cannot be served here."""
    refuse_restored(atlas)
    extras = {queue: missing_extra(queue) for queue in queues}
    if lacking := [queue for queue, extra in extras.items() if extra]:
        wanted = ",".join(sorted({str(extras[queue]) for queue in lacking}))
        raise BackendUnavailable(
            f"This host cannot serve {', '.join(lacking)}: the libraries are not installed.",
            remedy=f"pip install -c constraints.txt 'inbox3d[{wanted}]'",
        )
