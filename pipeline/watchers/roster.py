"""Which workers a host runs: from ``[[host.workers]]`` and what the host has."""

from __future__ import annotations

import os
from typing import NamedTuple

from pipeline.config import SettingsRefused
from pipeline.config.groups import Workers
from pipeline.gpu.device import chosen, gpus
from pipeline.queues import QUEUES

SHARE = 0.8  # of the machine's memory goes to engines
CORES, MEMORY = 8, 16 * 2**30  # of a CPU worker, where nothing else is said: one large scan
TABLE = "[[host.workers]]"
NO_GPU = f"Its driver shows none: install it, or name cpu or auto in {TABLE} or --devices."


class Inventory(NamedTuple):
    """What a host has: its GPUs, the cores that this process may use, its memory in bytes."""

    gpus: tuple[str, ...]
    cores: tuple[int, ...]
    memory: int

    @classmethod
    def here(cls) -> Inventory:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(tuple(gpus()), tuple(sorted(os.sched_getaffinity(0))), memory)


class Role(NamedTuple):
    """One process of the fleet. CORES: those it may use, none for all; MEMORY: bytes of its engine,
    None for what [worker] says."""

    kind: str  # intake | worker | web
    device: str
    queues: tuple[str, ...]
    cores: tuple[int, ...] = ()
    memory: int | None = None


def plan(rows: tuple[Workers, ...], able: tuple[str, ...], has: Inventory) -> list[Role]:
    """The workers of ROWS on a host that HAS this; a row without queues serves all that are ABLE.

    GPUs: one worker each, unless a row says more. CPU: as many as cores and memory allow, each with
    cores of its own, which also its libraries go by. SettingsRefused for a GPU that is not there or
    that two rows want, and for an unknown queue.
    """
    found: list[Role] = []
    free = list(has.cores)
    for row in rows:
        if unknown := [queue for queue in row.queues if queue not in QUEUES]:
            raise SettingsRefused(
                f"{TABLE}: there is no queue {unknown[0]!r}",
                remedy=f"There are {', '.join(QUEUES)}.",
            )
        queues = row.queues or able
        for device in chosen(row.devices, has.gpus):
            if device == "cpu":
                found += _on_cpu(row, queues, has, free)
            else:
                _may_have(device, has, found)
                found.append(Role("worker", device, queues, memory=_bytes(row)))
    return found


def check_memory(rows: tuple[Workers, ...], has: Inventory) -> None:
    """SettingsRefused for an engine that may take more than the host HAS: jobs that fit nowhere
    would be sent to it."""
    for row in rows:
        if (_bytes(row) or 0) > has.memory:
            raise SettingsRefused(
                f"{TABLE}: memory_gb = {row.memory_gb:g} is more than this host has.",
                remedy=f"It has {has.memory / 2**30:.1f} GB: each worker of the row needs less.",
            )


def _may_have(device: str, has: Inventory, given: list[Role]) -> None:
    if device not in has.gpus:
        raise SettingsRefused(
            f"There is no GPU {device} on this host.",
            remedy=f"There are {', '.join(has.gpus)}." if has.gpus else NO_GPU,
        )
    if any(role.device == device for role in given):
        raise SettingsRefused(
            f"{TABLE}: {device} is named twice.",
            remedy="One worker has a GPU, one job at a time: name it in one row, with all queues.",
        )


def _on_cpu(row: Workers, queues: tuple[str, ...], has: Inventory, free: list[int]) -> list[Role]:
    """CPU workers of ROW, each with its share of the FREE cores, which are used up."""
    room = max(1, len(free))
    threads = row.threads or (max(1, room // row.count) if row.count else min(CORES, room))
    each = _bytes(row) or MEMORY
    fitting = max(1, min(room // threads, int(SHARE * has.memory) // each))
    count = row.count or fitting
    memory = _bytes(row) or (int(SHARE * has.memory) // count if count > 1 else None)
    shares = [tuple(free[i * threads : (i + 1) * threads]) for i in range(count)]
    del free[: count * threads]
    alone = count == 1 and row.threads is None
    return [Role("worker", "cpu", queues, () if alone else share, memory) for share in shares]


def _bytes(row: Workers) -> int | None:
    return int(row.memory_gb * 2**30) if row.memory_gb else None
