"""The self-test of an engine: it must end well before a job is given to it."""

from __future__ import annotations

import shutil

from layout.scratch import Scratch
from pipeline.gpu.engine import Engine, Order


def self_test(engine: Engine, scratch: Scratch) -> Exception | None:
    """What ENGINE died of or said in its self-test; None where it passed."""
    order = Order(
        ("selftest",),
        {"kind": "convert"},
        scratch.root / ".selftest",
        scratch.root,
        None,
        isolated=True,
    )
    try:
        order.root.mkdir(parents=True, exist_ok=True)
        engine.run(order, lambda event: None, lambda: None)
    except Exception as error:
        return error
    finally:
        shutil.rmtree(order.root, ignore_errors=True)
    return None
