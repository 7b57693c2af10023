"""Shells: drops behind the dot in claimed/, completed or refused by any intake, whoever began."""

from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path

from layout import accept, dropped, lifecycle, names, tree
from layout.accept import AcceptedRequest
from layout.attention import Attention
from layout.lifecycle import Occupied
from layout.tree import Atlas, Place, State
from pipeline.config import Settings
from pipeline.drops.completeness import Completeness
from pipeline.drops.kind import identify
from pipeline.drops.listing import look
from pipeline.drops.request import facts_anew, facts_of_job, first_queue
from pipeline.drops.verdict import Refuse
from pipeline.errors import InputRejected, SubmitRefused
from pipeline.runner.failing import DELETED, error_file
from pipeline.watchers.two_looks import TwoLooks

log = logging.getLogger(__name__)

MENDED = (
    "its job.json was damaged or missing: it was identified anew from input/ alone; options that"
    " stood nowhere else are lost, the defaults were used"
)


class Shells:
    """The shells of one tree, as one intake sees them."""

    def __init__(self, atlas: Atlas, settings: Settings, attention: Attention) -> None:
        self.atlas, self.settings, self.attention = atlas, settings, attention
        self._seen, self._bare = TwoLooks(time.monotonic), TwoLooks(time.monotonic)

    def complete_left(self) -> None:
        """Shells that stood half accepted in two looks a beat apart: somebody died in the
        middle."""
        shells = {
            place.path.name: place for place in self.atlas.places(State.CLAIMED) if place.hidden
        }
        left = self._seen.again(shells, self.settings.worker.beat)
        bare = self._bare.again(
            [name for name in left if self._is_bare(shells[name])], self.settings.intake.patience
        )
        for name in left:
            with self.attention.over(shells[name].path), contextlib.suppress(Occupied):
                if name in bare:
                    self.refuse(shells[name], DELETED)
                else:
                    self.complete(shells[name])

    def _is_bare(self, shell: Place) -> bool:
        """A job whose files a person took away: nothing is left to be accepted."""
        with self.attention.over(shell.path):
            return (
                lifecycle.readable_job(self.atlas, shell.path) is not None
                and not dropped.look(self.atlas.disk, shell.path / tree.INPUT, whole=False).files
            )
        return False

    def complete(self, shell: Place, copy_of: str | None = None) -> None:
        disk = self.atlas.disk
        job = lifecycle.readable_job(self.atlas, shell.path)
        if job is None and self._is_empty(shell.path / tree.INPUT):
            if any(
                entry.name != tree.INPUT and not names.ignored(entry.name)
                for entry in disk.scandir(shell.path)
            ):
                self.refuse(shell, DELETED)
            else:
                lifecycle.discard_empty(self.atlas, shell)
            return
        if shell.queue == lifecycle.REFUSED:
            self.refuse(shell, self._reason(shell))
            return
        try:
            known = job is not None and job.kind is not None
            facts = (
                facts_of_job(
                    self.atlas,
                    shell.path,
                    job,
                    job.evidence or "sealed",
                    self.settings.presets,
                )
                if known and job
                else facts_anew(
                    self.atlas,
                    shell.path,
                    "completed",
                    self.settings.presets,
                    (MENDED,) if shell.queue == lifecycle.ANEW else (),
                )
            )
        except (InputRejected, SubmitRefused) as error:
            self.refuse(shell, InputRejected(error.message, remedy=error.remedy))
            return
        if shell.queue != first_queue(facts):
            shell = lifecycle.requeue(self.atlas, shell, first_queue(facts))
        if job is None:
            lifecycle.keep_job(self.atlas, shell.path, shell.n)
        accept.accept(self.atlas, shell, facts, copy_of)

    def _is_empty(self, inside: Path) -> bool:
        """Gone, or with nothing in it: "nothing" needs two looks."""
        for _ in range(2):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                if self.atlas.disk.scandir(inside):
                    return False
        return True

    def refuse(self, shell: Place, error: InputRejected) -> None:
        facts = AcceptedRequest(None, {}, frozenset(), "refused")
        # What an earlier run left is set aside by lifecycle.refuse. Here it might be the error.txt
        # that another intake has written just now, for the same refusal.
        if lifecycle.readable_job(self.atlas, shell.path) is None:
            lifecycle.keep_job(self.atlas, shell.path, shell.n)
        lifecycle.refuse(
            self.atlas, shell, accept.job_of(self.atlas, shell, facts), error_file(error, shell.n)
        )
        log.info("job.refused job=%s why=%s", shell.id, error.message)

    def _reason(self, shell: Place) -> InputRejected:
        """Why a drop was refused whose refuser died before it could say so: what its input/ shows
        now."""
        try:
            seen = look(shell.path, self.atlas.disk, self.settings.intake.entry_limit)
            completeness = Completeness(
                self.settings.intake, clock=iter([0.0, 0.0, *[2e9] * 8]).__next__
            )
            for _ in range(4):
                verdict = completeness.judge(shell.path.name, seen)
                if isinstance(verdict, Refuse):
                    return InputRejected(verdict.reason, remedy=verdict.remedy)
            drop = dropped.look(self.atlas.disk, shell.path / tree.INPUT)
            identify(drop.root, [path for path, _ in drop.files], self.settings.presets)
        except InputRejected as error:
            return error
        return InputRejected(
            "The drop was refused.",
            remedy="Look at the files in input/.",
        )
