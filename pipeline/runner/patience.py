"""Patience with the line between this host and the tree: the same call is tried until it works."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from layout.disk import LineFault
from layout.lifecycle import Gone
from layout.move import holding
from layout.promote import Mangled
from layout.scratch import Scratch
from layout.tree import Atlas, Place
from pipeline import blame
from pipeline.errors import PipelineError

log = logging.getLogger(__name__)
T = TypeVar("T")


class Patience:
    """Calls on the tree, tried again while it does not work, and the blame for what does not help.

    PAUSE waits between two tries; True means: stop, and Gone is raised.
    """

    def __init__(
        self, atlas: Atlas, scratch: Scratch, models: Path | None, pause: Callable[[str], bool]
    ) -> None:
        self.atlas, self.scratch, self.models, self.pause = atlas, scratch, models, pause

    def __call__(self, place: Place, call: Callable[[], T]) -> T:
        """Try the same call until the line works again; the job keeps its path and its scratch
        meanwhile."""
        told, denied = "", False
        while True:
            try:
                with holding(self.atlas, place), self._of_scratch():
                    return call()
            except OSError as error:
                fault = (
                    error
                    if isinstance(error, LineFault | Mangled)
                    else blame.of_tree(error, self.atlas)
                )
                if fault is None:
                    if error.errno not in blame.DENIED or denied:
                        raise
                    # A folder that was opened since is in nobody's way any more: only a second
                    # refusal in a row is the job's own.
                    denied = True
                    continue
                denied = False
                why = fault.message if isinstance(fault, LineFault) else str(fault)
                if why != told:
                    log.warning("line.fault job=%s what=%s", place.id, why)
                told = why
                if self.pause(why):
                    raise Gone(place.path.name) from None

    def blamed(self, error: BaseException) -> PipelineError | LineFault:
        """ERROR, sorted by who must act."""
        return blame.of(error, blame.Grounds(self.scratch.root, self.models, self.atlas.root))

    @contextlib.contextmanager
    def _of_scratch(self) -> Iterator[None]:
        """Scratch that does not work is no fault of the share, and no sign that the job's folder
        went away."""
        try:
            yield
        except OSError as error:
            if blame.lies_below(error, self.scratch.root):
                raise self.blamed(error) from error
            raise
