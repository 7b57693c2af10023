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
from pathlib import Path

from layout import rights
from layout.disk import LineFault
from pipeline.config import Intake
from pipeline.drops import evidence, spared
from pipeline.drops.at_hand import differences
from pipeline.drops.contents import Contents, Opener, reading
from pipeline.drops.entries import Listing
from pipeline.drops.evidence import amount, some
from pipeline.drops.items import Known
from pipeline.drops.jobtoml import ListedFile
from pipeline.drops.seen import Seen
from pipeline.drops.unfit import never, nothing_to_judge
from pipeline.drops.verdict import (
    FILL,
    MEND_LIST,
    SPARED,
    UNFINISHED,
    Ready,
    Refuse,
    Verdict,
    Wait,
)
from pipeline.formats.bytes import open_file


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
        self.opener, self.network = opener, network
        self.window = self.settings.quiet_network if network else self.settings.quiet_local
        self._seen: dict[str, Seen] = {}

    def forget(self, present: Collection[str]) -> None:
        """Forget every entry whose name is not PRESENT any more."""
        for name in self._seen.keys() - set(present):
            del self._seen[name]

    def anew(self, name: str) -> None:
        """What was seen of inbox/NAME was not so: the wait begins with the next look."""
        self._seen.pop(name, None)

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
        whole = bool(manifest) and evidence.equals_manifest(look, manifest or {})
        try:
            with reading(look.path):
                return (
                    nothing_to_judge(look, seen, self.settings.entry_limit)
                    or never(look, seen, sealed=whole and moved)
                    or self._ladder(name, look, seen, whole, moved)
                )
        except LineFault:
            raise
        except PermissionError as error:
            return Wait(
                rights.unreadable(Path(error.filename or look.path), _name(error, look)), stuck=True
            )
        except OSError as error:  # it went away, or changed, after the look: the next one shows it
            return Wait(f"{_name(error, look)} is not to be seen at present")

    def known(self, name: str, look: Listing) -> Known:
        """What was read of inbox/NAME on the way to the verdict on LOOK."""
        return self._seen[name].contents.known(look)

    def _remember(self, name: str, look: Listing) -> Seen:
        """A change of anything, an unclear look or a clock that went backwards starts the wait
        anew."""
        now, seen = self.clock(), self._seen.get(name)
        if seen and seen.signature == look.signature and not look.unclear and now >= seen.last:
            seen.last, seen.looks = now, seen.looks + 1
            seen.contents.unchanged()
            return seen
        contents = seen.contents if seen else Contents(self.opener)
        contents.changed(look.found)
        self._seen[name] = Seen(contents, look.signature, now, now)
        return self._seen[name]

    def _ladder(self, name: str, look: Listing, seen: Seen, whole: bool, moved: bool) -> Verdict:
        if whole:
            return self._sealed(seen, moved)
        if listed := seen.contents.listed(look):
            return self._listed(look, seen, listed)
        if evidence.said(name, look):
            return self._said(look, seen)
        return self._quiet(look, seen)

    def _sealed(self, seen: Seen, moved: bool) -> Verdict:
        """A renamed job folder is whole; a copied one has its sizes before its bytes."""
        if moved or seen.unchanged(self.settings.quiet_local):
            return Ready("sealed", seen.quiet)
        return Wait(
            "a copy of a job; goes on when nothing moves any more",
            seen.since + self.settings.quiet_local,
        )

    def _listed(self, look: Listing, seen: Seen, listed: tuple[ListedFile, ...]) -> Verdict:
        """Sizes alone are fooled by copiers that make room first: without checksums the drop must
        also stand still for a moment."""
        wrong = differences(look, seen.contents, listed)
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

    def _said(self, look: Listing, seen: Seen) -> Verdict:
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

    def _quiet(self, look: Listing, seen: Seen) -> Verdict:
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

    def _unfinished(self, look: Listing, seen: Seen) -> Verdict | None:
        """A file whose end is not there is never taken, whoever says that it is whole; among
        photographs it is left out when it was waited for."""
        lacking = {
            found: missing
            for found in evidence.content(look)
            if not seen.contents.contradiction(look, found)  # it lacks nothing: it is another file
            and (missing := seen.contents.missing(look, found))
        }
        broken = [found.path for found in lacking]
        if broken and spared.are(look, broken, seen.contents.known(look)):
            return self._spared(seen, broken)
        for found, missing in lacking.items():
            zeros = seen.contents.unfilled(look, found)
            return self._patience(
                seen,
                f"{found.path}: {zeros or missing}",
                UNFINISHED if zeros else "looks cut off: ",
                UNFINISHED,
                "Copy or export the file again",
            )
        return None

    def _spared(self, seen: Seen, broken: list[str]) -> Wait | None:
        patience = self.settings.patience
        if seen.unchanged(patience):
            return None
        return Wait(SPARED.format(some(broken), patience / 60), seen.since + patience)

    def _doubtful(self, look: Listing, seen: Seen) -> Verdict | None:
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

    def _patience(self, seen: Seen, what: str, refused: str, waiting: str, remedy: str) -> Verdict:
        if seen.unchanged(self.settings.patience):
            return Refuse(f"{refused}{what}", f"{remedy}.")
        return Wait(f"{waiting}{what}", seen.since + self.settings.patience)


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
