"""What is remembered of one entry of inbox/ between two looks."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.drops.contents import Contents


@dataclass
class Seen:
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
