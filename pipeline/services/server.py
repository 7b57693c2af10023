"""A service as a process: gunicorn around the application, the device beside it."""

from __future__ import annotations

import os
from typing import Any

from layout.tree import Atlas
from pipeline.backends import generator_protocol, generators
from pipeline.config import Settings
from pipeline.gpu import tenancy
from pipeline.services.app import create_app
from pipeline.services.device import WAITING, Device
from webapi.serving import server

THREADS = 2 * WAITING  # the rest answers /health and /ready, and says that the service is busy


def serve(atlas: Atlas, settings: Settings, service: str, device: str, host: str, port: int) -> int:
    """Serve SERVICE on HOST:PORT until SIGTERM or SIGINT. BackendUnavailable where settings name a
    model that is not there; GpuTaken; PortTaken; KeyMissing for an address that other hosts reach,
    while there is no key."""
    if service == "views":
        generators.chosen(settings.host.models, {**os.environ, generator_protocol.URL: ""})
    held = tenancy.take(device) if device.startswith("cuda") else None
    listener = server.bind(atlas, host, port)
    running: list[Device] = []

    def load() -> Any:
        running.append(Device(settings, service, device))
        return create_app(atlas, settings, service, running[0])

    def end() -> None:
        while running:
            running.pop().end()
        if held is not None:
            held.close()

    return server.run(listener, THREADS, load, end, service)
