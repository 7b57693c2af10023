"""In the guest: a line between one client and the server, on which the reply to one request can get lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

PORT = 2050


class Between:
    """Passes on all that comes to PORT. After ``lose(word)`` the reply to the next request that holds WORD never arrives: the
    server has done it, THEN happens, and the client finds its line cut."""

    def __init__(self) -> None:
        self.word, self.then, self.lost = b"", _nothing, 0
        listening = socket.create_server(("", PORT))
        threading.Thread(target=self._serve, args=(listening,), daemon=True).start()

    def lose(self, word: str, then: Callable[[], None] | None = None) -> None:
        self.word, self.then = word.encode(), then or _nothing

    def _serve(self, listening: socket.socket) -> None:
        while True:
            near, _ = listening.accept()
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        with near:
            try:
                with socket.create_connection(("127.0.0.1", 2049)) as far:
                    hush = threading.Event()
                    back = threading.Thread(target=_pour, args=(far, near, hush), daemon=True)
                    back.start()
                    self._forth(near, far, hush)
                    near.shutdown(socket.SHUT_RDWR)
                    back.join(5)
            except OSError:
                return  # the server is away: the client comes again

    def _forth(self, near: socket.socket, far: socket.socket, hush: threading.Event) -> None:
        while data := near.recv(1 << 16):
            if not self.word or self.word not in data:
                far.sendall(data)
                continue
            self.word, then = b"", self.then
            hush.set()
            far.sendall(data)
            _pause()
            then()
            self.lost += 1
            return


def _pour(source: socket.socket, goal: socket.socket, hush: threading.Event) -> None:
    try:
        while data := source.recv(1 << 16):
            if not hush.is_set():
                goal.sendall(data)
    except OSError:
        pass


def _pause() -> None:
    """The server has long done it then."""
    threading.Event().wait(1.0)


def _nothing() -> None:
    pass
