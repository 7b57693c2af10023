"""gunicorn's threads, given only to requests whose head has arrived: slow and silent clients wait
outside and hold nobody up."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import time
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import close_graceful, write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from webapi.problems import MEDIA_TYPE, Problem

HEAD_SECONDS, LOOK_AGAIN, LINGER = 15.0, 0.02, 0.5
STATUSES: dict[type, int] = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
}
PEEK = 32 * 1024  # a head beyond that is handed on, for gunicorn to refuse


class Threads(ThreadWorker):  # type: ignore[misc]
    """All of this runs in the one thread that accepts and polls, but for what says otherwise."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # connections with a part of a head, and until when they may complete it
        self._begun: deque[tuple[Any, float]] = deque()

    def enqueue_req(self, conn: Any) -> None:
        """A connection that was accepted, or that became readable: to a thread, or back to wait."""
        seen = self._peek(conn)
        if seen is None:
            conn.timeout = time.monotonic() + HEAD_SECONDS
            self.pending_conns.append(conn)
            self.poller.register(
                conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
            )
        elif seen:
            conn.data_ready = True
            super().enqueue_req(conn)
        else:
            self._begun.append((conn, time.monotonic() + HEAD_SECONDS))

    @staticmethod
    def _peek(conn: Any) -> bool | None:
        """Whether a whole head (or the end, or too much) is there to read; None where there is
        nothing at all."""
        if conn.parser is not None and conn.parser.unreader.buf.getvalue():
            return True
        try:
            conn.sock.setblocking(False)
            data = conn.sock.recv(PEEK, socket.MSG_PEEK)
        except BlockingIOError:
            return None
        except OSError:
            return True
        return not data or len(data) >= PEEK or b"\r\n\r\n" in data

    def handle(self, conn: Any) -> Any:
        """In a thread of the pool. The last words of a connection are said here, so that the thread
        that accepts waits for nobody."""
        kept = super().handle(conn)
        if kept is False:
            close_graceful(conn.sock, LINGER)
        return kept

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """What is no HTTP never reaches the application; it is refused in the application's
        form."""
        if not type(exc).__module__.startswith("gunicorn.http"):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("request.refused client=%s why=%s", (addr or ("",))[0], exc)
        status = HTTPStatus(STATUSES.get(type(exc), 400))
        body = json.dumps(
            Problem(
                status, "bad-request", f"This is no HTTP that is served here: {exc}"[:400]
            ).body(),
            ensure_ascii=False,
        )
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\nConnection: close\r\nContent-Type:"
            f" {MEDIA_TYPE}\r\n"
        )
        with contextlib.suppress(OSError):
            write_nonblock(
                client, f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()
            )

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        """A body that nobody read and that is not here yet is not waited for: its connection
        ends."""
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + LOOK_AGAIN))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        super().wait_for_and_dispatch_events(min(timeout, LOOK_AGAIN) if self._begun else timeout)
        for _ in range(len(self._begun)):
            conn, until = self._begun.popleft()
            if self._peek(conn):
                conn.data_ready = True
                super().enqueue_req(conn)
            elif time.monotonic() > until or not self.alive:
                self.nr_conns -= 1
                conn.close()
            else:
                self._begun.append((conn, until))
