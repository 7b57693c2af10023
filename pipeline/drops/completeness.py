"""When is a drop complete? The strongest evidence that is there wins.

sealed   a job folder whose input/ equals the manifest in its job.json
listed   a drop whose job.toml lists its files, and whose tree equals the list
said     the person says so: X renamed to X.go, or a file go or READY inside
quiet    nothing changed for the quiet window on this watcher's own monotonic clock, and the files'
own ends are there

``Completeness.judge`` turns looks into verdicts. It decides by what it saw itself, never by
comparing a time on the share with a local clock, and it never acts: claiming, refusing and telling
people are the intake's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from layout import names, rights
from layout.disk import LineFault
from layout.tree import MARKERS
from pipeline.config import Intake
from pipeline.drops import evidence
from pipeline.drops.contents import Contents, Opener, reading
from pipeline.drops.evidence import amount, some
from pipeline.drops.jobtoml import ListedFile
from pipeline.drops.listing import FILE, Denied, Listing, look
from pipeline.formats.bytes import open_file

__all__ = [
    "MARKERS",
    "Listing",
    "Ready",
    "Refuse",
    "Completeness",
    "Verdict",
    "Wait",
    "against_its_list",
    "hold",
    "look",
]

UNFINISHED = "looks unfinished: "
FILL = "Copy the file again; if it is right as it is, put an empty file READY beside it"
MEND_LIST = "Copy what is missing or correct job.toml"


@dataclass(frozen=True)
class Wait:
    """Not yet, and why, in words for STATUS.txt. until: when that may end on the settler's clock,
    if it is known; stuck: not by itself."""

    reason: str
    until: float | None = None
    stuck: bool = False


@dataclass(frozen=True)
class Ready:
    """Complete. evidence: the rung; quiet: seconds without a change; notes: what the person should
    know."""

    evidence: str
    quiet: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refuse:
    """Never a job as it stands."""

    reason: str
    remedy: str


Verdict = Wait | Ready | Refuse


@dataclass
class _Seen:
    """What is remembered of one entry: since when, and in how many looks, it has been the same."""

    contents: Contents
    signature: tuple[object, ...]
    since: float
    last: float
    looks: int = 1

    @property
    def quiet(self) -> float:
        return self.last - self.since

    @property
    def still(self) -> bool:
        """Not changing at this moment: the last two looks saw the same."""
        return self.looks >= 2

    def unchanged(self, window: float) -> bool:
        """Seen the same for WINDOW seconds, in more looks than a watcher that hung in between could
        have made."""
        return self.looks >= 3 and self.quiet >= window


class Completeness:
    """Judges entries of inbox/. One per watcher; call ``judge`` with every look and ``forget`` with
    every listing."""

    def __init__(
        self,
        settings: Intake | None = None,
        clock: Callable[[], float] = time.monotonic,
        network: bool = False,
        opener: Opener = open_file,
    ) -> None:
        self.settings = settings or Intake()
        self.clock = clock
        self.opener = opener
        self.window = self.settings.quiet_network if network else self.settings.quiet_local
        self._seen: dict[str, _Seen] = {}

    def forget(self, present: Collection[str]) -> None:
        """Forget every entry whose name is not PRESENT any more."""
        for name in self._seen.keys() - set(present):
            del self._seen[name]

    def judge(
        self,
        name: str,
        look: Listing,
        manifest: Mapping[str, int] | None = None,
        moved: bool = True,
    ) -> Verdict:
        """What to do about inbox/NAME after LOOK.

        manifest: path → size from the job.json of a job folder. moved: that folder was renamed in,
        not copied (its inode is its own). Raises LineFault when the share fails.
        """
        seen = self._remember(name, look)
        try:
            with reading(look.path):
                return (
                    self._nothing_to_judge(look, seen)
                    or self._never(look, seen)
                    or self._ladder(name, look, seen, manifest, moved)
                )
        except LineFault:
            raise
        except PermissionError as error:
            return Wait(
                rights.unreadable(Path(error.filename or look.path), _name(error, look)), stuck=True
            )
        except OSError as error:  # it went away, or changed, after the look: the next one shows it
            return Wait(f"{_name(error, look)} is not to be seen at present")

    def _remember(self, name: str, look: Listing) -> _Seen:
        """A change of anything, an unclear look or a clock that went backwards starts the wait
        anew."""
        now, seen = self.clock(), self._seen.get(name)
        if seen and seen.signature == look.signature and not look.unclear and now >= seen.last:
            seen.last, seen.looks = now, seen.looks + 1
            return seen
        contents = seen.contents if seen else Contents(self.opener)
        contents.keep_only(set(look.found))
        self._seen[name] = _Seen(contents, look.signature, now, now)
        return self._seen[name]

    def _nothing_to_judge(self, look: Listing, seen: _Seen) -> Verdict | None:
        if look.too_many:
            what = f"{look.path.name} holds more than {self.settings.entry_limit} files and folders"
            return Refuse(what, "Keep the scans only, or pack them into a zip.")
        if look.beyond:
            remedy = (
                "Take the folder that repeats or goes too deep out, or pack the scans into a zip."
            )
            return (
                Refuse(f"{look.path.name} {look.beyond}", remedy)
                if seen.still
                else Wait(f"{look.beyond}; refused when nothing moves")
            )
        if look.unclear:
            return Wait(
                some(look.unclear), stuck=any(isinstance(words, Denied) for words in look.unclear)
            )
        content = evidence.content(look)
        if not look.is_folder and content[0].kind == FILE and not content[0].size:
            return Wait("the file is empty (0 bytes); it waits for its content")
        if not content:
            if look.is_job:
                return Wait(
                    "a job's folder whose input/ is empty or gone; put its files back there, or"
                    " take out what is wanted and drop it alone"
                )
            copies = (
                f" but unfinished copies ({some(found.path for found in look.temporary)})"
                if look.temporary
                else ""
            )
            halts = (
                "; a folder halts nothing, only a file of that name does"
                if names.is_halt(look.path.name)
                else ""
            )
            return Wait(f"the folder holds nothing{copies}; put files into it, or delete it{halts}")
        return None

    def _never(self, look: Listing, seen: _Seen) -> Verdict | None:
        """Links and devices, and files that are not what their names say, are refused by name as
        soon as nothing moves."""
        refused: Refuse | None = None
        if special := next(evidence.not_files(look), None):
            refused = Refuse(
                special, "Take it out, rename it, or put the file itself in its place."
            )
        for found in () if refused else evidence.content(look):
            if really := seen.contents.contradiction(look, found):
                refused = Refuse(
                    f"{found.path} is {really}", "Give it its right suffix or take it out."
                )
                break
        return (
            refused
            if refused is None or seen.still
            else Wait(f"{refused.reason}; refused when nothing moves any more")
        )

    def _ladder(
        self, name: str, look: Listing, seen: _Seen, manifest: Mapping[str, int] | None, moved: bool
    ) -> Verdict:
        if manifest and evidence.equals_manifest(look, manifest):
            return self._sealed(seen, moved)
        if listed := seen.contents.listed(look):
            return self._listed(look, seen, listed)
        if evidence.said(name, look):
            return self._said(look, seen)
        return self._quiet(look, seen)

    def _sealed(self, seen: _Seen, moved: bool) -> Verdict:
        """A renamed job folder is whole; a copied one has its sizes before its bytes."""
        if moved or seen.unchanged(self.settings.quiet_local):
            return Ready("sealed", seen.quiet)
        return Wait(
            "a copy of a job; goes on when nothing moves any more",
            seen.since + self.settings.quiet_local,
        )

    def _listed(self, look: Listing, seen: _Seen, listed: tuple[ListedFile, ...]) -> Verdict:
        """Sizes alone are fooled by copiers that make room first: without checksums the drop must
        also stand still for a moment."""
        wrong = _differences(look, seen.contents, listed)
        if wrong is None:
            return Wait("comparing with the checksums in its job.toml")
        if wrong:
            return self._patience(
                seen, f"what its job.toml lists: {some(wrong)}", "not ", "waits for ", MEND_LIST
            )
        proven = all(each.sha256 for each in listed)
        if not proven and not seen.unchanged(self.settings.quiet_local):
            return Wait(
                "all files that its job.toml lists are there; looked at once more",
                seen.since + self.settings.quiet_local,
            )
        doubtful = None if proven else self._doubtful(look, seen)
        return (
            self._unfinished(look, seen)
            or doubtful
            or Ready("listed", seen.quiet, evidence.notes(look))
        )

    def _said(self, look: Listing, seen: _Seen) -> Verdict:
        if not seen.still:
            return Wait("said to be complete; looked at once more")
        doubtful = self._doubtful(look, seen)
        if verdict := self._unfinished(look, seen) or (
            doubtful if isinstance(doubtful, Wait) else None
        ):
            return verdict
        doubts = (
            (f"went on because the person says so, but it {doubtful.reason}",)
            if isinstance(doubtful, Refuse)
            else ()
        )
        return Ready("said", seen.quiet, (*evidence.notes(look), *doubts))

    def _quiet(self, look: Listing, seen: _Seen) -> Verdict:
        until = seen.since + self.window
        if not seen.still:
            return Wait(f"still arriving ({amount(look)})", until)
        if not seen.unchanged(self.window):
            return Wait(
                f"{amount(look)}; goes on when nothing has changed for {self.window:g} s", until
            )
        copies = [found.path for found in look.temporary] + evidence.strays(look)
        if copies and not seen.unchanged(self.settings.patience):
            return Wait(
                f"waits for unfinished copies: {some(copies)}", seen.since + self.settings.patience
            )
        return (
            self._unfinished(look, seen)
            or self._doubtful(look, seen)
            or Ready("quiet", seen.quiet, evidence.notes(look))
        )

    def _unfinished(self, look: Listing, seen: _Seen) -> Verdict | None:
        """A file whose end is not there is never taken, whoever says that it is whole."""
        for found in evidence.content(look):
            if missing := seen.contents.missing(look, found):
                zeros = seen.contents.unfilled(look, found)
                refused = UNFINISHED if zeros else "looks cut off: "
                return self._patience(
                    seen,
                    f"{found.path}: {zeros or missing}",
                    refused,
                    UNFINISHED,
                    "Copy or export the file again",
                )
        return None

    def _doubtful(self, look: Listing, seen: _Seen) -> Verdict | None:
        """A file that looks unfinished although its end is there."""
        for path, control in evidence.controlled(look):
            what = (
                f"{path}: {control}, which its download tool keeps until it is whole, is still"
                " there"
            )
            return self._patience(
                seen,
                what,
                UNFINISHED,
                UNFINISHED,
                f"Let the download end, or delete {control} if it has",
            )
        for found in evidence.content(look):
            if zeros := seen.contents.unfilled(look, found):
                return self._patience(seen, f"{found.path}: {zeros}", UNFINISHED, UNFINISHED, FILL)
        return None

    def _patience(self, seen: _Seen, what: str, refused: str, waiting: str, remedy: str) -> Verdict:
        if seen.unchanged(self.settings.patience):
            return Refuse(f"{refused}{what}", f"{remedy}.")
        return Wait(f"{waiting}{what}", seen.since + self.settings.patience)


def against_its_list(drop: Path) -> Refuse | None:
    """What is wrong where DROP, a complete folder on this host, is not what its own job.toml
    lists."""
    seen, contents = look(drop), Contents()
    if not (listed := contents.listed(seen)):
        return None
    while (wrong := _differences(seen, contents, listed)) is None:
        pass  # each turn compares another piece
    return Refuse(f"not what its job.toml lists: {some(wrong)}", f"{MEND_LIST}.") if wrong else None


def still_arriving(drop: Path) -> Refuse | None:
    """What is unfinished in DROP, a file or folder on this host that somebody submits; nothing
    where it is said or listed to be whole."""
    seen, contents = look(drop), Contents()
    if evidence.said(drop.name, seen) or contents.listed(seen):
        return None
    copies = [found.path for found in seen.temporary] + evidence.strays(seen)
    if copies or (not seen.is_folder and names.temporary(drop.name)):
        return Refuse(
            f"holds unfinished copies: {some(copies or [drop.name])}",
            "Let the copy end, or take them out.",
        )
    for path, control in evidence.controlled(seen):
        return Refuse(
            f"{UNFINISHED}{path}: {control} beside it says so",
            f"Let the download end, or delete {control} if it has.",
        )
    for found in evidence.content(seen):
        if zeros := contents.unfilled(seen, found):
            return Refuse(f"{UNFINISHED}{found.path}: {zeros}", f"{FILL}.")
    return None


def _differences(
    look: Listing, contents: Contents, listed: tuple[ListedFile, ...]
) -> list[str] | None:
    """In words, how the files differ from the list; None while their checksums are still worked
    on."""
    files = evidence.listable(look)
    wrong = evidence.differences(files, listed)
    for each in () if wrong else listed:
        found = contents.sha256(look, files[each.path]) if each.sha256 else ""
        if found is None:
            return None
        wrong += (
            [f"{each.path} has other bytes"] if each.sha256 and found != each.sha256.lower() else []
        )
    return wrong


def _name(error: OSError, look: Listing) -> str:
    return Path(error.filename).name if error.filename else look.path.name


def hold(first: str | None, quiet: float, limit: float = 600.0) -> Wait | None:
    """Hold a drop that rests on quiet alone while job FIRST, of the same name, is not finished,
    until it was QUIET for LIMIT seconds.

    It may be the rest of an upload that a renamed folder cut in two.
    """
    if first is None or quiet >= limit:
        return None
    return Wait(
        f"held: {first} has the same name and is not finished. If this is another object, rename"
        " it, or put an empty file READY into the folder; else it goes on by itself after"
        f" {limit / 60:g} min without a change"
    )
