"""Which of the waiting jobs comes first: urgent ones, then the others, each by acceptance; bounded,
so that the others move too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pipeline.queues import URGENT_RUN

T = TypeVar("T")


class Order:
    """One worker's: of URGENT_RUN + 1 starts in a row at least one is another job's, if one waits.

    It is forgotten with the process: a worker that begins anew begins with urgent ones.
    """

    def __init__(self) -> None:
        self._run = 0  # urgent jobs started one after another while others waited

    def of(self, urgent: Sequence[T], others: Sequence[T]) -> list[T]:
        """URGENT and OTHERS, which are by acceptance, in the order in which they are tried."""
        return [*others, *urgent] if self._run >= URGENT_RUN else [*urgent, *others]

    def started(self, urgent: bool, others_wait: bool) -> None:
        """A job was started; OTHERS_WAIT: one that is not urgent might have been."""
        self._run = self._run + 1 if urgent and others_wait else 0
