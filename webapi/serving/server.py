"""Serving: gunicorn with one process of many threads, and beside it the threads that follow the
tree, call out and mirror.

The socket is bound here, before anything else, so that a taken port and a bind that nobody may
reach without a key are named at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from layout.names import slug, worker_name
from layout.tree import Atlas
from pipeline.config import Settings
from pipeline.errors import SubmitRefused
from webapi.serving import anew

log = logging.getLogger(__name__)
M_ARENA_MAX = -8


class PortTaken(SubmitRefused):
    """The port is in use."""

    who = "operator"
    remedy = "Stop what listens there, or choose another with --listen HOST:PORT."


class KeyMissing(SubmitRefused):
    """This address can be reached from other hosts, and there is no key yet."""

    who = "operator"
    remedy = "Make one with `inbox3d keys add NAME --scope admin`, or listen on 127.0.0.1."


def bind(atlas: Atlas, host: str, port: int) -> socket.socket:
    """A listening socket on HOST:PORT. PortTaken names the port; KeyMissing refuses a bind beyond
    loopback without any key."""
    from webapi.access.keys import Keys

    if not _is_loopback(host) and not Keys(atlas).all():
        raise KeyMissing(f"{host}:{port} can be reached from other hosts, and there is no key yet.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise PortTaken(f"{host}:{port} cannot be bound: {error.strerror}.") from None
    listener.listen(512)
    return listener


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve(atlas: Atlas, settings: Settings, listener: socket.socket) -> int:
    """Serve on LISTENER until SIGTERM or SIGINT; SIGHUP without a terminal: the settings are read
    anew. SettingsRefused where [host] sql_url names no database, or [web] login_header nobody to
    believe; Restored where `inbox3d init --restored` was forgotten."""
    try:
        anew.check(atlas, settings)
    except BaseException:
        listener.close()
        raise

    def load() -> Any:
        return started(atlas, anew.settings(atlas, settings))

    return run(listener, settings.web.threads, load, _end, "web")


def run(
    listener: socket.socket,
    threads: int,
    load: Callable[[], Any],
    end: Callable[[], None],
    name: str,
) -> int:
    """Serve what LOAD makes, in one process of THREADS, on LISTENER until SIGTERM or SIGINT; then
    END lets go of what it holds."""
    from gunicorn.app.base import BaseApplication

    class Application(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for key, value in _options(threads, listener, end).items():
                self.cfg.set(key, value)

        def load(self) -> Any:
            return load()

    host, port = listener.getsockname()[:2]
    shown = "localhost" if host == "127.0.0.1" else host
    log.info(f"{name}.up address=%s", f"http://{shown}:{port}")  # an event of each service
    sys.argv = sys.argv[:1]
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)  # many threads, one small heap
    Application().run()
    return 0


def _options(threads: int, listener: socket.socket, end: Callable[[], None]) -> dict[str, Any]:
    os.set_inheritable(listener.fileno(), True)
    return {
        "bind": f"fd://{listener.fileno()}",
        "workers": 1,
        "worker_class": "webapi.serving.threads.Threads",
        "threads": threads,
        "worker_connections": 1000,
        "timeout": 120,
        "graceful_timeout": 5,
        "keepalive": 30,
        "forwarded_allow_ips": "",
        "limit_request_line": 8190,
        "errorlog": "-",
        "loglevel": "warning",
        "control_socket_disable": True,  # it would lie in the home, one for all of a user's
        "when_ready": anew.at_hang_up(),
        "worker_exit": lambda server, worker: end(),
        "post_worker_init": lambda worker: _watch(worker, end),
    }


def started(atlas: Atlas, settings: Settings) -> Any:
    """The application with its threads running, in the process that serves."""
    from layout.beat import Beat
    from layout.signs import Heartbeat
    from webapi import create_app
    from webapi.notify.webhooks import Caller
    from webapi.routes.system import version

    app = create_app(atlas, settings)
    web = app.extensions["inbox3d"]
    name = worker_name(slug(settings.host.name), "web")
    beat = Beat(
        atlas,
        Heartbeat(
            worker=name,
            role="web",
            counter=0,
            boot="",
            pid=os.getpid(),
            version=version(),
            message="serving",
        ),
        settings.worker.beat,
    )
    web.follower.observer.own_beats = lambda: beat.counted
    # gunicorn starts another in its place
    web.follower.restart = lambda: os.kill(os.getpid(), signal.SIGTERM)
    caller = Caller(atlas, settings, web.index)
    web.follower.known.listeners.append(caller.heard)
    web.follower.after.append(lambda: caller.notices.look(web.follower))
    web.follower.after.append(lambda: beat.attend(web.follower.attention.lines()))
    threads: list[Any] = [beat, caller, web.follower]
    if settings.host.redis_url:
        from webapi.index.redis_mirror import Mirror

        mirror = Mirror(settings.host.redis_url, web.index, web.follower)
        web.follower.known.listeners.append(mirror.heard)
        threads.append(mirror)
    beat.beat()
    for thread in threads:
        thread.start()
    RUNNING.append((web, threads))
    gc.collect()
    # what was loaded stays: no full collection has to walk through it while everybody waits
    gc.freeze()
    return app


RUNNING: list[tuple[Any, list[Any]]] = []


def _watch(worker: Any, end: Callable[[], None]) -> None:
    """From SIGTERM on nothing must hold the process: open streams end at once, not after the grace
    time."""

    def wait() -> None:
        while worker.alive:
            time.sleep(0.1)
        end()

    threading.Thread(target=wait, name="watch", daemon=True).start()


def _end() -> None:
    """End streams and threads; take the heartbeat away."""
    while RUNNING:
        web, threads = RUNNING.pop()
        web.events.close()
        for thread in threads:
            (getattr(thread, "end", None) or thread.stop)()
