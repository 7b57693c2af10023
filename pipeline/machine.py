"""What this process may use of its machine: the least of what there is and what its control groups
(a container, a systemd slice, a cpuset) leave of it. Linux; cgroup v1 and v2, see cgroups(7).
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
from collections.abc import Iterator
from pathlib import Path

SHARE = 0.8  # of the memory goes to engines
OWN = Path("/proc/self/cgroup")
TREES = Path("/sys/fs/cgroup")


def memory() -> int:
    """Bytes. memory.high counts like memory.max: what takes more is slowed down to a standstill."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for group in _groups("memory"):
        for name in ("memory.max", "memory.high", "memory.limit_in_bytes"):
            found += [int(word) for word in _words(group / name) if word.isdigit()]
    return min(found)


def cores() -> tuple[int, ...]:
    """The cores that this process may run on: no more of them than its quota of processor time
    fills, so that nothing starts sixty-four threads on the time of two."""
    allowed = sorted(os.sched_getaffinity(0))
    count = max(1, min(len(allowed), int(_quota())))
    return tuple(allowed) if count == len(allowed) else _some(tuple(allowed), count)


@functools.cache
def _some(allowed: tuple[int, ...], count: int) -> tuple[int, ...]:
    """By chance, for the next container on this machine must not be kept to the same ones."""
    return tuple(sorted(random.sample(allowed, count)))


def _quota() -> float:
    """Cores' worth of time."""
    found = [float(os.cpu_count() or 1)]
    for group in _groups("cpu"):
        words = _words(group / "cpu.max")
        words = words or _words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us")
        if len(words) == 2 and words[0].isdigit() and int(words[1]):
            found.append(int(words[0]) / int(words[1]))
    return min(found)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process's control groups, and of those around them, that may hold limits
    of CONTROLLER. In a container the top is its own group, whatever path stands in /proc."""
    for line in _lines(OWN):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        tops = [TREES / controller] if controllers else [TREES, TREES / "unified"]
        inner = Path(path.lstrip("/"))
        for top in tops:
            yield from (top / part for part in (inner, *inner.parents) if ".." not in part.parts)


def has_terminal() -> bool:
    """Whether a terminal controls this process, whatever its output goes to."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return path.read_text().splitlines()
    return []
