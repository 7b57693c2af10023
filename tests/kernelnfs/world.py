"""In the guest: one server, and its tree as several hosts see it."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from layout.init import init
from layout.tree import Atlas
from tests.kernelnfs.between import PORT, Between
from tests.kernelnfs.server import SHARED, Client, Server, shipped

Figures = dict[str, Any]
fork = multiprocessing.get_context("fork")


class World:
    """The server, and a tree of it as two hosts see it who mount it without a thought (``one``, ``two``), one who mounts it as
    shipped, and one on a line that can lose a reply."""

    def __init__(self) -> None:
        self.server = Server()
        init(Path(SHARED))
        self.between = Between()
        self.options = shipped("systemd/srv-atlas.mount", r"^Options=(\S+),_netdev$")
        self.hosts = {name: Client(name) for name in ("one", "two", "three", "four")}
        self.one = Atlas(self.hosts["one"].mount("/one"))
        self.two = Atlas(self.hosts["two"].mount("/two"))
        self.shipped = Atlas(self.hosts["three"].mount("/three", self.options))
        self.lossy = Atlas(self.hosts["four"].mount("/four", f"port={PORT}"))


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """What each of JOBS returns, in a process of its own, all from one signal on."""
    go, said = fork.Event(), fork.Queue()

    def works(number: int) -> None:
        go.wait()
        said.put((number, jobs[number]()))

    works_on = [fork.Process(target=works, args=(number,)) for number in range(len(jobs))]
    for one in works_on:
        one.start()
    time.sleep(1)
    go.set()
    answers = dict(said.get(timeout=180) for _ in works_on)
    for one in works_on:
        one.join()
    return [answers[number] for number in range(len(jobs))]


def until(look: Callable[[], bool], limit: float = 90.0) -> float:
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < limit
        time.sleep(0.1)
    return round(time.monotonic() - began, 1)
