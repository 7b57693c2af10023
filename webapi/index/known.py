"""What the web process remembers of the tree, and what it tells of a change: the index on disk,
active jobs in memory."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

from layout.tree import State
from pipeline.queues import ahead
from webapi.index.schema import Row
from webapi.index.states import ENDED
from webapi.index.table import Index

log = logging.getLogger(__name__)

AT_REST = (State.DONE, State.FAILED)
Listener = Callable[[Row | None, Row | None], None]


class Known:
    """Rows of active jobs by id, ids of ended ones with their folder's name. Listeners hear (old
    row or None, new row or None).

    Nothing is told before FILLED is set, except of jobs that were known: a first look is no news.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.listeners: list[Listener] = []
        self.filled = threading.Event()  # the first look is over
        self.active: dict[str, Row] = {}
        # of each submitter, the bytes of his active jobs by id: asked twice at each submission
        self.held: dict[str, dict[str, int]] = {}
        self.at_rest: dict[State, dict[str, str]] = {}  # id → the folder's name
        self.lock = threading.RLock()
        self._changed = True

    def load(self) -> None:
        """What the index knows from before; asked once, and again where the index had to be made
        anew."""
        with self.lock:
            if not self.at_rest:
                self.active, self.held = {}, {}
                for row in self.index.active():
                    self._enter(row)
                self.at_rest = {state: self.index.names(state.value) for state in AT_REST}

    def begin_anew(self, damaged: bool) -> None:
        """Make the index again. What is active is put back; what had ended is filled in from the
        tree, untold."""
        with self.lock:
            if damaged:
                self.index.discard()
            self.index.prepare()
            self.index.put(list(self.active.values()))
            self.at_rest, self._changed = {}, True
            self.filled.clear()

    def changed(self) -> bool:
        """Whether anything was written since this was asked last."""
        with self.lock:
            changed, self._changed = self._changed, False
        return changed

    def write(self, rows: list[Row]) -> None:
        told = []
        with self.lock:
            self.index.put(rows)
            self._changed = self._changed or bool(rows)
            for row in rows:
                old = self._pop(row["id"])
                if row["state"] in ENDED:
                    state, _, name = row["folder"].partition("/")
                    self.at_rest[State(state)][row["id"]] = row["id"] if name == row["id"] else name
                else:
                    self._enter(row)
                if old is not None or self.filled.is_set():
                    told.append((old, row))
        for old, row in told:
            self._tell(old, row)

    def forget(self, ids: list[str]) -> None:
        with self.lock:
            self.index.drop(ids)
            self._changed = self._changed or bool(ids)
            gone = [self._pop(id) or {"id": id} for id in ids]
        for old in gone:
            self._tell(old, None)

    def _enter(self, row: Row) -> None:
        self.active[row["id"]] = row
        self.held.setdefault(row["submitter"], {})[row["id"]] = row["bytes"]

    def _pop(self, id: str) -> Row | None:
        """What is remembered of job ID, and forget it: its row, or its id and folder where it had
        ended."""
        rests = [
            {"id": id, "state": "ended"} for known in self.at_rest.values() if known.pop(id, None)
        ]
        if (row := self.active.pop(id, None)) is None:
            return rests[0] if rests else None
        held = self.held[row["submitter"]]
        del held[id]
        if not held:
            del self.held[row["submitter"]]
        return row

    def _tell(self, old: Row | None, new: Row | None) -> None:
        for listener in self.listeners:
            try:
                listener(old, new)
            except Exception:
                log.exception("listener.failed")

    # -- asking --------------------------------------------------------------------------------
    def ahead(self, row: Row) -> int:
        """How many jobs of the same queue one worker would start before ROW."""
        mine = [other for other in self.unfinished() if other["queue"] == row["queue"]]
        alike = [other for other in mine if other["urgent"] == row["urgent"]]
        before = sum(_age(other) < _age(row) for other in alike)
        return ahead(row["urgent"], before, len(mine) - len(alike))

    def unfinished_of(self, submitter: str) -> tuple[int, int]:
        """(jobs, bytes) that SUBMITTER has waiting or running."""
        with self.lock:
            sizes = self.held.get(submitter, {})
            return len(sizes), sum(sizes.values())

    def unfinished(self) -> list[Row]:
        with self.lock:
            return list(self.active.values())

    def waiting(self) -> list[Row]:
        """Jobs that wait for a worker or to be accepted, in the order in which one worker of each
        queue would start them."""
        rows = [row for row in self.unfinished() if not row["worker"]]
        turns = self.turns()
        return sorted(rows, key=lambda row: (turns.get(row["id"], 0), *_age(row)))

    def turns(self) -> dict[str, int]:
        """By id, how many jobs of the same queue one worker would start before each that waits."""
        rows = sorted((row for row in self.unfinished() if not row["worker"]), key=_age)
        many = Counter((row["queue"], row["urgent"]) for row in rows)
        seen: Counter[tuple[str | None, bool]] = Counter()
        turns = {}
        for row in rows:
            sort = (row["queue"], row["urgent"])
            turns[row["id"]] = ahead(row["urgent"], seen[sort], many[row["queue"], not sort[1]])
            seen[sort] += 1
        return turns


def _age(row: Row) -> tuple[str, str]:
    return row["at"], row["id"]
