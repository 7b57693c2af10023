"""Workers on every host of a Ray cluster. Ray says where a worker runs and starts it elsewhere when
its host is lost; who takes which job is decided by the rename on Atlas, as without Ray."""

from __future__ import annotations

import collections
import contextlib
import importlib.util
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

from layout.tree import Atlas
from pipeline.config import SettingsRefused
from pipeline.config.groups import Workers
from pipeline.errors import BackendUnavailable, SubmitRefused
from pipeline.watchers.carried import Kind, wanted
from pipeline.watchers.keeper import Keeper
from pipeline.watchers.members import DRAIN_LIMIT

log = logging.getLogger(__name__)

LOOK = 2.0  # seconds between two looks at the cluster
PATIENCE = 30.0  # a worker that no host has taken for that long is named

START = "RAY_AUTH_MODE=token ray start --head --include-dashboard=false --disable-usage-stats"


class NoCluster(SubmitRefused):
    """No Ray cluster answers, or it lets in anybody."""

    who = "operator"
    remedy = f"Start one with: {START}"


def connect() -> Any:
    """The module ray, connected to the cluster of $RAY_ADDRESS or of this host.

    NoCluster where none answers or tokens are switched off: whoever reaches an open cluster runs
    what he likes on it. BackendUnavailable where the extra is not installed.
    """
    if importlib.util.find_spec("ray") is None:
        raise BackendUnavailable(
            "Ray is not installed.", remedy="pip install -c constraints.txt 'inbox3d[cluster]'"
        )
    if os.environ.setdefault("RAY_AUTH_MODE", "token") != "token":
        raise NoCluster("RAY_AUTH_MODE is not token: anybody could run programs on this cluster.")
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    address = os.environ.get("RAY_ADDRESS", "auto")
    try:
        ray.init(address=address, configure_logging=False, log_to_driver=True)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        reason = str(error).splitlines()[0]
        raise NoCluster(f"No Ray cluster answers at {address}: {reason}") from error
    return ray


class Cluster:
    """The workers that Ray keeps for this fleet."""

    def __init__(
        self,
        ray: Any,
        atlas: Atlas,
        rows: tuple[Workers, ...],
        able: tuple[str, ...],
        usual: float | None = None,
    ) -> None:
        """USUAL: [worker] memory_gb. SettingsRefused where no host of today has the memory for
        ROWS."""
        self.ray, self.atlas, self.rows, self.able, self.usual = ray, atlas, rows, able, usual
        self.refused: dict[str, str] = {}  # by the host's address, what was said
        wanted(rows, able, ray.nodes(), usual)
        self.queues = {queue for row in rows for queue in row.queues or able}
        self.made: collections.Counter[Kind] = collections.Counter()  # without their memory
        self.keepers: list[_Kept] = []

    def _watch(self, stopping: threading.Event) -> None:
        """Workers for hosts that join, and a word about each that finds a place or none, until
        STOPPING."""
        while not stopping.is_set():
            try:
                self._grow()
                for kept in self.keepers:
                    kept.look(self.ray)
            except self.ray.exceptions.RayError as error:
                log.warning("cluster.away problem=%s", str(error).splitlines()[0])
            stopping.wait(LOOK)

    def kinds(self) -> list[Kind]:
        """The workers that the hosts of today carry; a host without the memory for its rows is
        named once. SettingsRefused where all are so."""
        return wanted(self.rows, self.able, self.ray.nodes(), self.usual, self._refuse)

    def _grow(self) -> None:
        """A worker for each that the hosts of today carry and that was never made. One whose host
        was lost is not made again: it waits for room."""
        try:
            kinds = self.kinds()
        except SettingsRefused:  # all hosts of now; each was told
            return
        made = self.made.copy()
        for kind in kinds:
            if made[kind.like] > 0:  # a host that comes back has a little more memory, or less
                made[kind.like] -= 1
            else:
                self._make(kind)

    def _make(self, kind: Kind) -> None:
        actor = self.ray.remote(Keeper).options(
            num_gpus=kind.gpus,
            num_cpus=kind.threads,
            memory=kind.memory,
            max_restarts=-1,
            max_task_retries=0,
        )
        self.keepers.append(_Kept(kind, actor.remote(str(self.atlas.root), *kind)))
        self.made[kind.like] += 1

    def _refuse(self, host: str, problem: SettingsRefused) -> None:
        if self.refused.get(host) != problem.message:
            self.refused[host] = problem.message
            log.warning(
                "cluster.refused host=%s problem=%s remedy=%s",
                host,
                problem.message,
                problem.remedy,
            )

    @contextlib.contextmanager
    def kept(self, stopping: threading.Event) -> Iterator[None]:
        """The workers are watched meanwhile; then they give back their jobs and end."""
        watching = threading.Thread(target=self._watch, args=(stopping,), daemon=True)
        watching.start()
        try:
            yield
        finally:
            stopping.set()
            watching.join()
            self._drain()

    def _drain(self) -> None:
        """Every worker that can be reached gives back its job and ends; others by their leases."""
        asked = [kept.actor.drain.remote() for kept in self.keepers if kept.place]
        if asked:
            self.ray.wait(asked, num_returns=len(asked), timeout=DRAIN_LIMIT)
        self.ray.shutdown()


class _Kept:
    """A keeper as its fleet knows it."""

    def __init__(self, kind: Kind, actor: Any) -> None:
        self.kind, self.actor = kind, actor
        self.asked: Any = None
        self.place = ""  # where it was last found
        self.waited = 0.0

    def look(self, ray: Any) -> None:
        """Ask where it is; log what is new."""
        self.asked = self.asked or self.actor.where.remote()
        done, _ = ray.wait([self.asked], timeout=0)
        if not done:
            self._waits()
            return
        asked, self.asked, self.waited = self.asked, None, 0.0
        queues, was = ",".join(self.kind.queues), self.place
        try:
            self.place = ray.get(asked)
        except ray.exceptions.RayError:
            self.place = ""
            if was:
                log.warning("cluster.lost queues=%s host=%s", queues, was)
        if self.place and self.place != was:
            log.info("cluster.placed queues=%s host=%s", queues, self.place)

    def _waits(self) -> None:
        self.waited += LOOK
        if PATIENCE <= self.waited < PATIENCE + LOOK:
            log.warning(
                "cluster.no_room queues=%s gpus=%d cores=%d memory_gb=%.1f remedy=%s",
                ",".join(self.kind.queues),
                self.kind.gpus,
                self.kind.threads,
                self.kind.memory / 2**30,
                "it starts as soon as a host of the cluster has them free",
            )
