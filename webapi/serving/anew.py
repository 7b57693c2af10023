"""What SIGHUP means to the web layer: its settings are read anew; or the end, where a terminal was
closed."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable
from typing import Any

from layout.tree import Atlas
from pipeline import config, machine
from pipeline.config import Settings
from pipeline.errors import SubmitRefused

log = logging.getLogger(__name__)


def check(atlas: Atlas, given: Settings) -> None:
    """SettingsRefused where [host] sql_url names no database, or [web] login_header nobody to
    believe; Restored where `inbox3d init --restored` was forgotten."""
    from pipeline.submission.refusals import refuse_restored
    from webapi.access.login import networks
    from webapi.index.database import connect

    refuse_restored(atlas)
    networks(given.web)
    connect(given.host.sql_url, given.host.scratch.parent, atlas.identity().uuid).dispose()


def settings(atlas: Atlas, first: Settings) -> Settings:
    """Those of now, under the name of FIRST; FIRST, with which the program began, where they are
    refused, which is said."""
    try:
        found = config.load(atlas.config_file)
        check(atlas, found)
    except (config.SettingsRefused, SubmitRefused, OSError) as refused:
        log.warning("web.settings_refused problem=%s", getattr(refused, "message", refused))
        return first
    named = found.host.model_copy(update={"name": first.host.name})
    return found.model_copy(update={"host": named})


def at_hang_up() -> Callable[[Any], None]:
    """To be called with gunicorn's arbiter once it is ready. Its own reload closes the listener it
    was given; here the process that serves ends, and another takes its place: it loads anew, and
    who calls meanwhile waits in the listener's queue."""
    ignored = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup

    def ready(arbiter: Any) -> None:
        def anew(*_: Any) -> None:
            for pid in list(arbiter.WORKERS):
                os.kill(pid, signal.SIGTERM)

        def end(*_: Any) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

        means = signal.SIG_IGN if ignored else end if machine.has_terminal() else anew
        signal.signal(signal.SIGHUP, means)

    return ready
