"""Which workers a host runs: from ``[[host.workers]]`` and what the host has."""

from __future__ import annotations

from typing import NamedTuple

from pipeline import machine
from pipeline.config import Settings, SettingsRefused
from pipeline.config.groups import Workers
from pipeline.gpu.device import chosen, gpus, memory_limit
from pipeline.machine import SHARE
from pipeline.queues import QUEUES

GB = 2**30
CORES = 8  # of a CPU worker, where nothing else is said: one large scan
MEMORY = {"cpu": 16 * GB, "gpu": 32 * GB}  # likewise; FLUX's weights pass through it to the GPU
LEAST = 1 * GB  # of an engine that shall do any job at all
TABLE = "[[host.workers]]"
NO_GPU = f"Its driver shows none: install it, or name cpu or auto in {TABLE} or --devices."
LESS = "Fewer of them (count, devices), or a smaller memory_gb."


class Inventory(NamedTuple):
    """What a host has: its GPUs, the cores that this process may use, its memory in bytes."""

    gpus: tuple[str, ...]
    cores: tuple[int, ...]
    memory: int

    @classmethod
    def here(cls) -> Inventory:
        return cls(tuple(gpus()), machine.cores(), machine.memory())


class Role(NamedTuple):
    """One process of the fleet. CORES: those it may use, none for all; MEMORY: bytes of its engine,
    None for what [worker] says."""

    kind: str  # intake | worker | web
    device: str
    queues: tuple[str, ...]
    cores: tuple[int, ...] = ()
    memory: int | None = None


def plan(
    rows: tuple[Workers, ...], able: tuple[str, ...], has: Inventory, usual: float | None = None
) -> list[Role]:
    """The workers of ROWS on a host that HAS this; a row without queues serves all that are ABLE,
    one without memory has USUAL gigabytes ([worker] memory_gb), or its share.

    GPUs: one worker each. CPU: as many as cores and memory allow, each with cores of its own, which
    also its libraries go by. All engines together have the memory once. SettingsRefused for a GPU
    that is not there or that two rows want, for an unknown queue, and for more memory than there
    is.
    """
    found: list[Role] = []
    free, left = list(has.cores), _left(rows, has, usual)
    for row in rows:
        if unknown := [queue for queue in row.queues if queue not in QUEUES]:
            raise SettingsRefused(
                f"{TABLE}: there is no queue {unknown[0]!r}",
                remedy=f"There are {', '.join(QUEUES)}.",
            )
        queues = row.queues or able
        for device in chosen(row.devices, has.gpus):
            if device == "cpu":
                each = _reckoned(row, device, usual)
                made = _on_cpu(row, queues, free, left // each)
                left -= each * (len(made) - (row.count or 1))
                found += made
            else:
                _may_have(device, has, found)
                found.append(Role("worker", device, queues, memory=_bytes(row.memory_gb)))
    return _shared(found, has, _bytes(usual))


def told(role: Role, settings: Settings) -> str:
    """A worker in words: its device, cores and memory, and what it serves."""
    memory = role.memory or memory_limit(settings.worker.memory_gb)
    return words(role.device, len(role.cores), memory, role.queues)


def words(device: str, cores: int, memory: int, queues: tuple[str, ...]) -> str:
    """A worker on DEVICE with so many CORES of its own and bytes of MEMORY, which serves QUEUES."""
    own = f", {cores} cores" if cores else ""
    return f"{device}{own}, {memory / GB:.1f} GiB: {', '.join(queues)}"


def _left(rows: tuple[Workers, ...], has: Inventory, usual: float | None) -> int:
    """Bytes for CPU workers beyond those that start in any case; none where nothing is left."""
    asked = sum(
        (row.count or 1 if device == "cpu" else 1) * _reckoned(row, device, usual)
        for row in rows
        for device in chosen(row.devices, has.gpus)
    )
    return max(0, int(SHARE * has.memory) - asked)


def _shared(roles: list[Role], has: Inventory, usual: int | None) -> list[Role]:
    """ROLES with their memory: what their rows say, and the others' part of what that leaves. One
    alone has what [worker] says."""
    promised = sum(role.memory or 0 for role in roles)
    if promised > has.memory:
        raise SettingsRefused(
            f"{TABLE}: memory_gb of {sum(role.memory is not None for role in roles)} workers is"
            f" {promised / GB:.1f} GB together, and this host has {has.memory / GB:.1f} GB.",
            remedy=LESS,
        )
    others = [role for role in roles if role.memory is None]
    if not others or len(roles) == 1:
        return roles
    part = (SHARE * has.memory - promised) / sum(MEMORY[_sort(role.device)] for role in others)
    if part * min(MEMORY[_sort(role.device)] for role in others) < LEAST:
        raise SettingsRefused(
            f"{TABLE}: of {SHARE:.0%} of {has.memory / GB:.1f} GB, {promised / GB:.1f} GB are given"
            f" away, and {len(others)} workers without memory_gb share the rest: too little.",
            remedy=LESS,
        )
    shares = {sort: min(int(part * each), usual or has.memory) for sort, each in MEMORY.items()}
    return [role._replace(memory=role.memory or shares[_sort(role.device)]) for role in roles]


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


def _on_cpu(row: Workers, queues: tuple[str, ...], free: list[int], more: int) -> list[Role]:
    """CPU workers of ROW, each with its share of the FREE cores, which are used up; where ROW does
    not say how many, there is memory for MORE than one."""
    room = max(1, len(free))
    threads = row.threads or (max(1, room // row.count) if row.count else min(CORES, room))
    count = row.count or max(1, min(room // threads, 1 + more))
    shares = [tuple(free[i * threads : (i + 1) * threads]) for i in range(count)]
    del free[: count * threads]
    alone, memory = count == 1 and row.threads is None, _bytes(row.memory_gb)
    return [Role("worker", "cpu", queues, () if alone else share, memory) for share in shares]


def _reckoned(row: Workers, device: str, usual: float | None) -> int:
    """Bytes that a worker of ROW is reckoned at while it is not known how many there will be."""
    return _bytes(row.memory_gb) or _bytes(usual) or MEMORY[_sort(device)]


def _sort(device: str) -> str:
    return "cpu" if device == "cpu" else "gpu"


def _bytes(gigabytes: float | None) -> int | None:
    return int(gigabytes * GB) if gigabytes else None
