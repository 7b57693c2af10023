"""A disk that misbehaves on purpose, in front of a real directory.

A plan looks at every file call before it is made and may answer with a fault: fail, do it but report an error, crash before it, crash
half-way through a write, show a stale look, mangle what is written, or let somebody else act first.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar

from layout.disk import Disk, Entry

T = TypeVar("T")
ERRNOS = (
    errno.EIO,
    errno.ENOSPC,
    errno.ESTALE,
    errno.EINTR,
    errno.EBUSY,
    errno.EDQUOT,
    errno.EROFS,
    errno.ETIMEDOUT,
)


class Crash(BaseException):
    """The process died here. Nothing below Exception may catch it, as nothing catches SIGKILL."""


class Call(NamedTuple):
    number: int
    name: str
    args: tuple[Any, ...]


class Fault(NamedTuple):
    """What happens to one call. ``kind``: fail, lost, crash, torn, unseen, mangle, meanwhile."""

    kind: str
    errno: int = errno.EIO
    act: Callable[[], object] = lambda: None


Plan = Callable[[Call], Fault | None]


def at(number: int, fault: Fault) -> Plan:
    """FAULT at the NUMBER-th call that it can happen to."""
    left = [number]

    def plan(call: Call) -> Fault | None:
        if not applies(fault, call):
            return None
        left[0] -= 1
        return fault if left[0] == 0 else None

    return plan


def applies(fault: Fault, call: Call) -> bool:
    if fault.kind == "torn":
        return call.name in ("write_new", "write_temporary", "copy", "write_in_place")
    if fault.kind == "unseen":
        return call.name in ("lstat", "scandir")
    if fault.kind == "mangle":
        return call.name in ("write_new", "copy")
    return True


class BadDisk(Disk):
    """PLAN decides; ``hit`` tells whether a fault was dealt. RENAMED hears of every rename that was performed."""

    def __init__(
        self,
        plan: Plan = lambda call: None,
        renamed: Callable[[Path, Path], None] = lambda source, target: None,
    ) -> None:
        super().__init__(durable=False)
        self.plan, self.renamed = plan, renamed
        self.number, self.hit, self.dead = 0, False, False

    def _do(self, call: str, function: Callable[..., T], *args: Any) -> T:
        if self.dead:
            raise Crash
        self.number += 1
        fault = self.plan(Call(self.number, call, args))
        if fault is None:
            return self._perform(call, function, *args)
        self.hit = True
        return self._misbehave(fault, call, function, *args)

    def _perform(self, call: str, function: Callable[..., T], *args: Any) -> T:
        result = super()._do(call, function, *args)
        if call == "rename":
            self.renamed(*args)
        return result

    def _misbehave(self, fault: Fault, call: str, function: Callable[..., T], *args: Any) -> Any:
        if fault.kind == "meanwhile":
            fault.act()
            return self._perform(call, function, *args)
        if fault.kind == "fail":
            return super()._do(call, _raise, fault.errno)
        if fault.kind == "lost":
            self._perform(call, function, *args)
            return super()._do(call, _raise, fault.errno)
        if fault.kind == "unseen":
            return _unseen(call, self._perform, function, *args)
        if fault.kind == "mangle":
            result = self._perform(call, function, *args)
            _flip(Path(args[1] if call == "copy" else args[0]))
            return result
        if fault.kind == "torn":
            _tear(call, *args)
        self.dead = True
        raise Crash


def _raise(number: int) -> NoReturn:
    raise OSError(number, os.strerror(number))


def _unseen(
    call: str, perform: Callable[..., Any], function: Callable[..., Any], *args: Any
) -> list[Entry]:
    """What an NFS client may see: a name hidden by a stale negative entry, or a listing that skipped one."""
    if call == "lstat":
        raise FileNotFoundError(errno.ENOENT, "hidden by a stale negative entry", str(args[0]))
    listing: list[Entry] = perform(call, function, *args)
    return sorted(listing)[:-1]


def _tear(call: str, *args: Any) -> None:
    """Half of the bytes arrive."""
    target, data = (
        (Path(args[1]), Path(args[0]).read_bytes()) if call == "copy" else (args[0], args[1])
    )
    target.write_bytes(data[: len(data) // 2])


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
