"""STATUS.txt in inbox/: written where its text is another one, and told to programs too."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence

from layout import dropped
from layout.liveness import Observer
from layout.signs import Arrivals
from layout.tree import Atlas
from pipeline.drops.verdict import Wait
from pipeline.text import plain
from pipeline.watchers.status_text import SHOWN, StatusText

NOBODY = (
    "Nobody watches this folder at present. What is dropped here waits until a compute host runs:"
    " inbox3d up\n"
)


class Writer:
    """Writes STATUS.txt, and only when its text changed or a person took it away or wrote over it;
    it is due every INTERVAL seconds."""

    def __init__(self, atlas: Atlas, interval: float) -> None:
        self.atlas, self.interval = atlas, interval
        self._last, self._text, self._arrivals = -interval, "", Arrivals()
        self.text = StatusText(atlas).text

    def due(self) -> bool:
        return time.monotonic() - self._last >= self.interval

    def write(
        self,
        waiting: Mapping[str, Wait],
        halt: str | None,
        observer: Observer,
        attention: Sequence[str] = (),
    ) -> None:
        """ATTENTION: what this intake and its reaper found that waits for a person; that of other
        processes is in their heartbeats."""
        self._last = time.monotonic()
        try:
            self._put(self.text(waiting, halt, observer, attention))
        finally:
            self._tell_programs(waiting)

    def _tell_programs(self, waiting: Mapping[str, Wait]) -> None:
        """What arrives, as facts: the web layer shows it, and a sentence is no data."""
        arrivals = Arrivals(
            waits={
                dropped.printable(name): wait.reason
                for name, wait in sorted(waiting.items())[:SHOWN]
            }
        )
        if arrivals != self._arrivals:
            self.atlas.disk.replace(self.atlas.arrivals_file, arrivals.dump())
            self._arrivals = arrivals

    def fault(self, message: str) -> None:
        """The line does not work: say so as far as it lets us. A full disk takes no new file, but
        often still the old one's bytes."""
        text = (
            f"PAUSED: {plain(message)}. Nothing is lost; it goes on by itself as soon as that works"
            " again.\n"
        )
        try:
            self._put(text)
        except OSError:
            with contextlib.suppress(OSError):
                self.atlas.disk.write_in_place(
                    self.atlas.status_file, text.encode(errors="replace")
                )
                self._text = text

    def _put(self, text: str) -> None:
        data, file = text.encode(errors="replace"), self.atlas.status_file
        found = self.atlas.disk.lstat(file) if text == self._text else None
        if found is None or found.st_size != len(data):
            self.atlas.disk.replace(file, data)
            self._text = text

    def farewell(self, observer: Observer) -> None:
        """The last intake to leave says so: a stale picture of a busy house would mislead."""
        observer.look()
        if not any(beat.role == "intake" for beat in observer.live()):
            self.atlas.disk.replace(self.atlas.status_file, NOBODY.encode())
            self._tell_programs({})
