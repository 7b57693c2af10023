"""What Ray runs on a host: it starts one worker process there, and starts it again when it ends."""

from __future__ import annotations

import os
import threading
from typing import IO

from layout.locks import run_folder, take_lock
from pipeline.gpu import tenancy
from pipeline.watchers.members import Member, command, drain, keep
from pipeline.watchers.roster import Role

RETRY = 5.0  # seconds between two tries to get a GPU that another program has


class Keeper:
    """One worker of a fleet, on the host where Ray put it; a process of its own, for it forks."""

    def __init__(
        self, root: str, gpus: int, threads: int, queues: tuple[str, ...], memory: int | None
    ) -> None:
        from pipeline import config

        self.held: list[IO[bytes]] = []
        self.stopping = threading.Event()
        self.host = config.load().host.name
        self.role = Role("worker", gpu_of_actor() if gpus else "cpu", queues, (), memory)
        self.threads = threads
        # a worker ends with the thread that started it, so this one lives as long as the actor
        self.thread = threading.Thread(target=self._keep, args=(root,))
        self.thread.start()

    def where(self) -> str:
        """The host that it runs on, and the device there."""
        return f"{self.host} {self.role.device}"

    def drain(self) -> None:
        """The worker gives its job back and ends."""
        self.stopping.set()
        self.thread.join()

    def _keep(self, root: str) -> None:
        while not self._has_its_device():
            if self.stopping.wait(RETRY):
                return
        cores = () if self.role.device != "cpu" else self._cores()
        member = Member(self.role, command(root, self.host, self.role._replace(cores=cores)))
        try:
            keep([member], self.stopping, until_idle=False)
        finally:
            drain([member])
            for held in self.held:
                held.close()

    def _has_its_device(self) -> bool:
        if self.role.device == "cpu":
            return True
        try:
            self.held.append(tenancy.take(self.role.device))
        except tenancy.GpuTaken:
            return False
        return True

    def _cores(self) -> tuple[int, ...]:
        """As many cores of this host as it has threads, that no other keeper has."""
        found: list[int] = []
        for core in sorted(os.sched_getaffinity(0)):
            if len(found) < self.threads and (
                lock := take_lock(run_folder() / f"core-{core}.lock")
            ):
                self.held.append(lock)
                found.append(core)
        return tuple(found)


def gpu_of_actor() -> str:
    """The GPU that Ray gave to this actor, by the driver's own number where it has one."""
    import ray

    (gpu,) = ray.get_gpu_ids()
    if not str(gpu).isdigit():
        return "cuda:0"  # a part of a GPU, named in CUDA_VISIBLE_DEVICES alone
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    return f"cuda:{gpu}"
