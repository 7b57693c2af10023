"""What the loops of an intake and of a worker have in common: the tree is looked at first, and what
does not work pauses them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from layout.attention import words
from layout.beat import Beat
from layout.disk import LineFault
from layout.manifest import AtlasFile
from layout.tree import Atlas
from pipeline.watchers.said import Said

log = logging.getLogger(__name__)


class Restart(Exception):
    """The tree has a new epoch (it was restored): every process starts again under a new name."""


def check_tree(atlas: Atlas, known: AtlasFile) -> None:
    """Restart where the tree that is KNOWN was restored, LineFault where another one stands
    there."""
    found = atlas.identity()
    if found.uuid == known.uuid and found.epoch != known.epoch:
        raise Restart
    atlas.guard(known, found)


class Pausing:
    """One loop's turns. What does not work is told by the heartbeat at every turn, and by the log
    once; ON_FAULT hears of it too."""

    def __init__(
        self, atlas: Atlas, beat: Beat, on_fault: Callable[[str], None] = lambda why: None
    ) -> None:
        self.atlas, self.beat, self.on_fault = atlas, beat, on_fault
        self.paused = False
        self._said = Said()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn that ends early where the line or a folder of the tree does not work; Restart
        alone goes through."""
        try:
            yield
            self._said.settled()
            self.paused = False
        except LineFault as fault:
            if self._news(fault.message):
                log.warning("line.fault worker=%s what=%s", self._name, fault.message)
            self.on_fault(fault.message)
        except Restart:
            raise
        except Exception as error:  # an unreadable folder of the tree, say: it must be told
            why = words(error, self.atlas.root)
            if self._news(why):
                log.warning("look.failed worker=%s what=%s", self._name, why, exc_info=error)
            self.on_fault(why)

    def _news(self, why: str) -> bool:
        self.paused = True
        self.beat.say(f"paused: {why}")
        return self._said.news(why)

    @property
    def _name(self) -> str:
        return self.beat.heartbeat.worker
