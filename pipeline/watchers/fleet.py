"""The fleet of one ``up``: an intake, one worker per device and the web layer; started, restarted
when they die, drained together."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import threading
from typing import TYPE_CHECKING

from layout import names
from layout.locks import run_folder, take_lock
from layout.tree import Atlas
from pipeline import config
from pipeline.backends import generator_protocol, generators
from pipeline.config import Settings
from pipeline.config.groups import Workers
from pipeline.errors import BackendUnavailable, PipelineError, SubmitRefused
from pipeline.gpu import tenancy
from pipeline.queues import QUEUES, missing_extra
from pipeline.watchers import fit
from pipeline.watchers.members import (
    Member,
    begin_anew,
    command,
    drain,
    keep,
    ours,
    stop_on_signals,
)
from pipeline.watchers.roster import Inventory, Role, plan, told

if TYPE_CHECKING:
    from pipeline.watchers.cluster import Cluster

log = logging.getLogger(__name__)

INTAKE = Role("intake", "cpu", ())


class NameTaken(SubmitRefused):
    """An ``up`` of this name runs on this host already."""

    who = "operator"
    remedy = "Stop it, or give this one another --name."


def roles(
    settings: Settings, devices: tuple[str, ...], queues: tuple[str, ...], has: Inventory
) -> list[Role]:
    """One intake, and the workers of [[host.workers]]; those of DEVICES and QUEUES where they were
    asked for."""
    asked = rows(settings, devices, queues)
    return [INTAKE, *plan(asked, able(), has, settings.worker.memory_gb)]


def rows(
    settings: Settings, devices: tuple[str, ...], queues: tuple[str, ...]
) -> tuple[Workers, ...]:
    """[[host.workers]], or the one row that DEVICES and QUEUES make."""
    if devices or queues or not settings.host.workers:
        return (Workers(devices=devices or settings.host.devices, queues=queues),)
    return settings.host.workers


def planned(
    atlas: Atlas,
    settings: Settings,
    queues: tuple[str, ...],
    devices: tuple[str, ...],
    spread: bool,
) -> list[str]:
    """In words, the workers that ``up`` would start, here or SPREAD over the hosts of a cluster.
    What ``up`` refuses is refused."""
    if spread:
        cluster = _cluster(atlas, settings, devices, queues)
        served, found = cluster.queues, [kind.told for kind in cluster.kinds()]
    else:
        workers = roles(settings, devices, queues, Inventory.here())[1:]
        served = {queue for role in workers for queue in role.queues}
        found = [told(role, settings) for role in workers]
    _ready(atlas, settings, served)
    return found


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
    spread: bool = False,
) -> int:
    """Run the fleet until SIGTERM or SIGINT, or with UNTIL_IDLE until nothing is left to do. SIGHUP
    without a terminal: drained, and begun anew with the settings of now, unless they are refused.
    LISTEN: HOST:PORT of the web layer, or off. GIVES_UP: end with code 1 where a process does not
    get going, for somebody waits; else it is tried for ever. SPREAD: the workers are placed on the
    hosts of a Ray cluster; intake and pages stay here.

    Returns the exit code. BackendUnavailable where FLUX_MODEL and its like cannot be met, before a
    job waits for them. A port that is taken is named by the web process, which is started again
    later; the workers go on.
    """
    cluster = _cluster(atlas, settings, devices, queues) if spread else None
    fleet = [INTAKE] if cluster else roles(settings, devices, queues, Inventory.here())
    _ready(atlas, settings, {queue for each in (*fleet, cluster) if each for queue in each.queues})
    host = names.slug(name or settings.host.name)
    lock = take_lock(run_folder() / f"up-{host}-{atlas.identity().uuid}.lock")
    if lock is None:
        raise NameTaken(f"`inbox3d up` runs as {host} on this host already.")
    members = [Member(role, command(atlas.root, host, role, until_idle)) for role in fleet]
    gpus = [tenancy.take(role.device) for role in fleet if role.device.startswith("cuda")]
    workers = len(members) - 1
    members += _web(atlas, host, listen)
    stopping, anew = threading.Event(), threading.Event()
    stop_on_signals(stopping, anew)
    log.info("fleet.up atlas=%s name=%s workers=%d", atlas.root, host, workers)
    if halt := atlas.halted():
        log.warning("fleet.halted by=%s remedy=%s", halt, f"inbox3d resume --atlas {atlas.root}")
    try:
        with cluster.kept(stopping) if cluster else contextlib.nullcontext():
            going = keep(members, stopping, until_idle, gives_up, anew)
            while anew.is_set() and not _stands(atlas, devices, queues, spread):
                anew.clear()
                going = keep(members, stopping, until_idle, gives_up, anew)
            again = anew.is_set() and not stopping.is_set()
    finally:
        drain(members)
        for held in (*gpus, lock):
            held.close()
    log.info("fleet.down name=%s", host)
    if again:
        begin_anew()
    return 0 if going else 1


def _stands(atlas: Atlas, devices: tuple[str, ...], queues: tuple[str, ...], spread: bool) -> bool:
    """Whether a fleet of the settings of now would start; why not is said, and the one that runs
    goes on."""
    try:
        settings = config.load(atlas.config_file)
        fleet = [] if spread else roles(settings, devices, queues, Inventory.here())
        _ready(atlas, settings, {queue for role in fleet for queue in role.queues})
    except (config.SettingsRefused, PipelineError, OSError) as refused:
        problem = getattr(refused, "message", refused)
        remedy = (
            f"correct it, then SIGHUP again; what ran goes on. {getattr(refused, 'remedy', '')}"
        )
        log.warning("fleet.settings_refused problem=%s remedy=%s", problem, remedy)
        return False
    return True


def _ready(atlas: Atlas, settings: Settings, served: set[str]) -> None:
    fit.check(atlas, tuple(queue for queue in QUEUES if queue in served))
    if "views" in served:
        _look_at_views(settings)


def _cluster(
    atlas: Atlas, settings: Settings, devices: tuple[str, ...], queues: tuple[str, ...]
) -> Cluster:
    from pipeline.watchers import cluster

    asked, usual = rows(settings, devices, queues), settings.worker.memory_gb
    return cluster.Cluster(cluster.connect(), atlas, asked, able(), usual)


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
    program = ours("webapi", atlas.root, "--host", host, "--listen", listen)
    return [Member(Role("web", "cpu", ()), program)]
