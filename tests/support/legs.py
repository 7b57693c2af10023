"""A leg run in this process, as the engine's child would run it, its errors told as the parent hears them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.errors import PipelineError
from pipeline.gpu import child, leg
from pipeline.gpu.engine import Event, Order, rebuilt


def run_here(
    order: Order,
    heard: Callable[[Event], None],
    began: Callable[[str], None],
    tick: Callable[[], None],
) -> None:
    """HEARD gets each event; BEGAN the stage that begins; TICK is called after each."""
    stage = ""

    def say(**said: Any) -> None:
        nonlocal stage
        (what, value), *_ = said.items()
        heard(Event(what, value))
        if what == "stage":
            stage = value
            began(stage)
        tick()

    message = order._asdict() | {"root": str(order.root), "input": str(order.input), "models": None}
    try:
        leg.run(message, say)
    except (PipelineError, OSError, ArithmeticError, LookupError, ValueError, TypeError) as error:
        raise rebuilt(child.describe(error, stage, message)) from error
