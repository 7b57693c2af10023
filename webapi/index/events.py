"""Events: what changed, to everybody who listens. Server-sent events that can be resumed with
Last-Event-ID.

Events are numbered within one life of the process. Who comes back with a number that is too old, or
from another life, is told to load everything again (``reset``) instead of missing something.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

from layout.names import nonce
from webapi.problems import Problem

KEPT, BEHIND, KEEP_ALIVE = 2000, 500, 15.0


class Event(NamedTuple):
    number: int
    what: str  # job, gone, overview, reset
    job: str | None
    data: dict[str, Any]


class _Stream(NamedTuple):
    """One page's stream. MISSED: None where it cannot be told what that is. NUMBER: of the last
    event when it began. JOB: only that job's events, beginning with FIRST, until ENDED."""

    listener: queue.Queue[Event | None]
    missed: list[Event] | None
    number: int
    job: str | None
    first: Callable[[], dict[str, Any] | None]
    ended: Callable[[dict[str, Any]], bool]


class Events:
    """The last events, and a bounded queue for each listener: who does not read in time loses the
    stream, and holds up nobody else."""

    def __init__(self, streams: int) -> None:
        self.life, self.streams = nonce(6), streams
        self._lock = threading.Lock()
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._number = 0
        self._listeners: list[queue.Queue[Event | None]] = []

    def publish(self, what: str, data: dict[str, Any], job: str | None = None) -> None:
        with self._lock:
            self._number += 1
            event = Event(self._number, what, job, data)
            self._kept.append(event)
            for listener in list(self._listeners):
                try:
                    listener.put_nowait(event)
                except queue.Full:
                    self._listeners.remove(listener)
                    _end(listener)

    def close(self) -> None:
        """End every stream: the process is going."""
        with self._lock:
            for listener in self._listeners:
                _end(listener)
            self._listeners.clear()

    def mark(self) -> str:
        """The id of the last event: what was read after this is followed without a gap by a stream
        from here."""
        with self._lock:
            return f"{self.life}-{self._number}"

    @property
    def listening(self) -> int:
        return len(self._listeners)

    def stream(
        self,
        last_id: str | None,
        job: str | None = None,
        first: Callable[[], dict[str, Any] | None] = lambda: None,
        ended: Callable[[dict[str, Any]], bool] = lambda data: False,
    ) -> Iterator[str]:
        """Text of a stream: what was missed since LAST_ID, then what comes. JOB: only that job's,
        beginning with FIRST, until ENDED."""
        listener: queue.Queue[Event | None] = queue.Queue(BEHIND)
        with self._lock:
            if len(self._listeners) >= self.streams:
                raise Problem(
                    503,
                    "streams",
                    "Too many pages follow this service.",
                    "Ask /3d/jobs or the status every few seconds instead.",
                    headers={"Retry-After": "10"},
                )
            stream = _Stream(listener, self._missed(last_id), self._number, job, first, ended)
            self._listeners.append(listener)
        return self._text(stream)

    def _missed(self, last_id: str | None) -> list[Event] | None:
        """Events after LAST_ID; None where they cannot be told."""
        if not last_id:
            return []
        life, _, number = last_id.rpartition("-")
        oldest = self._kept[0].number if self._kept else self._number + 1
        if (
            life != self.life
            or not number.isdigit()
            or len(number) > 15
            or not oldest - 1 <= int(number) <= self._number
        ):
            return None
        return [event for event in self._kept if event.number > int(number)]

    def _text(self, stream: _Stream) -> Iterator[str]:
        # An event without data is none to a client, so `retry` comes with the first that has some.
        retry = "retry: 2000\n"
        with contextlib.closing(self._events(stream)) as events:
            for text in events:
                comment = text.startswith(":")
                yield text if comment else retry + text
                retry = retry if comment else ""

    def _events(self, stream: _Stream) -> Generator[str, None, None]:
        job = stream.job
        try:
            yield ": follows\n\n"  # so that the answer's head goes out at once
            if stream.missed is None:
                yield self._form(Event(stream.number, "reset", None, {}))
            start = stream.first()
            if start is not None:
                yield self._form(Event(stream.number, "job", job, start))
                if stream.ended(start):
                    return
            for event in stream.missed or []:
                if job in (None, event.job):
                    yield self._form(event)
            while True:
                try:
                    event_or_end = stream.listener.get(timeout=KEEP_ALIVE)
                except queue.Empty:
                    yield ": still here\n\n"
                    continue
                if event_or_end is None:
                    return
                if job in (None, event_or_end.job):
                    yield self._form(event_or_end)
                    if job is not None and (
                        event_or_end.what == "gone" or stream.ended(event_or_end.data)
                    ):
                        return
        finally:
            with self._lock:
                if stream.listener in self._listeners:
                    self._listeners.remove(stream.listener)

    def _form(self, event: Event) -> str:
        return (
            f"id: {self.life}-{event.number}\nevent: {event.what}\ndata:"
            f" {json.dumps(event.data, ensure_ascii=False)}\n\n"
        )


def _end(listener: queue.Queue[Event | None]) -> None:
    """Put the end mark into a queue, making room if it is full."""
    try:
        listener.put_nowait(None)
    except queue.Full:
        with listener.mutex:
            listener.queue.clear()
            listener.queue.append(None)
            listener.not_empty.notify()
