"""The fleet of one ``up``: an intake, one worker per device and the web layer; started, restarted
when they die, drained together."""

from __future__ import annotations

import importlib.util
import logging
import os
import signal
import sys
import threading

from layout import names
from layout.locks import run_folder, take_lock
from layout.tree import Atlas
from pipeline.backends import generator_protocol, generators
from pipeline.config import Settings
from pipeline.config.groups import Workers
from pipeline.errors import BackendUnavailable, SubmitRefused
from pipeline.gpu import tenancy
from pipeline.queues import QUEUES, missing_extra
from pipeline.watchers import fit
from pipeline.watchers.members import Member, drain, keep, ours
from pipeline.watchers.roster import Inventory, Role, plan

log = logging.getLogger(__name__)


class NameTaken(SubmitRefused):
    """An ``up`` of this name runs on this host already."""

    who = "operator"
    remedy = "Stop it, or give this one another --name."


def roles(
    settings: Settings, devices: tuple[str, ...], queues: tuple[str, ...], has: Inventory
) -> list[Role]:
    """One intake, and the workers of [[host.workers]]; those of DEVICES and QUEUES where they were
    asked for."""
    rows = settings.host.workers
    if devices or queues or not rows:
        rows = (Workers(devices=devices or settings.host.devices, queues=queues),)
    return [Role("intake", "cpu", ()), *plan(rows, able(), has)]


def able() -> tuple[str, ...]:
    """The queues whose libraries are installed here; for the others a line says what to install."""
    for extra in sorted({extra for queue in QUEUES if (extra := missing_extra(queue))}):
        left = ",".join(queue for queue in QUEUES if missing_extra(queue) == extra)
        log.info(
            "queues.left queues=%s remedy=%s",
            left,
            f"pip install -c constraints.txt 'inbox3d[{extra}]'",
        )
    return tuple(queue for queue in QUEUES if missing_extra(queue) is None)


def _look_at_views(settings: Settings) -> None:
    """BackendUnavailable where a setting asks for views that cannot be made. Weights that nobody
    asked for by name and that are broken are logged: they hold up the jobs that need them, not the
    others."""
    try:
        generators.chosen(settings.host.models)
    except BackendUnavailable as error:
        if any(
            os.environ.get(name)
            for name in (generator_protocol.MODEL, generator_protocol.URL, generator_protocol.STUB)
        ):
            raise
        log.warning("fleet.views problem=%s remedy=%s", error.message, error.remedy)


def up(
    atlas: Atlas,
    settings: Settings,
    name: str | None,
    queues: tuple[str, ...],
    devices: tuple[str, ...],
    until_idle: bool,
    listen: str = "off",
    gives_up: bool = False,
) -> int:
    """Run the fleet until SIGTERM or SIGINT, or with UNTIL_IDLE until nothing is left to do.
    LISTEN: HOST:PORT of the web layer, or off. GIVES_UP: end with code 1 where a process does not
    get going, for somebody waits; else it is tried for ever.

    Returns the exit code. BackendUnavailable where FLUX_MODEL and its like cannot be met, before a
    job waits for them. A port that is taken is named by the web process, which is started again
    later; the workers go on.
    """
    fleet = roles(settings, devices, queues, Inventory.here())
    served = {queue for role in fleet for queue in role.queues}
    fit.check(atlas, tuple(queue for queue in QUEUES if queue in served))
    if "views" in served:
        _look_at_views(settings)
    host = names.slug(name or settings.host.name)
    identity = atlas.identity()
    lock = take_lock(run_folder() / f"up-{host}-{identity.uuid}.lock")
    if lock is None:
        raise NameTaken(f"`inbox3d up` runs as {host} on this host already.")
    base = [
        sys.executable,
        "-m",
        "pipeline.watchers.process",
        "--atlas",
        str(atlas.root),
        "--host",
        host,
    ]
    members = [Member(role, [*base, *_arguments(role, until_idle)]) for role in fleet]
    gpus = [tenancy.take(role.device) for role in fleet if role.device.startswith("cuda")]
    workers = len(members) - 1
    members += _web(atlas, host, listen)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    log.info("fleet.up atlas=%s name=%s workers=%d", atlas.root, host, workers)
    if halt := atlas.halted():
        log.warning("fleet.halted by=%s remedy=%s", halt, f"inbox3d resume --atlas {atlas.root}")
    try:
        going = keep(members, stopping, until_idle, gives_up)
    finally:
        drain(members)
        for held in (*gpus, lock):
            held.close()
    log.info("fleet.down name=%s", host)
    return 0 if going else 1


def _web(atlas: Atlas, host: str, listen: str) -> list[Member]:
    """The web layer, a program of its own; none where it is off or its libraries are not
    installed."""
    if listen == "off":
        return []
    if importlib.util.find_spec("flask") is None or importlib.util.find_spec("gunicorn") is None:
        log.info(
            "web.absent what=%s remedy=%s",
            "its libraries are not installed",
            "pip install -c constraints.txt 'inbox3d[web]'",
        )
        return []
    command = ours("webapi", atlas.root, "--host", host, "--listen", listen)
    return [Member(Role("web", "cpu", ()), command)]


def _arguments(role: Role, until_idle: bool) -> list[str]:
    arguments = ["--role", role.kind, "--device", role.device, "--queues", ",".join(role.queues)]
    arguments += ["--cores", ",".join(map(str, role.cores))] if role.cores else []
    arguments += ["--memory", str(role.memory)] if role.memory else []
    return [*arguments, "--until-idle"] if until_idle and role.kind == "intake" else arguments
