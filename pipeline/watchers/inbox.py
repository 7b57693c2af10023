"""What stands in inbox/: looked at entry by entry, and taken or refused where it is complete."""

from __future__ import annotations

from collections.abc import Callable

from layout import claims, names
from layout.attention import Attention, Waits, words
from layout.lifecycle import Occupied
from layout.manifest import AtlasFile, JobFile
from layout.tree import Atlas, State
from pipeline.config import Intake
from pipeline.drops import listing
from pipeline.drops.completeness import Completeness, hold
from pipeline.drops.entries import Listing
from pipeline.drops.left_alone import left_alone
from pipeline.drops.verdict import Ready, Refuse, Wait
from pipeline.errors import InputRejected
from pipeline.watchers.hints import is_network
from pipeline.watchers.shells import Shells
from pipeline.watchers.taking import Taking
from pipeline.watchers.turns import Turns

SAME = 30  # looks after which what did not change by name is taken stock of anew


class Inbox:
    """One intake's looks at inbox/. WAITING: what is no job yet, and why; TAKEN is called after
    each drop that became one."""

    def __init__(
        self,
        atlas: Atlas,
        settings: Intake,
        identity: AtlasFile,
        attention: Attention,
        shells: Shells,
        taken: Callable[[], None],
    ) -> None:
        self.atlas, self.settings, self.attention, self.taken = atlas, settings, attention, taken
        self.completeness = Completeness(settings, network=is_network(atlas.root))
        self.waiting: dict[str, Wait] = {}
        self.taking = Taking(atlas, shells, self._went)
        self.turns = Turns(settings.look_limit, self.completeness.window)
        self._inodes_change = identity.inodes == "changing"
        self._listed, self._present, self._same = list[str](), list[str](), 0
        self._gone = set[str]()  # what was taken or refused at this look

    def look(self, listed: list[str]) -> None:
        """At most look_limit entries of those LISTED in a tick."""
        self._list(listed)
        self._gone.clear()
        for name in self.turns.next(self._present, self.waiting, self.completeness.clock()):
            with self.attention.over(self.atlas.inbox / name):
                try:
                    self._examine(name)
                except Occupied:
                    continue  # it moved between two looks
                except Exception as error:
                    self.waiting[name] = Wait(words(error, self.atlas.inbox / name))
                    raise

    def _list(self, listed: list[str]) -> None:
        """What stands in inbox/, LISTED by name. Where that is what stood there before, little is
        to be done: it may be ten thousand; every so often it is looked at all the same."""
        same = self._same + 1 if listed == self._listed else 0
        if same % SAME > 0:
            self._same = same
            return
        entries = self.atlas.entries(State.INBOX)
        # a refused or a shorter second listing is none: then the next look takes stock
        if {entry.name for entry in entries} == set(listed):
            self._listed, self._same = listed, same
        self._present = sorted(
            entry.name for entry in entries if not names.ignored(entry.name, entry.is_dir)
        )
        self.completeness.forget(self._present)
        there = set(self._present)
        waits = {name: wait for name, wait in self.waiting.items() if name in there}
        self.waiting = waits | left_alone(entries)

    def _examine(self, name: str) -> None:
        seen = listing.look(self.atlas.inbox / name, self.atlas.disk, self.settings.entry_limit)
        job = claims.request(self.atlas, name) if seen.is_job else None
        manifest = {row.path: row.size for row in job.manifest} if job else None
        claim = self._whose(name, job) if seen.is_job else None
        moved = claim is None or claim.copy_of is None
        verdict = self.completeness.judge(name, seen, manifest, moved)
        if isinstance(verdict, Ready):
            in_one_move = moved and job is not None  # what was handed in: whole, and maybe of many
            behind = None if in_one_move else self._behind(name, seen)
            verdict = behind or self._held(name, verdict, job) or verdict
        if isinstance(verdict, Wait) and verdict.stuck:
            raise Waits(verdict.reason)
        if isinstance(verdict, Wait):
            self.waiting[name] = verdict
        elif isinstance(verdict, Refuse):
            self.taking.refuse(name, claim, InputRejected(verdict.reason, remedy=verdict.remedy))
        else:
            known = self.completeness.known(name, seen)
            self.taking.take(name, seen, job, claim, verdict, known)
            self.taken()

    def _whose(self, name: str, job: JobFile | None) -> claims.Claim:
        if job is None:
            return claims.identify_bare(self.atlas, name)
        return claims.identify_folder(self.atlas, name, job, self._inodes_change)

    def _behind(self, name: str, seen: Listing) -> Wait | None:
        if not self.completeness.network:
            return None
        if not listing.behind(seen, self.atlas.disk, self.settings.entry_limit):
            return None
        self.completeness.anew(name)
        return Wait("still arriving; this mount showed how it was a while ago", 0.0)

    def _held(self, name: str, verdict: Ready, job: JobFile | None) -> Wait | None:
        if verdict.evidence != "quiet" or job is not None:
            return None
        return hold(self.taking.namesake(name), verdict.quiet, self.settings.hold)

    def next_due(self) -> float:
        """Seconds until the quiet time of a drop is over."""
        now = self.completeness.clock()
        dues = (wait.until - now for wait in self.waiting.values() if wait.until is not None)
        return max(0.02, min((due for due in dues if due > 0), default=float("inf")))

    def arriving(self) -> bool:
        """Whether something will be looked at again by itself."""
        return any(wait.until is not None for wait in self.waiting.values())

    def _went(self, name: str) -> None:
        self.waiting.pop(name, None)
        self._gone.add(name)

    def told(self) -> dict[str, Wait]:
        """What is no job yet, and why; also what no look came to so far, as after a start with
        more than look_limit drops."""
        known = self.waiting.keys() | self._gone
        unseen = (name for name in self._present if name not in known)
        return {name: Wait("not looked at yet") for name in unseen} | self.waiting

    def unseen(self) -> dict[str, Wait]:
        """What lies in inbox/ while HALT keeps it from being looked at."""
        entries = self.atlas.entries(State.INBOX)
        present = (entry.name for entry in entries if not names.ignored(entry.name, entry.is_dir))
        return left_alone(entries) | {name: Wait("waits until HALT is gone") for name in present}
