"""Taking a drop that is complete out of inbox/: as a job of its kind, or refused with a reason."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from layout import accept, claims, lifecycle, names
from layout.disk import Entry
from layout.manifest import JobFile
from layout.tree import MARKERS, Atlas, Place, State
from pipeline.drops.entries import Listing
from pipeline.drops.items import Known
from pipeline.drops.kind import identify
from pipeline.drops.request import facts_of, facts_of_job, first_queue
from pipeline.drops.verdict import Ready
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.submission import job_view
from pipeline.watchers.shells import Shells

log = logging.getLogger(__name__)


class Taking:
    """How one intake takes drops. CLAIMED hears the name of what no longer stands in inbox/."""

    def __init__(self, atlas: Atlas, shells: Shells, claimed: Callable[[str], object]) -> None:
        self.atlas, self.shells, self.claimed = atlas, shells, claimed

    def take(
        self,
        name: str,
        seen: Listing,
        job: JobFile | None,
        claim: claims.Claim | None,
        verdict: Ready,
        known: Known,
    ) -> None:
        """inbox/NAME becomes a job, or is refused where it is none. KNOWN: what was read of it
        already."""
        root = self.atlas.inbox / name if seen.is_folder else self.atlas.inbox
        if job is None and claim is not None:
            self.shells.complete(self._shell(name, claim, lifecycle.ANEW), claim.copy_of)
            self.claimed(name)
            return
        presets = self.shells.settings.presets
        try:
            if job is not None:
                facts = facts_of_job(
                    self.atlas, self.atlas.inbox / name, job, verdict.evidence, presets, known
                )
            else:
                paths = [
                    found.path
                    for found in seen.files
                    if not (seen.is_folder and found.path.lower() in MARKERS)
                ]
                facts = facts_of(
                    identify(root, paths, presets, known=known), verdict.evidence, verdict.notes
                )._replace(after=self.namesake(name))
                if not seen.is_folder:
                    facts = facts._replace(used=frozenset(map(names.without_go, facts.used)))
                    if facts.asked:
                        path, digest = facts.asked
                        facts = facts._replace(asked=(names.without_go(path), digest))
        except (InputRejected, SubmitRefused) as error:
            self.refuse(name, claim, InputRejected(error.message, remedy=error.remedy))
            return
        shell = self._shell(name, claim, first_queue(facts))
        self.claimed(name)
        accept.accept(self.atlas, shell, facts, claim.copy_of if claim else None)
        log.info("job.claimed job=%s kind=%s evidence=%s", shell.id, facts.kind, facts.evidence)

    def refuse(self, name: str, claim: claims.Claim | None, error: InputRejected) -> None:
        """inbox/NAME goes to failed/ with the reason."""
        shell = self._shell(name, claim, lifecycle.REFUSED)
        self.claimed(name)
        self.shells.refuse(shell, error)

    def namesake(self, name: str) -> str | None:
        """The id of a job in claimed/ or processing/ that its person called NAME too."""
        slug, own = names.slug(stem(name)), names.fold(names.without_go(name))
        for state in (State.CLAIMED, State.PROCESSING):
            # asked for each drop, and thousands may wait: most names tell that they are others'
            for folder in sorted(each for each in self.atlas.names(state) if slug in each):
                place = self.atlas.place(state, Entry(folder, True))
                if place and (names.split_id(place.id) or ("",))[0] == slug:
                    job = job_view.job_at(self.atlas, place)
                    if job is None or names.fold(job.source.name) == own:
                        return place.id
        return None

    def _shell(self, name: str, claim: claims.Claim | None, queue: str) -> Place:
        if claim is not None:
            return lifecycle.claim_job(self.atlas, name, queue, claim.id, claim.n)
        return lifecycle.claim_drop(self.atlas, name, queue)


def stem(name: str) -> str:
    """What a drop is called without "go" and without a file's suffix."""
    return Path(names.without_go(name)).stem
