"""One tree, its hosts and its weather: what may go wrong at a file call, and what is remembered of
everything that happened."""

from __future__ import annotations

import functools
import hashlib
import os
import random
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from layout import names, tree
from layout.disk import Disk
from layout.init import init
from layout.tree import Atlas, State
from tests.simulation import steer
from tests.simulation.disk import SimDisk
from tests.simulation.edges import letter
from tests.simulation.fate import Fate
from tests.simulation.hub import Host, Hub, Process
from tests.simulation.shapes import DRILL, MINUTES, Shape

ORDERS: tuple[Callable[[list[Any]], list[Any]], ...] = (
    sorted,
    lambda listing: sorted(listing, reverse=True),
    lambda listing: sorted(listing, key=_shuffled),
)


def _shuffled(entry: Any) -> int:
    """In an order that has nothing to do with names, and is the same in every process."""
    return _turn(entry if isinstance(entry, str) else entry[0])


@functools.lru_cache(1 << 14)
def _turn(name: str) -> int:
    return zlib.crc32(os.fsencode(name))


class Broken(BaseException):
    """A promise of docs/lifecycle.md does not hold."""


class Version(NamedTuple):
    at: float
    sha256: str


class File:
    """A file that a person wrote, wherever it stands now."""

    def __init__(self, path: str) -> None:
        self.path, self.versions, self.gone = path, list[Version](), False

    def wrote(self, at: float, data: bytes) -> None:
        self.versions.append(Version(at, hashlib.sha256(data).hexdigest()))


class World:
    """SEED decides everything, in a play of SHAPE."""

    def __init__(self, root: Path, seed: int, shape: Shape = MINUTES) -> None:
        self.seed, self.dice, self.shape = seed, random.Random(seed), shape
        self.target = steer.target(seed) if shape.steered else ("", "")
        leans = steer.DRILLED if shape == DRILL else steer.LEANS
        self.lean = leans.get(self.target[0], steer.USUAL)
        self.hub = Hub(self.dice)
        self.atlas: Atlas = init(root / "atlas", Disk(durable=False))[0]
        self.root, self.folder = self.atlas.root, root
        self.claimed = str(self.atlas.claimed)
        self.files: dict[int, File] = {}  # by inode
        self.touched: dict[int, int] = {}  # inode → simulated time of its last change, ns
        self.volatile: set[int] = set()  # inodes that a power cut empties
        self.hosts = [
            Host(name, self.dice.uniform(0, 1e6))
            for name in ("prometheus", "deucalion")[: self.dice.choice((1, 2, 2))]
        ]
        self.cursed: set[str] = set()  # stand still for ever, with words: only a person can help
        self.calm, self.versions = False, 1
        self.fate = Fate(self)
        self.order = self.dice.choice(ORDERS)  # of listings, whatever the file system does
        # seconds that a stage takes on average
        self.pace = self.dice.choice((0.1, 0.2, 0.4, 0.8)) * shape.pace
        self.trace: list[str] = []
        self.hooks: list[Any] = []  # oracles: heard of every edge
        self.engine_died: Callable[[str], None] = lambda name: None  # hears of the start

    def say(self, who: str, what: str) -> None:
        what = what.replace(f"{self.folder}/", "")  # another one each time
        self.trace.append(f"{self.hub.now:9.3f}  {who:28} {what}")

    def disk(self, process: Process) -> SimDisk:
        return SimDisk(self, process)

    def short(self, path: Any) -> str:
        text = str(path)
        return text.removeprefix(f"{self.root}/").removeprefix(f"{self.folder}/")

    def moved(self, process: Process | None, source: Path, target: Path) -> None:
        edge = letter(self, source, target)
        if process is None and edge not in ("h", "i"):
            edge = ""
        who = process.name if process else "a person"
        if edge:
            self.say(who, f"{edge}: {self.short(source)} → {self.short(target)}")
            self.fate.passed(process, edge, source, target)
        for hook in self.hooks:
            hook.moved(process, source, target, edge)

    # -- the world acts ------------------------------------------------------------------------
    def power_cut(self) -> None:
        """Every host goes down at once, and Atlas loses what nobody made durable."""
        for host in self.hosts:
            self.reboot(host)
        for folder, _, found in os.walk(self.root):
            for name in found:
                path = os.path.join(folder, name)
                if os.lstat(path).st_ino in self.volatile:
                    os.truncate(path, 0)
        self.volatile.clear()
        self.say("the world", "power cut")

    def reboot(self, host: Host) -> None:
        host.boots += 1
        host.offset, host.paused = self.dice.uniform(0, 1e6), 0.0
        host.stale.clear()
        for process in list(host.processes):
            process.die()

    def inodes(self) -> dict[int, list[str]]:
        """Where every file of a person stands: paths relative to the root, of drafts/ and trash/
        too."""
        found: dict[int, list[str]] = {}
        ahead = [str(self.root / state) for state in State] + [
            str(self.atlas.drafts),
            str(self.atlas.trash),
            str(self.atlas.staging),
        ]
        while ahead:
            with os.scandir(ahead.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name not in (tree.OUTPUT, tree.WORK, tree.EARLIER):
                            ahead.append(entry.path)
                    elif (inode := entry.inode()) in self.files:
                        found.setdefault(inode, []).append(entry.path)
        return found

    def draw(self, length: int) -> str:
        return "".join(self.dice.choice(names.ALPHABET) for _ in range(length))
