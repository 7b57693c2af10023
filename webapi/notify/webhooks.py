"""Calling out when a job ends: its own signed webhook; and in the same thread, the operator's
notices.

A webhook is signed as Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature) and
goes through the guard. What is due is kept in the index, so that a restart loses none; a receiver
may see one twice, with the same webhook-id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import threading
import time
from typing import Any

import sqlalchemy as sql

from layout.tree import Atlas
from pipeline import safe_fetch
from pipeline.config import Settings
from webapi.access.keys import signing_secret
from webapi.index import rows
from webapi.index.schema import HOOKS, Row
from webapi.index.states import ENDED
from webapi.index.table import Index
from webapi.notify.metrics import ENDED as COUNT_ENDED
from webapi.notify.metrics import WEBHOOKS
from webapi.notify.notifications import Notices

log = logging.getLogger(__name__)

WAITS = (5.0, 30.0, 120.0, 900.0, 3600.0, 6 * 3600.0)
TIMEOUT = 10.0


class Caller(threading.Thread):
    """Hears what changed, and calls from a thread of its own."""

    def __init__(self, atlas: Atlas, settings: Settings, index: Index) -> None:
        super().__init__(name="caller", daemon=True)
        self.atlas, self.settings, self.index = atlas, settings, index
        self._wake, self._over = threading.Event(), threading.Event()
        self.notices = Notices(settings, index)

    def heard(self, old: Row | None, new: Row | None) -> None:
        """A listener of the follower: acts on jobs that end."""
        if (
            new is None
            or new["state"] not in ENDED
            or (old is not None and old["state"] in (*ENDED, "ended"))
        ):
            return
        COUNT_ENDED.labels(new["kind"] or "none", new["state"]).inc()
        if new["webhook"]:
            self._keep(new)
        self.notices.ended(new)
        self._wake.set()

    def _keep(self, row: Row) -> None:
        body = {"type": f"job.{row['state']}", "timestamp": row["ended"], "data": rows.status(row)}
        id = f"{row['id']}.{row['ended'] or ''}"[:80]
        with self.index.engine.begin() as db:
            known = db.execute(sql.select(HOOKS.c.id).where(HOOKS.c.id == id)).first()
            if known is None:
                db.execute(
                    sql.insert(HOOKS),
                    [
                        {
                            "id": id,
                            "url": row["webhook"],
                            "body": json.dumps(body),
                            "tries": 0,
                            "due": time.time(),
                        }
                    ],
                )

    def stop(self) -> None:
        self._over.set()
        self._wake.set()

    def run(self) -> None:
        while not self._over.is_set():
            self._wake.wait(5.0)
            self._wake.clear()
            try:
                self.deliver()
                self.notices.send()
            except Exception:
                log.exception("caller.failed")

    # -- webhooks ------------------------------------------------------------------------------
    def deliver(self) -> None:
        """Send everything that is due; what fails is due again later."""
        with self.index.engine.connect() as db:
            due = [
                dict(row)
                for row in db.execute(
                    sql.select(HOOKS).where(HOOKS.c.due <= time.time()).limit(50)
                ).mappings()
            ]
        for row in due:
            if self._claim(row):
                self._settle(row, *self._send(row))

    def _claim(self, row: dict[str, Any]) -> bool:
        """Move the due time on before sending: of several web hosts on one database only one
        sends."""
        wait = WAITS[min(row["tries"], len(WAITS) - 1)]
        with self.index.engine.begin() as db:
            mine = sql.update(HOOKS).where(HOOKS.c.id == row["id"], HOOKS.c.tries == row["tries"])
            return bool(
                db.execute(mine.values(tries=row["tries"] + 1, due=time.time() + wait)).rowcount
            )

    def _settle(self, row: dict[str, Any], failure: str, again: bool) -> None:
        WEBHOOKS.labels("failed" if failure else "delivered").inc()
        if failure:
            log.warning(
                "webhook.failed id=%s tries=%d what=%s", row["id"], row["tries"] + 1, failure
            )
        if not failure or not again or row["tries"] + 1 >= len(WAITS):
            with self.index.engine.begin() as db:
                db.execute(sql.delete(HOOKS).where(HOOKS.c.id == row["id"]))

    def _send(self, row: dict[str, Any]) -> tuple[str, bool]:
        """(why it failed, or nothing; whether to try again). No redirect is followed and no answer
        is kept."""
        headers = {
            "Content-Type": "application/json",
            **signature(signing_secret(self.atlas), row["id"], row["body"]),
        }
        try:
            status = safe_fetch.send(
                row["url"], row["body"].encode(), headers, TIMEOUT, self.settings.web.webhook_lan
            )
        except safe_fetch.NotAllowed as reason:
            return str(reason), isinstance(reason, safe_fetch.NotFound)
        except safe_fetch.NoUse as reason:
            return str(reason), True
        return "" if 200 <= status < 300 else f"status {status}", True


def signature(secret: bytes, id: str, body: str, now: float | None = None) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    timestamp = str(int(time.time() if now is None else now))
    digest = hmac.new(secret, f"{id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
