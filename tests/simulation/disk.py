"""The share as one process of the simulation sees it: a real folder in memory, in front of which things go wrong.

Every file call may be late, fail, be done and yet report an error, be answered from a stale cache, be torn, or be the last thing that its
process does. What was not made durable before a power cut is lost (``World.power_cut``).
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from layout import tree
from layout.disk import Disk, Entry
from tests.simulation.hub import Process
from tests.support.baddisk import ERRNOS, Crash, _flip

if TYPE_CHECKING:
    from tests.simulation.world import World

WRITES = frozenset(
    {
        "rename",
        "mkdir",
        "rmdir",
        "unlink",
        "write_new",
        "write_in_place",
        "write_temporary",
        "replace",
        "copy",
        "remove_tree",
    }
)
TEARABLE = frozenset({"write_new", "write_temporary", "write_in_place", "copy"})
DURABLE = {
    "copy": 2,
    "write_new": 3,
    "write_temporary": 3,
    "write_in_place": 3,
}  # which argument asks for it
CACHED = 30.0  # seconds that a host may show an old listing
KINDS = (
    "error",
    "refused",
    "lost",
    "lost reply",
    "hung",
    "dies before",
    "dies after",
    "torn",
    "unseen",
    "skipped",
    "stale",
    "mangled",
    "power cut",
)
LOOKS, JOB = ("lstat", "read"), f"/{tree.JOB}"
ANSWERS = {"away": errno.ENOENT, "denied": errno.EACCES, "refused": errno.EPERM}
POWER = 0.05  # share of those power cuts that do happen: one ends everybody


class Attributes(NamedTuple):
    """os.stat_result, with times of the simulated clock."""

    st_ino: int
    st_size: int
    st_mode: int
    st_nlink: int
    st_mtime_ns: int
    st_ctime_ns: int
    st_mtime: float


def _raised(error: OSError) -> None:
    raise error


class SimDisk(Disk):
    """File calls of PROCESS."""

    def __init__(self, world: World, process: Process) -> None:
        super().__init__(durable=True)
        self.world, self.process = world, process

    def _do(self, call: str, function: Callable[..., Any], *args: Any) -> Any:
        if self.process.dead:
            raise Crash
        if call == "fsync_dir":
            return None
        world = self.world
        world.fate.late(call)
        kind = world.fate.of(self.process, call, args)
        if self.process.dead:
            raise Crash
        if kind == "stale" and self._remembered(function, args[0]) is None:
            kind = "skipped"
        if kind is None:
            try:
                result = self._perform(call, function, *args)
            except OSError as error:
                return super()._do(call, _raised, error)
        else:
            world.fate.met(self.process, kind, call, args)
            result = super()._do(call, self._misbehave, kind, call, function, *args)
        if call == "scandir" and str(args[0]) == world.claimed:
            for hook in world.hooks:
                hook.listed(self.process, [entry[0] for entry in result])
        elif call in LOOKS and str(args[0]).startswith(world.claimed):
            self._looked(str(args[0]))
        return result

    def _looked(self, path: str) -> None:
        """At PATH in claimed/."""
        if path.endswith(JOB):
            for hook in self.world.hooks:
                hook.looked(self.process, os.path.dirname(path))

    def _perform(self, call: str, function: Callable[..., Any], *args: Any) -> Any:
        if call == "lstat":
            return self._dated(os.lstat(args[0]))
        if call == "sync_around":  # no platter here
            return None
        if call in TEARABLE:
            return self._contents(call, function, *args)
        result = function(*args)
        if call in WRITES and self.process.host.stale:  # what a host did itself it sees at once
            for path in args[:2]:
                self.process.host.stale.pop(os.path.dirname(path), None)
        if call == "rename":
            self.world.moved(self.process, *args)
        if call in ("scandir", "names"):
            result = self.world.order(result)
        if call == "scandir":
            if result and not isinstance(result[0], Entry):
                result = [(*one[:2], one[2] and self._dated(one[2])) for one in result]
            if self.world.fate.aim.on or "stale" in self.world.fate.kinds:
                self.process.host.stale[str(args[0])] = (self.world.hub.now, function, result)
        return result

    def _contents(self, call: str, function: Callable[..., Any], *args: Any) -> Any:
        """Write without waiting for a platter; remember what nobody asked to be made durable."""
        at, target = DURABLE[call], args[1] if call == "copy" else args[0]
        result = function(*args[:at], False, *args[at + 1 :])
        if call == "write_in_place":
            self.process.silent = self.world.hub.now - self.process.beaten
            self.process.beaten = self.world.hub.now
        elif not args[at]:
            self.world.volatile.add(os.lstat(target).st_ino)
        return (result[0], self._dated(result[1])) if call == "copy" else result

    def _dated(self, found: os.stat_result) -> Attributes:
        at = self.world.touched.get(found.st_ino, 0)
        return Attributes(
            found.st_ino, found.st_size, found.st_mode, found.st_nlink, at, at, at / 1e9
        )

    # -- what goes wrong -----------------------------------------------------------------------
    def _misbehave(self, kind: str, call: str, function: Callable[..., Any], *args: Any) -> Any:
        number = self.world.hub.dice.choice(ERRNOS)
        if isinstance(kind, int) or kind in ANSWERS:
            raise self._error(ANSWERS.get(kind, kind), call, *args)
        if kind == "error":
            raise self._error(number, call, *args)
        if kind == "lost":
            self._perform(call, function, *args)
            raise self._error(number, call, *args)
        if (
            kind == "lost reply"
        ):  # sent again: the server finds nothing to rename, or the name taken
            self._perform(call, function, *args)
            again = errno.ENOENT if call in ("rename", "unlink", "rmdir") else errno.EEXIST
            raise self._error(again, call, *args)
        if kind == "hung":
            spell = self.world.hub.dice.choice((1, 4, 10, 30, 80))
            self.world.hub.sleep(spell * self.world.shape.spells)
            return self._perform(call, function, *args)
        if kind == "mangled":
            result = self._perform(call, function, *args)
            _flip(Path(args[1] if call == "copy" else args[0]))
            return result
        if kind in ("unseen", "skipped", "stale"):
            return self._stale(kind, call, function, *args)
        if kind == "power cut":
            self.world.power_cut()
        if kind == "dies after":
            self._perform(call, function, *args)
        if kind == "torn":
            with contextlib.suppress(OSError):
                self._tear(call, *args)
        self.process.die()
        raise Crash

    def _error(self, number: int, call: str, *args: Any) -> OSError:
        """As the system raises it: of the path on the share, of both where one becomes the other."""
        words = os.strerror(number)
        if call in ("rename", "replace"):
            return OSError(number, words, str(args[0]), None, str(args[1]))
        root = str(self.world.root)
        shared = (str(path) for path in args[:2] if str(path).startswith(root))
        return OSError(number, words, next(shared, str(args[0])))

    def _stale(self, kind: str, call: str, function: Callable[..., Any], *args: Any) -> list[Entry]:
        if kind == "unseen":
            raise FileNotFoundError(errno.ENOENT, "hidden by a stale negative entry", str(args[0]))
        old = self._remembered(function, args[0]) if kind == "stale" else None
        if old is not None:
            return list(old)
        listing = self._perform(call, function, *args)
        left = self.world.hub.dice.randrange(len(listing)) if listing else 0
        return [entry for k, entry in enumerate(listing) if k != left]

    def _remembered(self, function: Callable[..., Any], path: Any) -> list[Entry] | None:
        """The listing of PATH that this host's cache still holds."""
        at, how, listing = self.process.host.stale.get(str(path), (0.0, None, []))
        return listing if how is function and self.world.hub.now - at < CACHED else None

    def _tear(self, call: str, *args: Any) -> None:
        target, data = (
            (Path(args[1]), Path(args[0]).read_bytes()) if call == "copy" else (args[0], args[1])
        )
        if call != "write_in_place" and target.exists():
            return
        target.write_bytes(data[: len(data) // 2])
