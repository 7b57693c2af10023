"""``python -m webapi --atlas FOLDER --listen HOST:PORT``: the web process of a fleet."""

from __future__ import annotations

import argparse
import ctypes
import logging
import signal
import sys

from layout.disk import LineFault
from layout.tree import Atlas
from pipeline import config
from pipeline import log as logs
from pipeline.errors import SubmitRefused
from webapi.serving import server

log = logging.getLogger(__name__)
PR_SET_PDEATHSIG = 1


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--atlas", required=True)
    parser.add_argument("--host", default="")
    parser.add_argument("--listen", default="")
    given = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # the fleet is gone: so are we
    atlas = Atlas(given.atlas)
    settings = config.load(atlas.config_file)
    logs.setup(settings.log.level, settings.log.form)
    try:
        atlas.identity()
    except LineFault as fault:
        log.error("web.absent what=%s remedy=%s", fault.message, fault.remedy)
        return 1
    if given.host:
        settings = settings.model_copy(
            update={"host": settings.host.model_copy(update={"name": given.host})}
        )
    host, port = config.address(given.listen, settings.web)
    try:
        return server.serve(atlas, settings, server.bind(atlas, host, port))
    except (SubmitRefused, config.SettingsRefused) as error:
        log.error("web.absent what=%s remedy=%s", error.message, error.remedy)
        return 1


if __name__ == "__main__":
    sys.exit(main())
