"""The tree on Atlas: the only file that spells a folder name. What lies where, who writes and who
reads it: ``layout/paths.py``."""

from __future__ import annotations

import datetime
import functools
import secrets
import stat
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TypeVar

from layout import names, rights
from layout.disk import OWN, Disk, Entry, LineFault
from layout.manifest import AtlasFile, NewerFormat, Unreadable

T = TypeVar("T")


class State(StrEnum):
    """Where a job can be. The folder is the state; the order is that of a job's life."""

    INBOX = "inbox"
    CLAIMED = "claimed"
    PROCESSING = "processing"
    DONE = "done"
    FAILED = "failed"


INPUT, OUTPUT, WORK, EARLIER = "input", "output", "work", "earlier"
CHECKSUMS, LOG, PROGRESS_LINE, ERROR_TEXT = (
    "checksums.sha256",
    "log.txt",
    "PROGRESS.txt",
    "error.txt",
)
JOB, ERROR, PROGRESS, IDENTITY = "job.json", "error.json", "progress.json", "atlas.json"
JOB_TOML, PROMPT, REQUEST = "job.toml", "prompt.txt", "request.json"
# set aside in earlier/<n>/ before a new run
OF_ONE_RUN = (OUTPUT, ERROR_TEXT, ERROR, LOG, PROGRESS, PROGRESS_LINE)
CONFIG_FILE, KEYS_FILE, SIGNING_FILE = "inbox3d.toml", "keys", "webhook-secret"


# any case: they say that a drop is complete
MARKERS = frozenset({"go", "go.txt", "ready", "ready.txt"})


def is_ours(path: str) -> bool:
    """Does the file at PATH in a drop speak to the pipeline: a job.toml, a marker, a request?"""
    name = path.rpartition("/")[2].lower()
    return is_job_toml(name) or name in MARKERS or name == "request.json"


def is_job_toml(name: str) -> bool:
    """Is NAME, without a folder, that of a job.toml? In any case, and with the .txt that editors
    add unseen."""
    return name.lower() in (JOB_TOML, f"{JOB_TOML}.txt")


class Place(NamedTuple):
    """Where a job's folder stands, read from its path alone. ``worker`` only in processing/,
    ``queue`` only in claimed/."""

    state: State
    path: Path
    id: str
    n: int = 0
    queue: str | None = None
    worker: str | None = None
    hidden: bool = False


class Atlas:
    """The storage tree below ROOT, seen through DISK."""

    def __init__(self, root: Path | str, disk: Disk | None = None) -> None:
        self.root = Path(root).absolute()
        self.disk = disk or Disk()
        self._states = {state: self.root / state for state in State}
        self.inbox, self.claimed, self.processing, self.done, self.failed = self._states.values()
        self.inputs = self.root / "inputs"
        self.pipeline = self.root / OWN
        self.identity_file = self.pipeline / IDENTITY
        self.config, self.idem, self.drafts, self.staging, self.workers, self.trash = (
            self.pipeline / name
            for name in ("config", "idem", "drafts", "staging", "workers", "trash")
        )
        self.labels = self.pipeline / "labels"
        self.config_file, self.keys_file, self.signing_file = (
            self.config / name for name in (CONFIG_FILE, KEYS_FILE, SIGNING_FILE)
        )
        self.status_file = self.inbox / names.STATUS_NAME
        self.arrivals_file = self.pipeline / "arrivals.json"

    def folders(self) -> list[Path]:
        """Every directory that ``init`` makes, parents first."""
        return [
            *(self.root / state for state in State), self.inputs, self.pipeline,
            self.config, self.idem, self.drafts, self.staging, self.workers, self.trash,
            self.labels,
        ]  # fmt: skip

    # -- identity ------------------------------------------------------------------------------
    def identity(self) -> AtlasFile:
        """atlas.json; LineFault where it is missing: an unmounted share is never taken for an empty
        inbox."""
        try:
            return AtlasFile.load(self.disk.read(self.identity_file))
        except PermissionError as error:
            raise LineFault(error.errno, rights.words(error, self.root)) from error
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LineFault(
                error.errno,
                f"no atlas.json below {self.root}: the share is away, or `inbox3d init` was never"
                " run here",
            ) from error
        except (Unreadable, NewerFormat) as error:
            raise LineFault(0, f"{self.identity_file}: {error}") from error

    def guard(self, known: AtlasFile, found: AtlasFile | None = None) -> None:
        """Raise LineFault unless this is still the tree, in the epoch, that KNOWN describes. FOUND:
        what was read just now."""
        found = found or self.identity()
        if (found.uuid, found.epoch) != (known.uuid, known.epoch):
            raise LineFault(0, f"{self.root} is another tree (or a restored one) than at the start")

    def halted(self, inbox: list[str] | None = None) -> str | None:
        """The path of a HALT file relative to the root, found by listing, or None. A folder of that
        name halts nothing; what is listed and not to be seen halts. INBOX: what the caller has just
        listed in inbox/, which may hold ten thousand names."""
        for folder in (self.root, self.inbox):
            known = inbox if folder == self.inbox else None
            listed = self._list(folder, self.disk.names) if known is None else known
            for name in filter(names.is_halt, listed):
                found = self.disk.lstat(folder / name)
                if found is None or not stat.S_ISDIR(found.st_mode):
                    return str((folder / name).relative_to(self.root))
        return None

    # -- paths of a job ------------------------------------------------------------------------
    def at_claimed(self, id: str, queue: str, n: int, hidden: bool = False) -> Place:
        path = self.claimed / _checked(names.claimed_name(id, queue, n, hidden=hidden))
        return Place(State.CLAIMED, path, id, n, queue=queue, hidden=hidden)

    def at_processing(self, id: str, worker: str, n: int) -> Place:
        return Place(
            State.PROCESSING,
            self.processing / _checked(names.processing_name(id, worker, n)),
            id,
            n,
            worker=worker,
        )

    def at_done(self, id: str) -> Place:
        return Place(State.DONE, self.done / id, id)

    def at_failed(self, id: str) -> Place:
        return Place(State.FAILED, self.failed / id, id)

    def at_inbox(self, name: str) -> Place:
        return Place(State.INBOX, self.inbox / name, names.id_of(name) or "")

    def draft(self, id: str) -> Path:
        return self.drafts / id

    def staged(self, place: Place) -> Path:
        """The staging folder for PLACE: it bears the same name."""
        return self.staging / place.path.name

    def heartbeat(self, worker: str) -> Path:
        return self.workers / f"{worker}.json"

    def labelled(self, id: str) -> Path:
        return self.labels / f"{id}.json"

    def trash_name(self, name: str) -> Path:
        """A name in trash/ that never recurs; the date says when it went there."""
        today = datetime.datetime.now(datetime.UTC)
        return self.trash / f"{today:%Y-%m-%d}~{name.lstrip('.')}.{secrets.token_hex(4)}"

    # -- listings ------------------------------------------------------------------------------
    def entries(self, state: State) -> list[Entry]:
        return self._list(self._states[state], self.disk.scandir)

    def names(self, state: State) -> list[str]:
        """What stands in STATE's folder, by name alone."""
        return self._list(self._states[state], self.disk.names)

    def _list(self, folder: Path, how: Callable[[Path], list[T]]) -> list[T]:
        """A listing of one of the tree's own folders; where that is missing the share is away, not
        empty."""
        try:
            return how(folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise LineFault(
                error.errno,
                f"{folder} is missing: the share is away, or `inbox3d init` was never run here",
            ) from error

    def places(self, state: State) -> list[Place]:
        """Job folders in STATE by one listing, in name order; whatever is not a job's is left out
        (strangers())."""
        found = (self.place(state, entry) for entry in self.entries(state))
        return sorted((place for place in found if place), key=lambda place: place.path.name)

    def strangers(self, state: State, jobs: set[str] | None = None) -> list[str]:
        """Folders and files in STATE that are not jobs: left alone, but named in STATUS.txt and by
        doctor. JOBS: names that were jobs' at the caller's last look; not judged again, for
        there may be a hundred thousand."""
        if state is State.INBOX:
            return []
        jobs = set() if jobs is None else jobs
        listed = self.names(state)
        jobs.intersection_update(listed)
        if len(jobs) == len(listed):
            return []
        others = [entry for entry in self.entries(state) if entry.name not in jobs]
        jobs.update(entry.name for entry in others if self.place(state, entry))
        return sorted(
            entry.name
            for entry in others
            if entry.name not in jobs and not names.ignored(entry.name, entry.is_dir)
        )

    def place(self, state: State, entry: Entry) -> Place | None:
        """What ENTRY of STATE's folder is, or None where it is no job's."""
        return _place(state, self._states[state], entry.name) if entry.is_dir else None


@functools.lru_cache(names.KNOWN)
def _place(state: State, folder: Path, name: str) -> Place | None:
    """What a folder of that NAME in FOLDER is: told by the name alone, and asked at every look."""
    path = folder / name
    if state in (State.DONE, State.FAILED) and names.is_id(name):
        return Place(state, path, name)
    parsed = names.parse_claimed(name)
    if state is State.CLAIMED:
        return (
            Place(state, path, parsed.id, parsed.n, queue=parsed.queue, hidden=parsed.hidden)
            if parsed
            else None
        )
    if state is State.PROCESSING:
        held = names.parse_processing(name)
        return Place(state, path, held.id, held.n, worker=held.worker) if held else None
    if state is State.INBOX:
        ignored = names.ignored(name, folder=True)
        return (
            None
            if ignored
            else Place(state, path, names.id_of(name) or "", parsed.n if parsed else 0)
        )
    if parsed:  # dragged here under its working name: tidied later
        return Place(state, path, parsed.id, parsed.n)
    return _twin(state, path)


def _twin(state: State, path: Path) -> Place | None:
    """``<id>-<n>``: the name a job got because ``<id>`` was taken."""
    id, _, n = path.name.rpartition("-")
    return Place(state, path, id, int(n)) if n.isdigit() and names.is_id(id) else None


def _checked(name: str) -> str:
    """NAME, if it can be read back: a folder that no listing takes for a job's would stand still
    for ever."""
    if names.parse_claimed(name) is None:
        raise ValueError(
            f"{name!r} is no name for a job's folder: <id>@<queue or worker>.<n>, all [a-z0-9-]"
        )
    return name
