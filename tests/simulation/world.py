"""One tree, its hosts and its weather: what may go wrong at a file call, and what is remembered of everything that happened."""

from __future__ import annotations

import errno
import hashlib
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from layout import names, tree
from layout.disk import Disk
from layout.init import init
from layout.tree import Atlas, State
from tests.simulation.disk import KINDS, TEARABLE, WRITES, SimDisk
from tests.simulation.edges import letter
from tests.simulation.hub import Host, Hub, Process


class Broken(BaseException):
    """A promise of docs/lifecycle.md does not hold."""


class Weather(NamedTuple):
    """For a while every call of CALLS (None: all) on HOST (None: everywhere) fails."""

    kind: int | str
    calls: frozenset[str] | None
    host: Host | None
    until: float


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
    """SEED decides everything."""

    def __init__(self, root: Path, seed: int) -> None:
        self.seed, self.dice = seed, random.Random(seed)
        self.hub = Hub(self.dice)
        self.atlas: Atlas = init(root / "atlas", Disk(durable=False))[0]
        self.root, self.folder = self.atlas.root, root
        self.files: dict[int, File] = {}  # by inode
        self.touched: dict[int, int] = {}  # inode → simulated time of its last change, ns
        self.volatile: set[int] = set()  # inodes that a power cut empties
        self.hosts = [
            Host(name, self.dice.uniform(0, 1e6))
            for name in ("prometheus", "deucalion")[: self.dice.choice((1, 2, 2))]
        ]
        self.weather: list[Weather] = []
        self.denied: set[str] = set()
        self.calm = False
        # what kinds of faults this world knows (swarm testing), and how often they come
        self.kinds = [kind for kind in KINDS if self.dice.random() < 0.5]
        self.rate = self.dice.choice((0.0, 0.002, 0.005, 0.01, 0.02)) if self.kinds else 0.0
        self.switching = self.dice.choice((0.05, 0.2, 0.5))
        self.trace: list[str] = []
        self.coverage: Counter[tuple[str, str]] = Counter()
        self.hooks: list[Any] = []  # oracles: heard of every edge
        self.engine_died: Callable[[str], None] = lambda name: None  # hears of the start
        self.calls = 0

    def say(self, who: str, what: str) -> None:
        self.trace.append(f"{self.hub.now:9.3f}  {who:28} {what}")

    def disk(self, process: Process) -> SimDisk:
        return SimDisk(self, process)

    def short(self, path: Any) -> str:
        text = str(path)
        return text.removeprefix(str(self.root) + "/").removeprefix(str(self.folder) + "/")

    # -- the disk asks -------------------------------------------------------------------------
    def late(self, call: str) -> None:
        """A call takes time; during some of them others go on."""
        self.calls += 1
        often = self.switching if call in WRITES else self.switching / 4
        if self.dice.random() < often:
            self.hub.sleep(self.dice.expovariate(1 / (0.3 if self.dice.random() < 0.1 else 0.01)))
        else:
            self.hub.now += 0.0002

    def fate(self, process: Process, call: str, args: tuple[Any, ...]) -> Any:
        path = str(args[0])
        if not path.startswith(str(self.root)) and call != "copy":
            return None  # this host's own scratch
        for one in self.denied:
            if path.startswith(one) and len(path) > len(one):
                return "denied"
        for weather in self.weather:
            if (
                self.hub.now < weather.until
                and weather.host in (None, process.host)
                and (weather.calls is None or call in weather.calls)
            ):
                return weather.kind
        if self.calm or self.dice.random() >= self.rate:
            return None
        kind = self.dice.choice(self.kinds)
        fits = {
            "torn": call in TEARABLE, "unseen": call == "lstat", "skipped": call == "scandir", "stale": call == "scandir",
            "mangled": call in ("write_new", "copy") and str(args[1] if call == "copy" else path).startswith(str(self.atlas.staging)),
            "lost": call in WRITES, "lost reply": call in ("rename", "mkdir", "unlink", "rmdir"),
        }  # fmt: skip
        return kind if fits.get(kind, True) else None

    def met(self, process: Process, kind: Any, call: str, args: tuple[Any, ...]) -> None:
        name = errno.errorcode[kind] if isinstance(kind, int) else str(kind)
        process.faults.add(name)
        self.say(process.name, f"! {name} at {call} {self.short(args[0])}")
        if call == "rename":
            self.coverage[letter(self, *args), f"{name}, at the edge"] += 1

    def moved(self, process: Process | None, source: Path, target: Path) -> None:
        edge = letter(self, source, target)
        if process is None and edge not in ("h", "i"):
            edge = ""
        who = process.name if process else "a person"
        if edge:
            self.say(who, f"{edge}: {self.short(source)} → {self.short(target)}")
            for fault in (process.faults if process else ()) or {"none"}:
                self.coverage[edge, fault] += 1
            if process:
                process.faults = set()
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
        """Where every file of a person stands: paths relative to the root, of drafts/ and trash/ too."""
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
