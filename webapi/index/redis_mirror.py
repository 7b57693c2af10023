"""The Redis mirror: job states as ``job:{job_id}`` hashes and the waiting jobs as the list
``3d:queue``, in the mission's own words.

Written, never read: Redis away or flushed changes nothing. A marker key tells that it was flushed;
then all is written again.
"""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

from layout.names import nonce
from webapi.index import rows
from webapi.index.follower import Follower
from webapi.index.schema import Row
from webapi.index.states import ENDED
from webapi.index.table import Index

log = logging.getLogger(__name__)

QUEUE, BELL, MARKER = "3d:queue", "3d:bell", "3d:mirror"
KEEP_SECONDS, NEWEST, LOOK = 30 * 86400, 1000, 5.0


class Mirror(threading.Thread):
    """Writes what changed from a thread of its own, so that a hanging Redis holds nobody."""

    def __init__(self, url: str, index: Index, follower: Follower) -> None:
        super().__init__(name="mirror", daemon=True)
        import redis

        self.redis: Any = redis.Redis.from_url(
            url, socket_timeout=5, socket_connect_timeout=5, decode_responses=True
        )
        self.index, self.follower = index, follower
        self.life = nonce(8)
        self._changes: queue.Queue[tuple[str, Row | None]] = queue.Queue(10_000)
        self._over = threading.Event()
        self._whole = True  # everything must be written

    def heard(self, old: Row | None, new: Row | None) -> None:
        """A listener of the follower."""
        try:
            self._changes.put_nowait((str((new or old or {})["id"]), new))
        except queue.Full:
            self._whole = True

    def stop(self) -> None:
        self._over.set()

    def run(self) -> None:
        self.follower.known.filled.wait()
        while not self._over.is_set():
            try:
                self.step()
            except Exception as error:  # whatever Redis says: it is a mirror
                self._whole = True
                log.warning("mirror.away what=%s", type(error).__name__)
                self._over.wait(LOOK)

    def step(self) -> None:
        """Write what changed within the next seconds; everything where the marker is gone."""
        changes = self._gather()
        if self._whole or self.redis.get(MARKER) != self.life:
            self._write_all()
            return
        if changes:
            self._write(dict(changes))

    def _gather(self) -> list[tuple[str, Row | None]]:
        found = []
        try:
            found.append(self._changes.get(timeout=LOOK / 5))
            while True:
                found.append(self._changes.get_nowait())
        except queue.Empty:
            return found

    def _write_all(self) -> None:
        newest = self.index.page({"state": None}, NEWEST).rows
        self._write({row["id"]: row for row in [*newest, *self.index.active()]})
        self.redis.set(MARKER, self.life)
        self._whole = False

    def _write(self, changed: dict[str, Row | None]) -> None:
        waiting = [row["id"] for row in self.follower.known.waiting()]
        pipe = self.redis.pipeline(transaction=True)
        for id, row in changed.items():
            key = f"job:{id}"
            if row is None:
                pipe.delete(key)
                continue
            pipe.hset(
                key,
                mapping={
                    "state": row["state"],
                    "message": row["message"],
                    "asset_path": rows.asset_path(row) or "",
                },
            )
            if row["state"] in ENDED:
                pipe.expire(key, KEEP_SECONDS)
            else:
                pipe.persist(key)
        pipe.delete(QUEUE)
        if waiting:
            pipe.rpush(QUEUE, *waiting)
        pipe.publish(BELL, str(len(waiting)))
        pipe.execute()
