"""A process of a host in chaos: ``pipeline.watchers.process`` as it is, with light stages and the boot id of its own host.

python -m tests.chaos.process --boot ID --role worker …
"""

from __future__ import annotations

import sys

from layout import beat, liveness
from pipeline import queues, recipes
from pipeline.runner import scratch
from pipeline.watchers import process
from tests.chaos.stages import RECIPES


def install(boot: str) -> None:
    """Hosts differ by their boot id: what sleeps on another host is known by its heartbeat alone."""
    for module in (beat, liveness, scratch):
        module.boot_id = lambda: boot  # type: ignore[attr-defined]
    recipes.RECIPES.update(RECIPES)
    for name, queue in queues.QUEUES.items():  # light stages need no libraries
        queues.QUEUES[name] = queue._replace(preload=())


if __name__ == "__main__":
    at = sys.argv.index("--boot")
    install(sys.argv[at + 1])
    del sys.argv[at : at + 2]
    sys.exit(process.main())
