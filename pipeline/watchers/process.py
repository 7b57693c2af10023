"""Entry point of the processes that a fleet starts: ``python -m pipeline.watchers.process --role
worker …``."""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import sys
import threading

from layout import names
from layout.disk import LineFault
from layout.tree import Atlas
from pipeline import config
from pipeline import log as logs
from pipeline.watchers.members import RESTART, stop_on_signals
from pipeline.watchers.pausing import Restart
from pipeline.watchers.worker import Worker

log = logging.getLogger(__name__)


def main() -> int:
    parser = argparse.ArgumentParser()
    for option in ("--atlas", "--host", "--role", "--device", "--queues"):
        parser.add_argument(option, default="")
    parser.add_argument("--cores", default="")
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--until-idle", action="store_true")
    given = parser.parse_args()
    _die_with_fleet(given.parent)
    atlas = Atlas(given.atlas)
    if given.cores:  # the engine and all its libraries count what they may use by this
        os.sched_setaffinity(0, {int(core) for core in given.cores.split(",")})
    settings = config.load(atlas.config_file)
    if given.memory:
        worker = settings.worker.model_copy(update={"memory_gb": given.memory / 2**30})
        settings = settings.model_copy(update={"worker": worker})
    logs.setup(settings.log.level, settings.log.form)
    stopping = threading.Event()
    stop_on_signals(stopping)
    try:
        if given.role == "worker":
            device = given.device.replace("cuda:", "gpu")
            queues = tuple(queue for queue in given.queues.split(",") if queue)
            Worker(
                atlas,
                settings,
                names.worker_name(given.host, device),
                queues,
                given.device,
                stopping,
            ).serve()
        else:
            from pipeline.watchers.intake import Intake

            Intake(
                atlas, settings, names.worker_name(given.host, "intake"), stopping, given.until_idle
            ).serve()
    except Restart:
        return RESTART
    except LineFault as fault:
        log.error("line.fault what=%s", fault.message)
        return 1
    return 0


def _die_with_fleet(parent: int) -> None:
    """SIGTERM when the fleet's process dies, so that `kill -9` of an `up` leaves no worker behind
    that nobody watches. PARENT: the fleet's number; in a container it may be 1 itself."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
    if os.getppid() == 1 and parent != 1:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
