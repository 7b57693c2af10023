"""One tree, its hosts and its weather: what may go wrong at a file call, and what is remembered of
everything that happened."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from layout import names, tree
from layout.disk import Disk
from layout.init import init
from layout.tree import Atlas, State
from tests.simulation.coverage import AIM, BLUR, BLUR_GOAL, BLUR_JOB, CALLS, EVENTS, HABITS, LOOKS
from tests.simulation.disk import KINDS, POWER, TEARABLE, WRITES, SimDisk
from tests.simulation.edges import letter
from tests.simulation.hub import Host, Hub, Process

LATELY = 5.0  # seconds for which a fault that was met at no job's path counts for the next edge
BEFORE = frozenset({"lstat", "scandir", *TEARABLE})
ORDERS: tuple[Callable[[list[Any]], list[Any]], ...] = (
    sorted,
    lambda listing: sorted(listing, reverse=True),
    lambda listing: sorted(listing, key=_shuffled),
)
AT_EDGES = (*CALLS, *EVENTS, *HABITS)


def _shuffled(entry: Any) -> int:
    """In an order that has nothing to do with names, and is the same in every process."""
    return zlib.crc32(os.fsencode(entry if isinstance(entry, str) else entry[0]))


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
        self.closed: set[str] = set()  # those of them that nobody ever mends
        self.cursed: set[str] = set()  # stand still for ever, with words: only a person can help
        self.calm, self.versions = False, 1
        # what kinds of faults this world knows (swarm testing), and how often they come
        self.kinds = [kind for kind in KINDS if self.dice.random() < 0.5]
        self.rate = self.dice.choice((0.0, 0.002, 0.005, 0.01, 0.02)) if self.kinds else 0.0
        self.aims = self.dice.choice((0.0, 0.5, 1.0, 1.0, 1.0))
        self.switching = self.dice.choice((0.05, 0.2, 0.5))
        self.order = self.dice.choice(ORDERS)  # of listings, whatever the file system does
        self.pace = self.dice.choice((0.3, 0.6, 1.2, 2.5))  # seconds that a stage takes on average
        self.strikes: dict[str, Callable[[Process, Path, Path], None]] = {}  # what befalls an edge
        self.trace: list[str] = []
        self.met_by: Counter[tuple[str, str]] = Counter()  # (edge, fault) → how often
        # job or entry of inbox/ → what befell it since its last edge
        self.scars: dict[str, set[str]] = defaultdict(set)
        self.hooks: list[Any] = []  # oracles: heard of every edge
        self.engine_died: Callable[[str], None] = lambda name: None  # hears of the start
        self.calls = 0
        self.blurred = float("-inf")  # when a host last saw an old listing, or less than there was
        self._prefix = str(self.root)

    def say(self, who: str, what: str) -> None:
        what = what.replace(f"{self.folder}/", "")  # another one each time
        self.trace.append(f"{self.hub.now:9.3f}  {who:28} {what}")

    def disk(self, process: Process) -> SimDisk:
        return SimDisk(self, process)

    def short(self, path: Any) -> str:
        text = str(path)
        return text.removeprefix(f"{self.root}/").removeprefix(f"{self.folder}/")

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
        """What befalls CALL: an error number, a kind of fault, or None."""
        if self.weather or self.denied:
            found = self._in_weather(process, call, str(args[0]))
            if found is not None or self.calm:
                return found
        if self.calm:
            return None
        aimed = self.aims and self._aimed(process, call, args)
        if aimed or self.dice.random() >= self.rate:
            return aimed or None
        if call != "copy" and not str(args[0]).startswith(self._prefix):
            return None  # this host's own scratch
        kind = self.dice.choice(self.kinds)
        return kind if self._fits(kind, call, args) else None

    def _aimed(self, process: Process, call: str, args: tuple[Any, ...]) -> Any:
        """What befalls an edge, or a look or a write that comes before one; the rarer, the
        likelier."""
        if call == "rename" and (edge := letter(self, *args)):
            if self.dice.random() < AIM[edge] * self.aims:
                return self._at(process, edge, self.dice.choice(AT_EDGES), *args)
        elif (
            call in BEFORE
            and (thrown := self.dice.random()) < BLUR_GOAL
            and thrown < self._blur(call, args)
        ):
            return self.dice.choice(
                [kind for kind in LOOKS if self._fits(kind, call, args)] or [None]
            )
        return None

    @staticmethod
    def _closes(folder: str, path: str, call: str) -> bool:
        """Nobody but its owner looks into FOLDER, or moves it to another one."""
        looks = call in ("rename", "rmdir", "scandir", "names")
        return path == folder if looks and path == folder else path.startswith(f"{folder}/")

    def _in_weather(self, process: Process, call: str, path: str) -> int | str | None:
        if call != "copy" and not path.startswith(self._prefix):
            return None  # this host's own scratch
        if any(self._closes(one, path, call) for one in self.denied):
            return "denied"
        for weather in self.weather:
            if (
                self.hub.now < weather.until
                and weather.host in (None, process.host)
                and (weather.calls is None or call in weather.calls)
            ):
                return weather.kind
        return None

    def _fits(self, kind: str, call: str, args: tuple[Any, ...]) -> bool:
        if kind == "mangled":
            target = str(args[1] if call == "copy" else args[0])
            return call in ("write_new", "copy") and target.startswith(str(self.atlas.staging))
        if kind == "power cut":
            return self.dice.random() < POWER
        fits = {
            "torn": TEARABLE, "unseen": ("lstat",), "skipped": ("scandir",), "stale": ("scandir",),
            "lost": WRITES, "lost reply": ("rename", "mkdir", "unlink", "rmdir"),
        }  # fmt: skip
        return kind not in fits or call in fits[kind]

    def _blur(self, call: str, args: tuple[Any, ...]) -> float:
        """How likely a CALL that comes before edges shows less than there is, or is torn."""
        path = args[1] if call == "copy" else args[0]
        if call in TEARABLE or not self.key(path):
            return BLUR if call == "scandir" or self.key(path) else 0.0
        return BLUR_GOAL if call == "lstat" and self.short(path).count("/") == 1 else BLUR_JOB

    def _at(self, process: Process, edge: str, kind: str, source: Path, target: Path) -> Any:
        """KIND befalls an edge at its very rename: a fault of the call is for the disk to deal."""
        if kind in self.strikes:
            self.met_by[edge, kind] += 1
            self.say(process.name, f"! {kind} at edge {edge} of {self.short(source)}")
            self.strikes[kind](process, source, target)
            return self._in_weather(process, "rename", str(source))
        number = getattr(errno, kind, None)
        return "denied" if kind == "EACCES" else number if number is not None else kind

    def met(self, process: Process, kind: Any, call: str, args: tuple[Any, ...]) -> None:
        """KIND was dealt at CALL, which may be an edge; else it counts for the next edge of the
        job whose path that was."""
        name = errno.errorcode[kind] if isinstance(kind, int) else str(kind)
        name = "EACCES" if name == "denied" else name
        if name in ("stale", "skipped"):
            self.blurred = self.hub.now
        self.say(process.name, f"! {name} at {call} {self.short(args[0])}")
        if call == "rename" and (edge := letter(self, *args)):
            self.met_by[edge, name] += 1
        elif key := self.key(args[1] if call == "copy" else args[0]):
            self.scars[key].add(name)
        else:
            process.faults[name] = self.hub.now
        for hook in self.hooks:
            hook.met(process, name, call)

    def key(self, path: Any) -> str | None:
        """The job, or the entry of inbox/, that PATH belongs to."""
        parts = self.short(path).split("/")
        if parts[0] in STATES and len(parts) > 1:
            return names.id_of(parts[1]) or parts[1]
        if parts[0] == ".pipeline" and len(parts) > 2 and parts[1] in ("staging", "drafts"):
            return names.id_of(parts[2])
        return None

    def scar(self, path: Any, what: str) -> None:
        if key := self.key(path):
            self.scars[key].add(what)

    def moved(self, process: Process | None, source: Path, target: Path) -> None:
        edge = letter(self, source, target)
        if process is None and edge not in ("h", "i"):
            edge = ""
        who = process.name if process else "a person"
        if edge:
            self.say(who, f"{edge}: {self.short(source)} → {self.short(target)}")
            found = self.scars.pop(self.key(target) or "", set())
            found |= self.scars.pop(self.key(source) or "", set())
            if process:
                since = self.hub.now - LATELY
                found |= {name for name, at in process.faults.items() if at >= since}
                process.faults.clear()
            for fault in found or {"none"}:
                self.met_by[edge, fault] += 1
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


STATES = frozenset(state.value for state in State)
