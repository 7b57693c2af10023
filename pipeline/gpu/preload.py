"""What the isolated legs need, imported once before the first of them, so that each fork has it."""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType
from typing import NoReturn

from pipeline.queues import QUEUES

_PLOTTER = "open3d.visualization.draw_plotly"


def preload(queues: list[str]) -> None:
    """Import what the QUEUES need; a library that is missing is named when a stage asks for it."""
    for name in dict.fromkeys(
        name for queue in queues for name in (QUEUES[queue].preload if queue in QUEUES else ())
    ):
        with contextlib.suppress(ImportError, OSError):
            if name == "open3d":
                _open3d()
            else:
                importlib.import_module(name)


def _open3d() -> None:
    """Open3D without its plots in a browser, which no stage draws: they bring a web server (dash)
    and plotly along, more than half of the time that the import costs."""
    if "open3d" in sys.modules:
        return
    plotter = ModuleType(_PLOTTER)
    for name in ("get_plotly_fig", "draw_plotly", "draw_plotly_server"):
        setattr(plotter, name, _left_out)
    sys.modules[_PLOTTER] = plotter
    try:
        importlib.import_module("open3d")
    finally:
        del sys.modules[_PLOTTER]


def _left_out(*_: object, **__: object) -> NoReturn:
    raise NotImplementedError("engines load Open3D without plotly")
