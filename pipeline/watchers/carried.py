"""Which workers the hosts of a Ray cluster carry, by what Ray says they have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from pipeline.config import SettingsRefused
from pipeline.config.groups import Workers
from pipeline.machine import SHARE
from pipeline.watchers.roster import Inventory, Role, plan, words


class Kind(NamedTuple):
    """Workers that are like each other to Ray: any host with so many GPUs and cores takes one."""

    gpus: int
    threads: int
    queues: tuple[str, ...]
    memory: int

    @classmethod
    def of(cls, role: Role, has: Inventory, usual: float | None = None) -> Kind:
        """ROLE of a host that HAS this; a worker without cores of its own has them all, one without
        memory of its own USUAL gigabytes, or what the host gives."""
        gpus = int(role.device.startswith("cuda"))
        threads = 0 if gpus else len(role.cores or has.cores)
        alone = min(int(usual * 2**30), has.memory) if usual else int(SHARE * has.memory)
        return cls(gpus, threads, role.queues, role.memory or alone)

    @property
    def like(self) -> Kind:
        """What is alike in workers of this kind on hosts of other sizes."""
        return self._replace(memory=0)

    @property
    def told(self) -> str:
        """It in words."""
        return words("cuda" if self.gpus else "cpu", self.threads, self.memory, self.queues)


def wanted(
    rows: tuple[Workers, ...],
    able: tuple[str, ...],
    nodes: list[dict[str, Any]],
    usual: float | None = None,
    refused: Callable[[str, SettingsRefused], None] | None = None,
) -> list[Kind]:
    """The workers that the NODES of ray.nodes() carry: ROWS hold for each host, less the GPUs that
    it has not; one that has not the memory adds none, and REFUSED hears of it. SettingsRefused
    where all are so."""
    found: list[Kind] = []
    problems: list[SettingsRefused] = []
    there = [node for node in nodes if node["Alive"] and _carries(node)]
    for node in there:
        try:
            found += _kinds(rows, able, node["Resources"], usual)
        except SettingsRefused as problem:
            problems.append(problem)
            if refused:
                refused(str(node.get("NodeManagerAddress", "")), problem)
    if problems and len(problems) == len(there):
        raise problems[0]
    return found


def _carries(node: dict[str, Any]) -> bool:
    return any(node["Resources"].get(what, 0) for what in ("CPU", "GPU"))


def _kinds(
    rows: tuple[Workers, ...], able: tuple[str, ...], node: dict[str, float], usual: float | None
) -> list[Kind]:
    has = Inventory(
        tuple(f"cuda:{number}" for number in range(int(node.get("GPU", 0)))),
        tuple(range(int(node.get("CPU", 0)))),
        int(node.get("memory", 0)),
    )
    return [Kind.of(role, has, usual) for role in plan(_there(rows, has), able, has, usual)]


def _there(rows: tuple[Workers, ...], has: Inventory) -> tuple[Workers, ...]:
    """ROWS without the GPUs that this host has not; rows of which nothing is left are left out."""
    kept = [
        row.model_copy(
            update={
                "devices": tuple(name for name in row.devices if name in ("auto", "cpu", *has.gpus))
            }
        )
        for row in rows
    ]
    return tuple(row for row in kept if row.devices)
