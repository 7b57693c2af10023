"""Whether a job that failed for a refusal failed rightly, and whether its words are true."""

from __future__ import annotations

import re
from pathlib import Path

from layout import rights
from tests.simulation.world import Broken, World

WHOLE = ("d", "e", "f", "g")  # edges at which a worker moves a whole job
TEMPORARY = re.compile(r"\.(.+)\.[0-9a-f]{8}")


class Refusals:
    """Of WORLD, whose permissions are all as they should be: what is refused is so by the share's
    own rules, for once or for ever."""

    def __init__(self, world: World) -> None:
        self.world = world

    def judge(self, folder: Path, message: str, remedy: str) -> None:
        """FOLDER failed with MESSAGE and REMEDY."""
        fate, id = self.world.fate, folder.name
        moved = "cannot be moved" in message
        if "chmod" in message or "chmod" in remedy:
            raise Broken(f"words are true: {id} asks for a right that is there: {message} {remedy}")
        if not moved and rights.FORBIDS not in message:
            return
        if (moved and fate.refused.get(id, "") in WHOLE) or fate.refusals[id] < 2:
            raise Broken(
                "a fault of the line or of a host is none of the job:"
                f" {id} was refused something, and failed with {message}"
            )
        told = {_lasting(name) for name in fate.names_refused[id]}
        if not any(name in message for name in told):
            raise Broken(
                f"words are true: {id} was refused {sorted(told)}, and failed with {message}"
            )


def _lasting(name: str) -> str:
    """The name that a person finds, of one that is made up for a moment."""
    found = TEMPORARY.fullmatch(name)
    return found[1] if found else name
