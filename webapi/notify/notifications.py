"""Notices to the operator, by apprise: jobs that ended, and troubles, each once until it is over.

A trouble is noted in the index when it is said, so that a restart, or a second web host on one
database, does not say it again; when it is over the note goes, and the next time it is said anew.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.config import Settings
from webapi.index.follower import Follower
from webapi.index.schema import Row
from webapi.index.table import Index

log = logging.getLogger(__name__)

# messages; a disk that was low is well again with that much more than the floor
AN_HOUR, ENOUGH_AGAIN = 30, 1.1


TYPES = {"completed": "success", "failed": "failure", "disk": "warning", "stuck": "warning"}

SERIOUS = ("success", "warning", "failure")  # of several notices in one message the last counts


class Notice(NamedTuple):
    """WHAT: as in [web] notify_on. JOB: its id, where it is about one."""

    what: str
    title: str
    text: str
    job: str | None = None


class Trouble(NamedTuple):
    """KEY: the same for as long as it lasts."""

    key: str
    notice: Notice


class Notices:
    """What is to be said, joined and limited. ``look`` belongs to the follower's thread, ``send``
    to the caller's."""

    def __init__(self, settings: Settings, index: Index) -> None:
        self.settings, self.index = settings, index
        self.waiting: deque[Notice] = deque(maxlen=100)
        self._sent: deque[float] = deque(maxlen=AN_HOUR)
        # what stands still → what it looked like, since when
        self._since: dict[str, tuple[object, float]] = {}

    def ended(self, row: Row) -> None:
        if self._wanted(row["state"]):
            title = f"{row['name']}: {row['state']}"
            self.waiting.append(Notice(row["state"], title, row["message"], row["id"]))

    def look(self, follower: Follower) -> None:
        """Compare the troubles of this instant with those that were said."""
        if not self.settings.web.notify:
            return
        said = self.index.noted()
        now = {trouble.key: trouble for trouble in self._troubles(follower, said)}
        self.index.forget_notes(said - now.keys())
        for key in now.keys() - said:
            if self.index.note(key):
                self.waiting.append(now[key].notice)

    def _wanted(self, what: str) -> bool:
        return bool(self.settings.web.notify) and what in self.settings.web.notify_on

    # -- troubles ------------------------------------------------------------------------------
    def _troubles(self, follower: Follower, said: set[str]) -> Iterable[Trouble]:
        if self._wanted("disk"):
            yield from self._disk(follower, said)
        if self._wanted("stuck"):
            yield from self._stuck(follower, said)

    def _disk(self, follower: Follower, said: set[str]) -> Iterable[Trouble]:
        free, floor = shutil.disk_usage(follower.atlas.root).free / 1e9, self.settings.web.free_gb
        if free < floor or ("disk" in said and free < ENOUGH_AGAIN * floor):
            text = (
                f"{free:.1f} GB are left; below {floor:g} GB uploads are refused. Free space there."
            )
            yield Trouble("disk", Notice("disk", "Atlas is nearly full", text))

    def _stuck(self, follower: Follower, said: set[str]) -> Iterable[Trouble]:
        """What stands still long enough; what was said before this process began has stood long
        enough already."""
        minutes, served = self.settings.web.stuck_after / 60, follower.queues()
        looks: dict[str, tuple[object, Trouble]] = {}
        for row in follower.known.unfinished():
            queue, key = row["queue"], f"job {row['id']}"
            if row["worker"]:
                look = (row["worker"], row["stage"], row["moved"], row["message"])
                text = (
                    f"On {row['worker']} nothing moved for {minutes:g} min: {row['message']}. Look"
                    " into its log, or cancel it."
                )
                notice = Notice("stuck", f"{row['name']} is stuck", text, row["id"])
                looks[key] = look, Trouble(key, notice)
            elif queue and not served.get(queue) and not follower.halted:
                key, text = (
                    f"queue {queue}",
                    f"Its jobs wait. Start one: inbox3d up --queues {queue}",
                )
                notice = Notice("stuck", f"No live worker serves {queue}", text)
                looks[key] = None, Trouble(key, notice)
        now = time.monotonic()
        kept = {
            key: self._since.get(key, (look, float("-inf") if key in said else now))
            for key, (look, _) in looks.items()
        }
        self._since = {
            key: (look, kept[key][1] if kept[key][0] == look else now)
            for key, (look, _) in looks.items()
        }
        return [
            trouble
            for key, (_, trouble) in looks.items()
            if now - self._since[key][1] >= self.settings.web.stuck_after
        ]

    # -- sending -------------------------------------------------------------------------------
    def send(self) -> None:
        """Send what waits, at most so many messages an hour; several at once become one."""
        while self._sent and time.monotonic() - self._sent[0] > 3600:
            self._sent.popleft()
        if not self.waiting or len(self._sent) == AN_HOUR:
            return
        import apprise

        notices = [self.waiting.popleft() for _ in range(len(self.waiting))]
        title, text = notices[0].title, self._said(notices[0])
        if len(notices) > 1:
            title = f"inbox3d: {len(notices)} notices"
            text = "\n\n".join(f"{one.title}: {self._said(one)}" for one in notices)
        sender = apprise.Apprise()
        for address in self.settings.web.notify:
            sender.add(address)
        self._sent.append(time.monotonic())
        kind = max((TYPES[one.what] for one in notices), key=SERIOUS.index)
        if not sender.notify(body=text, title=title, notify_type=apprise.NotifyType(kind)):
            log.warning("notification.failed count=%d", len(notices))

    def _said(self, notice: Notice) -> str:
        """Its text, with the id of the job that it is about and where the pages show it."""
        base = (self.settings.web.address or "").rstrip("/")
        page = f"{base}/jobs/{notice.job}" if notice.job else base
        return "\n".join(
            [
                notice.text,
                *([f"Job: {notice.job}"] if notice.job else []),
                *([page] if base else []),
            ]
        )
